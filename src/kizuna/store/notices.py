"""Notices: signed notes from one node to another about objects that one of them sent.

*withdrawal* asks to give objects back, *return* lets them stay again, *confirmation* says that it was done; *request* asks an originator to
let objects be passed on to somebody, *consent* says they may, and *consent-end* that they may no more. The last three may be about a whole
label: then they name it, and the versions under it as *covers*. They travel in the feed of whom they are for, and count only
when signed with the key that is pinned for their sender, and for this organisation.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.errors import InvalidInput, UsageError
from kizuna.labels import names_whole
from kizuna.stix import canonical
from kizuna.stix.builtin import NOTICE_EXTENSION
from kizuna.stix.ids import type_of
from kizuna.store.keys import derived_key, load_key, read_public

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.database import Connection
    from kizuna.store.recipients import Recipient
    from kizuna.store.store import Store

Kind = Literal["withdrawal", "return", "confirmation", "request", "consent", "consent-end"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_LABELS: tuple[Kind, ...] = ("request", "consent", "consent-end")
"""Kinds that may be about a whole label."""
MOST = 10_000
"""Ids of one notice."""

MOST_TEXT = 500

_DIGEST = re.compile(r"[0-9a-f]{64}")

WITHDRAWN = 3
"""`hidden` of a row that its source withdrew: only its source brings it back."""

_THESE = "(select value from json_each(?))"
_TEXTS = {
    "withdrawal": "These objects are withdrawn. Please remove them, and ask whom you gave them to do so, too.",
    "return": "These objects are no longer withdrawn.",
    "confirmation": "These objects were removed here.",
    "request": "Please consent to passing these objects on.",
    "consent": "These objects may be passed on.",
    "consent-end": "These objects may not be passed on any more.",
}
_LABEL_TEXTS = {
    "request": "Please consent to passing on what is under {}.",
    "consent": "What is under {} may be passed on.",
    "consent-end": "What is under {} may not be passed on any more.",
}


class Version(msgspec.Struct, frozen=True, order=True):
    """One version of an object: its id, and the SHA-256 of its canonical JSON in hexadecimal."""

    id: str
    digest: str

    @property
    def is_sound(self) -> bool:
        return bool(type_of(self.id)) and _DIGEST.fullmatch(self.digest) is not None


class Told(msgspec.Struct, frozen=True):
    """What a notice says, as its extension holds it."""

    kind: Kind
    recipient: str
    signature: str
    about: tuple[str, ...] = ()
    third_party: str | None = None
    expires: str | None = None
    reason: str | None = None
    label: str | None = None
    covers: tuple[Version, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether it is about what a notice can be about: objects, or a label with what is under it."""
        texts = (self.third_party or "", self.reason or "", self.label or "")
        if not all(len(text) <= MOST_TEXT and text.isprintable() for text in texts):
            return False
        if self.label is None:
            return not self.covers and 0 < len(self.about) <= MOST and all(map(type_of, self.about))
        # A node of an older release asks for what it is about, and takes it for no notice.
        return (
            self.kind in OF_LABELS and bool(self.third_party) and names_whole(self.label) and not self.about
            and len(self.covers) <= MOST and all(version.is_sound for version in self.covers)
        )  # fmt: skip

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids it names, each once."""
        return self.about or tuple(dict.fromkeys(version.id for version in self.covers))

    @property
    def until(self) -> int | None:
        """`expires` in microseconds."""
        return None if self.expires is None else from_text(self.expires)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice, sent or received. Times are microseconds; `settled` is when it was confirmed or answered.

    Where it is about a whole label, `about` is which objects under it were told, none in what people said of it.
    """

    number: int
    partner: str
    sent: bool
    kind: Kind
    note: str
    about: tuple[str, ...]
    third_party: str | None
    expires: int | None
    reason: str | None
    at: int
    person: str
    settled: int | None
    label: str | None = None


_COLUMNS = "n, partner, sent, kind, note, about, third_party, expires, reason, at, person, settled, label"
SAID = "(label is null or about='[]')"
"""What people said: not what a node tells, object by object, of what is under a label."""


