"""Consents as one of one's own people asks for them, gives them and is told of them: what they do not see counts as absent.

Who consents is told of each object whether they did, as far as they see: what the partner had of it in truth rests on more. It is not
told, and where it is more than they see it is consented to no part of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from kizuna.labels import Principal, Reason
from kizuna.store.act import Act
from kizuna.store.consents import GIVEN, note_down, organisation_of, settle
from kizuna.store.database import Connection
from kizuna.store.notices import Kind, had, listed, send
from kizuna.store.outbox import recipient_of
from kizuna.store.recipients import Recipient
from kizuna.store.seen_outbox import SeenOutbox
from kizuna.store.two_people import reason_of, releaser

if TYPE_CHECKING:
    from kizuna.store.store import Store

_THESE = "(select value from json_each(?))"
_ALL = 2**31


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for or consented to: of which of the objects, and of which not and why."""

    kind: Kind
    partner: str
    third_party: str
    expires: int | None
    done: tuple[str, ...]
    failed: tuple[tuple[str, Reason], ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A request, a consent or the end of one, by this node or by the partner. Times are microseconds; `settled` is when it was answered."""

    at: int
    kind: Kind
    sent: bool
    partner: str
    third_party: str
    expires: int | None
    reason: str | None
    ids: tuple[str, ...]
    settled: int | None = None


class SeenConsents:
    """What somebody sees of what was asked for, given and got, and what they do about it; `by` is their name."""

    def __init__(self, store: Store, principal: Principal, *, by: str) -> None:
        self._store = store
        self._principal = principal
        self._by = by

    def entries(self, limit: int, before: int | None = None) -> tuple[list[Entry], int | None]:
        """The newest entries all of whose objects they see, and where it goes on, None at the end. Raises NodeBusy."""
        with self._store.database.snapshot() as reader:
            every = _answered(self._entries(reader))
        end = len(every) if before is None else min(before, len(every))
        first = max(end - limit, 0)
        return every[first:end][::-1], first or None

    def request(
        self, originator: str, ids: Sequence[str], third_party: str, *, reason: str, expires: int | None = None
    ) -> Said:
        """Ask a partner to let objects of its be passed on to an organisation. Raises NotFound, UsageError."""
        reason, organisation = reason_of(reason), organisation_of(self._store, third_party)
        with self._store.act() as act:
            recipient, outbox = self._look(act, originator)
            held = outbox.held(ids)
            failed = {id: Reason("not-theirs" if id in held else "not-held") for id in ids}
            done = [id for id in dict.fromkeys(ids) if any(row.theirs for row in held.get(id, ()))]
            send(
                self._store, act, recipient, "request", done, by=self._by, third_party=organisation, expires=expires, reason=reason
            )  # fmt: skip
            self._record(act, "consent.request", recipient, done)
        return _said("request", recipient, organisation, expires, ids, done, failed)

    def grant(self, holder: str, ids: Sequence[str], third_party: str, *, expires: int | None = None) -> Said:
        """Let a partner pass objects of one's own on to an organisation, as a releaser who has just shown who they are.

        Raises NotFound, Refused, UsageError.
        """
        releaser(self._store, self._by)
        return self._give("consent", holder, ids, third_party, expires)

    def end(self, holder: str, ids: Sequence[str], third_party: str) -> Said:
        """Take a consent back. Raises NotFound, UsageError."""
        return self._give("consent-end", holder, ids, third_party, None)

    def _give(self, kind: Kind, holder: str, ids: Sequence[str], third_party: str, expires: int | None) -> Said:
        organisation = organisation_of(self._store, third_party)
        with self._store.act() as act:
            recipient, outbox = self._look(act, holder)
            done, failed = self._givable(act.connection, outbox, ids, consents=kind == "consent")
            idents = list(done.values())
            told = self._seen_whole(act.connection, recipient, idents) if kind == "consent" else idents
            # What the partner knows of one object under two ids is not told in one notice.
            for about in had(act.connection, recipient.n, told):
                send(self._store, act, recipient, kind, about, by=self._by, third_party=organisation, expires=expires)
            if done:
                note_down(act, recipient, kind, idents, by=self._by, third_party=organisation, expires=expires)
            if kind == "consent":
                settle(
                    act, recipient, organisation, [id for some in had(act.connection, recipient.n, told) for id in some]
                )
            self._record(act, "consent.grant" if kind == "consent" else "consent.end", recipient, list(done))
        return _said(kind, recipient, organisation, expires, ids, list(done), failed)

    def _givable(
        self, connection: Connection, outbox: SeenOutbox, ids: Sequence[str], *, consents: bool
    ) -> tuple[dict[str, int], dict[str, Reason]]:
        """Of these ids those that, as they see, are of this organisation and the partner had, with their integers; and why not others."""
        partners = {n for (n,) in connection.execute("select n from source where kind='partner'")}
        held = outbox.held(ids)
        outbox.items(list(held))
        done: dict[str, int] = {}
        failed = {}
        for id in dict.fromkeys(ids):
            rows = held.get(id, [])
            if not rows:
                failed[id] = Reason("not-held")
            elif all(row.source in partners for row in rows):
                failed[id] = Reason("not-ours")
            elif not outbox.ever_live(rows[0].ident):
                failed[id] = Reason("did-not-leave")
            elif consents and any(outbox.is_cut(row) for row in rows):
                failed[id] = Reason("seen-in-part")
            else:
                done[id] = rows[0].ident
        return done, failed

    def _seen_whole(self, connection: Connection, recipient: Recipient, idents: Sequence[int]) -> list[int]:
        """Of these ids, those of which they see all that the partner ever had: nobody consents to what they do not see."""
        unseen = f"not ({self._store.mask(self._principal).sql(connection, 'o.whole')})"
        whole = (
            "select f.ident from feed f indexed by feed_ident cross join object o on o.n=f.object "
            f"where f.recipient=? and f.ident in {_THESE} and {unseen}"
        )
        part = (
            "select o.ident from object o cross join rendition m on m.original=o.n cross join object r on r.n=m.row "
            "cross join feed f indexed by feed_ident on f.ident=r.ident and f.object=m.row "
            f"where f.recipient=? and o.ident in {_THESE} and {unseen}"
        )
        values = (recipient.n, json.dumps(list(idents)))
        more = {ident for sql in (whole, part) for (ident,) in connection.execute(sql, values)}
        return [ident for ident in idents if ident not in more]

    def _entries(self, reader: Connection) -> Iterator[Entry]:
        """Every entry that they see, the oldest first."""
        recipient = next(iter(self._store.recipients(reader)), None)  # what is seen is the same for each
        if recipient is None:
            return
        found = sorted([*_notices(reader), *_given(reader)], key=lambda one: one.at)
        outbox = SeenOutbox(self._store, reader, recipient, self._principal)
        seen = outbox.seen(sorted({id for one in found for id in one.ids}))
        yield from (one for one in found if one.ids and all(id in seen for id in one.ids))

    def _look(self, act: Act, partner: str) -> tuple[Recipient, SeenOutbox]:
        recipient = recipient_of(self._store, act.connection, partner)
        return recipient, SeenOutbox(self._store, act.connection, recipient, self._principal, at=act.now)

    def _record(self, act: Act, what: str, recipient: Recipient, done: Sequence[str]) -> None:
        """In the trail, which who acted may read: not by the note, whose id rests on what the partner had."""
        if done:
            self._store.record(act.connection, self._by, what, recipient.partner.name, {"objects": len(done)})


def _said(
    kind: Kind, recipient: Recipient, third_party: str, expires: int | None, ids: Sequence[str], done: Sequence[str],
    failed: dict[str, Reason],
) -> Said:  # fmt: skip
    rest = tuple((id, failed[id]) for id in dict.fromkeys(ids) if id not in set(done))
    return Said(
        kind=kind, partner=recipient.partner.name, third_party=third_party, expires=expires, done=tuple(done), failed=rest
    )  # fmt: skip


def _notices(reader: Connection) -> list[Entry]:
    """Requests either way, and what partners consented to; a rendition under the id of what it was made of."""
    told = [one for one in listed(reader, ("request", *GIVEN), _ALL) if one.kind == "request" or not one.sent]
    sql = (
        "select r.id, x.id from ident i join object r on r.ident=i.n join rendition m on m.row=r.n join object x on x.n=m.original "
        "where i.space=0 and i.id in (select atom from json_each(?))"
    )
    names = json.dumps(sorted({id for one in told for id in one.about}))
    made_of = dict(reader.execute(sql, (names,)).fetchall())
    return [
        Entry(
            at=one.at, kind=one.kind, sent=one.sent, partner=one.partner, third_party=one.third_party or "", expires=one.expires,
            reason=one.reason, ids=tuple(dict.fromkeys(made_of.get(id, id) for id in one.about)),
        )
        for one in reversed(told)
    ]  # fmt: skip


def _given(reader: Connection) -> list[Entry]:
    """What people here consented to, and what they took back."""
    sql = (
        "select p.name, b.at, b.act, b.detail, i.id from outbox b join partner p on p.n=b.recipient join ident i on i.n=b.ident "
        "where b.act in ('consent','consent-end') order by b.n"
    )
    found: dict[int, tuple[Entry, list[str]]] = {}
    for partner, at, kind, detail, id in reader.execute(sql):
        said = msgspec.json.decode(detail)
        if said["entry"] not in found:
            third, expires = said["third_party"], said["expires"]
            first = Entry(
                at=at, kind=kind, sent=True, partner=partner, third_party=third, expires=expires, reason=None, ids=()
            )
            found[said["entry"]] = (first, [])
        found[said["entry"]][1].append(id)
    return [msgspec.structs.replace(one, ids=tuple(ids)) for one, ids in found.values()]


def _answered(entries: Iterator[Entry]) -> list[Entry]:
    """With each request, when a consent that is told as well answered it: one to all that it is about."""
    every = list(entries)
    consents: dict[tuple[str, str, bool], list[Entry]] = defaultdict(list)
    for one in every:
        if one.kind == "consent":
            consents[one.partner, one.third_party, not one.sent].append(one)
    return [
        one
        if one.kind != "request"
        else msgspec.structs.replace(
            one,
            settled=next(
                (
                    two.at
                    for two in consents[one.partner, one.third_party, one.sent]
                    if two.at >= one.at and set(one.ids) <= set(two.ids)
                ),
                None,
            ),
        )
        for one in every
    ]