def listed(connection: Connection, kinds: Sequence[Kind] = KINDS, limit: int = 1_000) -> list[Notice]:
    """Notices of some kinds, the newest first; of what is about a label, what people said of it."""
    sql = f"select {_COLUMNS} from notice where kind in (select atom from json_each(?)) and {SAID} order by n desc limit ?"
    return [_notice(row) for row in connection.execute(sql, (json.dumps(list(kinds)), limit))]


def send(
    store: Store,
    act: Act,
    recipient: Recipient,
    kind: Kind,
    about: Sequence[str],
    *,
    by: str,
    third_party: str | None = None,
    expires: int | None = None,
    reason: str | None = None,
    label: str | None = None,
    covers: Sequence[Version] = (),
) -> str:
    """Put a signed notice into a partner's feed; gives the id of the note, "" where it is about nothing.

    What is about more than a notice holds is several. With a label it is about that, and `covers` is what is under it. Raises
    InvalidInput without the node's key.
    """
    if max(len(about), len(covers)) > MOST:
        for first in range(MOST, max(len(about), len(covers)), MOST):
            send(
                store, act, recipient, kind, about[first : first + MOST], by=by, third_party=third_party, expires=expires,
                reason=reason, label=label, covers=covers[first : first + MOST],
            )  # fmt: skip
        about, covers = about[:MOST], covers[:MOST]
    if not about and label is None:
        return ""
    until = None if expires is None else to_text(expires)
    said: dict[str, Any] = {"kind": kind, "recipient": recipient.partner.organisation}
    named = list(about) if label is None else None
    more = {
        "about": named,
        "third_party": third_party,
        "expires": until,
        "reason": reason,
        "label": label,
        "covers": [msgspec.to_builtins(version) for version in covers] or None,
    }
    note = _signed(store, said | {k: v for k, v in more.items() if v is not None}, act.now)
    act.deliver(recipient, note, counted=not covers)  # what follows from an act is none of it
    ids = about if label is None else sorted({version.id for version in covers})
    _keep(
        act.connection, recipient.partner.name, True, kind, note["id"], ids, third_party, expires, reason, act.now, by,
        label,
    )  # fmt: skip
    return str(note["id"])


def heed(store: Store, act: Act, partner: str, notes: Iterable[dict[str, Any]]) -> None:
    """Do what notices of a partner say that came in; those that are not signed by it, or not for us, say nothing."""
    recipient = next((r for r in act.recipients if r.partner.name == partner), None)
    if recipient is None:
        return
    for note in notes:
        told = verified(note, recipient.partner.public_key, store.organisation)
        if told is None:
            store.record(act.connection, f"partner:{partner}", "notice.refused", str(note.get("id")), {})
            continue
        new = _keep(
            act.connection, partner, False, told.kind, str(note["id"]), told.ids, told.third_party, told.until,
            told.reason, act.now, f"partner:{partner}", told.label,
        )  # fmt: skip
        if new:
            _Heeding(store, act, recipient, told).heed()
            store.record(
                act.connection,
                f"partner:{partner}",
                f"notice.{told.kind}",
                str(note["id"]),
                {"objects": len(told.ids)} | ({} if told.label is None else {"label": told.label}),
            )


def verified(note: dict[str, Any], key: str | None, organisation: str) -> Told | None:
    """What a note says that is signed with this public key and is for this organisation; None for any other."""
    extensions = note.get("extensions")
    said = extensions.get(NOTICE_EXTENSION) if isinstance(extensions, dict) else None
    if key is None or not isinstance(said, dict):
        return None
    from cryptography.exceptions import InvalidSignature

    try:
        told = msgspec.convert(said, Told)
        read_public(key).verify(base64.b64decode(told.signature, validate=True), _text(note))
        told.until  # noqa: B018 - a date nobody can read is no date
    except (msgspec.ValidationError, binascii.Error, InvalidSignature, ValueError, UsageError):
        return None
    return told if told.is_sound and told.recipient == organisation else None


def had(connection: Connection, recipient: int, idents: Iterable[int]) -> tuple[list[str], list[str]]:
    """Under which ids a partner had, or has, something of these ids: their own, and those of renditions."""
    whole = (
        "select distinct o.id from feed f indexed by feed_ident cross join object o on o.n=f.object "
        f"where f.recipient=? and f.ident in {_THESE}"
    )
    part = (
        "select distinct r.id from object o cross join rendition m on m.original=o.n cross join object r on r.n=m.row "
        "cross join feed f indexed by feed_ident on f.ident=r.ident and f.object=m.row "
        f"where f.recipient=? and o.ident in {_THESE}"
    )
    values = (recipient, json.dumps(sorted(idents)))
    first, second = (sorted(id for (id,) in connection.execute(sql, values)) for sql in (whole, part))
    return first, second


class _Heeding:
    """What one notice of a partner changes here."""

    def __init__(self, store: Store, act: Act, recipient: Recipient, told: Told) -> None:
        self._store = store
        self._act = act
        self._connection = act.connection
        self._recipient = recipient
        self._partner = recipient.partner
        self._told = told

    def heed(self) -> None:
        kind = self._told.kind
        if kind == "withdrawal":
            self._withdrawn()
        elif kind == "return":
            self._returned()
        elif kind == "confirmation":
            self._confirmed()
        elif kind == "consent":
            self._consented()
        elif kind == "consent-end":
            self._no_consent()

    def _withdrawn(self) -> None:
        """Hide what that partner gave of these ids, tell whom it was passed on to, and say that it was done.

        Whoever gets them from here still, as somebody else gave them, is told nothing; nor is the reason, which is not theirs to read.
        """
        rows = self._rows(hidden=0)
        others = [recipient for recipient in self._act.recipients if recipient.n != self._recipient.n]
        passed_on = {recipient.n: self._passed_on(recipient.n, rows) for recipient in others}
        self._hide(rows, WITHDRAWN)
        for recipient in others:
            self._send(recipient, "withdrawal", sorted(set(passed_on[recipient.n]) - self._live(recipient.n)))
        self._send(self._recipient, "confirmation", self._told.about)

    def _send(self, recipient: Recipient, kind: Kind, about: Sequence[str]) -> None:
        """What is to be hidden is hidden, whether or not this node can sign what it has to say of it."""
        by = f"partner:{self._partner.name}"
        try:
            send(self._store, self._act, recipient, kind, about, by=by)
        except InvalidInput as error:
            detail = {"kind": kind, "error": str(error)[:200]}
            self._store.record(self._connection, "kizuna", "notice.unsigned", recipient.partner.name, detail)

    def _live(self, recipient: int) -> set[str]:
        """Which of these ids somebody gets from here now."""
        sql = (
            "select o.id from ident i cross join feed f indexed by feed_ident on f.ident=i.n cross join object o on o.n=f.object "
            "where i.space=0 and i.id in (select atom from json_each(?)) and f.recipient=? and f.live=1"
        )
        return {id for (id,) in self._connection.execute(sql, (json.dumps(list(self._told.about)), recipient))}

    def _passed_on(self, recipient: int, rows: Sequence[tuple[int, int]]) -> list[str]:
        """Under which ids somebody got these very rows from here, or renditions of them: what came from others is not this partner's."""
        sql = (
            "select o.id from object o cross join feed f indexed by feed_ident on f.ident=o.ident and f.object=o.n "
            f"where f.recipient=? and o.n in {_THESE} "
            "union select r.id from rendition m cross join object r on r.n=m.row "
            "cross join feed f indexed by feed_ident on f.ident=r.ident and f.object=m.row "
            f"where f.recipient=? and m.original in {_THESE}"
        )
        these = json.dumps([n for n, _ in rows])
        return sorted({id for (id,) in self._connection.execute(sql, (recipient, these, recipient, these))})

    def _returned(self) -> None:
        """Show again what a withdrawal of that partner hid, and nothing that was hidden for another reason; and pass it on."""
        self._hide(self._rows(hidden=WITHDRAWN), 0)
        sql = "select about from notice where partner=? and sent=1 and kind='withdrawal' and person=?"
        for recipient in self._act.recipients:
            values = (recipient.partner.name, f"partner:{self._partner.name}")
            told = {id for (about,) in self._connection.execute(sql, values).fetchall() for id in json.loads(about)}
            if recipient.n != self._recipient.n:
                self._send(recipient, "return", sorted(told & set(self._told.about)))

    def _confirmed(self) -> None:
        """Settle what was withdrawn; what this node does not know it withdrew, since it was restored, is held back again."""
        sql = "select n, about from notice where partner=? and sent=1 and kind='withdrawal' and settled is null"
        confirmed = set(self._told.about)
        for n, about in self._connection.execute(sql, (self._partner.name,)).fetchall():
            if set(json.loads(about)) <= confirmed:
                self._connection.execute("update notice set settled=? where n=?", (self._act.now, n))
        self._note("confirmed")
        sql = "select about from notice where partner=? and sent=1 and kind='withdrawal'"
        known = {id for (about,) in self._connection.execute(sql, (self._partner.name,)) for id in json.loads(about)}
        self._act.hold_again(self._recipient, sorted(confirmed - known))

    def _note(self, what: str) -> None:
        """Note it down with what people did about these objects; a rendition's with what it was made of."""
        sql = (
            "select distinct coalesce(x.ident, o.ident) from ident i join object o on o.ident=i.n left join rendition m on m.row=o.n "
            "left join object x on x.n=m.original where i.space=0 and i.id in (select atom from json_each(?))"
        )
        by = f"partner:{self._partner.name}"
        for (ident,) in self._connection.execute(sql, (json.dumps(list(self._told.about)),)).fetchall():
            values = (self._recipient.n, ident, self._act.now, what, by, "{}")
            self._connection.execute(
                "insert into outbox(recipient,ident,at,act,person,detail) values (?,?,?,?,?,?)", values
            )

    def _consented(self) -> None:
        """Of what that partner gave; whoever did not ask lets it go on only as far as their own settings address somebody."""
        label, given, asked = self._told.label, self._ids(self._rows(hidden=0)), self._asked_for()
        named = [(subject, digest) for subject, digest in self._named() if subject in given]
        self._end_consents(named)
        self._connection.executemany(
            "insert into consent(partner,originator,subject,third_party,expires,received,asked,label,digest) "
            "values (?,?,?,?,?,?,?,?,?)",
            [
                (
                    self._partner.name, self._partner.organisation, subject, self._told.third_party or "", self._told.until,
                    self._act.now, int(subject in asked or label in asked), label, digest,
                )
                for subject, digest in named
            ],
        )  # fmt: skip
        if self._told.label is None or not self._told.covers:  # what is told of more under it answers nobody
            self._answer()
        self._act.consented([subject for subject, _ in named])

    def _asked_for(self) -> set[str | None]:
        """The objects and the labels that this node asked for."""
        sql = "select about, label from notice where partner=? and sent=1 and kind='request' and third_party=?"
        values = (self._partner.name, self._told.third_party or "")
        asked: set[str | None] = set()
        for about, label in self._connection.execute(sql, values).fetchall():
            asked |= set(json.loads(about)) if label is None else {label}
        return asked

    def _ids(self, rows: Sequence[tuple[int, int]]) -> set[str]:
        sql = f"select distinct id from object where n in {_THESE}"
        return {id for (id,) in self._connection.execute(sql, (json.dumps([n for n, _ in rows]),))}

    def _named(self) -> list[tuple[str, str | None]]:
        """The objects it is about, or the very versions that it says are under a label."""
        if self._told.label is None:
            return [(id, None) for id in self._told.about]
        return [(version.id, version.digest) for version in self._told.covers]

    def _no_consent(self) -> None:
        named, label = self._named(), self._told.label
        if label is not None and not named:  # to all of it
            sql = "select subject, digest from consent where partner=? and third_party=? and label=? and ended is null"
            values = (self._partner.name, self._told.third_party or "", label)
            named = [(subject, digest) for subject, digest in self._connection.execute(sql, values).fetchall()]
        if self._end_consents(named):
            self._act.consented([subject for subject, _ in named])

    def _end_consents(self, named: Sequence[tuple[str, str | None]]) -> int:
        """End consents of the same kind: to objects by themselves, or to versions as they are under a label."""
        sql = (
            "update consent set ended=? where partner=? and third_party=? and ended is null "
            "and label is not distinct from ? and subject in (select atom from json_each(?)) "
            "and (subject || ' ' || coalesce(digest, '')) in (select atom from json_each(?))"
        )
        values = (
            self._act.now, self._partner.name, self._told.third_party or "", self._told.label,
            json.dumps([subject for subject, _ in named]), json.dumps([f"{subject} {digest or ''}" for subject, digest in named]),
        )  # fmt: skip
        return self._connection.execute(sql, values).rowcount

    def _answer(self) -> None:
        sql = (
            "select n, about from notice where partner=? and sent=1 and kind='request' and third_party=? and settled is null "
            "and label is not distinct from ?"
        )
        values = (self._partner.name, self._told.third_party, self._told.label)
        for n, about in self._connection.execute(sql, values).fetchall():
            if set(json.loads(about)) <= set(self._told.about):
                self._connection.execute("update notice set settled=? where n=?", (self._act.now, n))

    def _rows(self, *, hidden: int) -> list[tuple[int, int]]:
        """What the partner gave of these ids."""
        sql = (
            "select o.n, o.ident from object o join source s on s.n=o.source where s.name=? and o.hidden=? "
            "and o.ident in (select n from ident where space=0 and id in (select atom from json_each(?)))"
        )
        values = (f"partner:{self._partner.name}", hidden, json.dumps(list(self._told.ids)))
        return self._connection.execute(sql, values).fetchall()

    def _hide(self, rows: Sequence[tuple[int, int]], hidden: int) -> None:
        numbers = [n for n, _ in rows]
        self._connection.execute(f"update object set hidden={hidden:d} where n in {_THESE}", (json.dumps(numbers),))
        self._act.reconsider(numbers)


def _signed(store: Store, said: dict[str, Any], now: int) -> dict[str, Any]:
    moment = to_text(now)[:23] + "Z"
    text = _LABEL_TEXTS[said["kind"]].format(said["label"]) if "label" in said else _TEXTS[said["kind"]]
    named = said.get("about") or [version["id"] for version in said.get("covers", ())]
    content = text + "".join(f"\n{id}" for id in named[:100])
    note: dict[str, Any] = {
        "type": "note", "spec_version": "2.1", "created_by_ref": store.settings.identity, "created": moment, "modified": moment,
        "abstract": f"Kizuna notice: {said['kind']}", "content": content, "object_refs": [store.settings.identity],
        "object_marking_refs": ["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"],
        "extensions": {NOTICE_EXTENSION: {"extension_type": "property-extension", **said}},
    }  # fmt: skip
    made = hmac.digest(derived_key(store.folder, "notice"), canonical(note), "sha256")[:16]
    note["id"] = f"note--{uuid.UUID(bytes=made, version=4)}"
    signature = load_key(store.folder).sign(_text(note))
    note["extensions"][NOTICE_EXTENSION]["signature"] = base64.b64encode(signature).decode()
    return note


def _text(note: dict[str, Any]) -> bytes:
    """What is signed: all of the note but the signature."""
    said = {key: value for key, value in note["extensions"][NOTICE_EXTENSION].items() if key != "signature"}
    return b"kizuna-notice\n" + canonical({**note, "extensions": {**note["extensions"], NOTICE_EXTENSION: said}})


def _keep(
    connection: Connection, partner: str, sent: bool, kind: Kind, note: str, about: Sequence[str], third_party: str | None,
    expires: int | None, reason: str | None, at: int, person: str, label: str | None = None,
) -> bool:  # fmt: skip
    """Note it down; whether it is new."""
    return bool(
        connection.execute(
            "insert into notice(partner,sent,kind,note,about,third_party,expires,reason,at,person,label) "
            "values (?,?,?,?,?,?,?,?,?,?,?) on conflict do nothing",
            (partner, int(sent), kind, note, json.dumps(list(about)), third_party, expires, reason, at, person, label),
        ).rowcount
    )


def _notice(row: tuple[Any, ...]) -> Notice:
    number, partner, sent, kind, note, about, *rest = row
    third_party, expires, reason, at, person, settled, label = rest
    return Notice(
        number=number, partner=partner, sent=bool(sent), kind=kind, note=note, about=tuple(json.loads(about)),
        third_party=third_party, expires=expires, reason=reason, at=at, person=person, settled=settled, label=label,
    )  # fmt: skip
