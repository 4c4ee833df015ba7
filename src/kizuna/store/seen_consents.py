"""Consents as one of one's own people asks for them, gives them and is told of them: what they do not see counts as absent.

Who consents is told of each object whether they did, as far as they see: what the partner had of it in truth rests on more. It is not
told, and where it is more than they see it is consented to no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from kizuna.errors import Refused
from kizuna.labels import Label, Principal, Reason, decide, passed_on_whole, text_of_whole
from kizuna.store.act import Act
from kizuna.store.consent_entries import Entries, Entry
from kizuna.store.consents import note_down, organisation_of, settle
from kizuna.store.database import Connection
from kizuna.store.label_consents import ask, give, take_back
from kizuna.store.notices import Kind, had, send
from kizuna.store.outbox import recipient_of
from kizuna.store.recipients import Recipient
from kizuna.store.seen_outbox import SeenOutbox
from kizuna.store.two_people import reason_of, releaser

if TYPE_CHECKING:
    from kizuna.store.store import Store

_THESE = "(select value from json_each(?))"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for or consented to: of which of the objects, and of which not and why; or of which label."""

    kind: Kind
    partner: str
    third_party: str
    expires: int | None
    done: tuple[str, ...]
    failed: tuple[tuple[str, Reason], ...]
    label: str | None = None


class SeenConsents:
    """What somebody sees of what was asked for, given and got, and what they do about it; `by` is their name."""

    def __init__(self, store: Store, principal: Principal, *, by: str) -> None:
        self._store = store
        self._principal = principal
        self._by = by

    def entries(self, limit: int, before: int | None = None) -> tuple[list[Entry], int | None]:
        """The newest entries all of whose objects they see, and where it goes on, None at the end. Raises NodeBusy."""
        with self._store.database.snapshot() as reader:
            recipients = self._store.recipients(reader)
            if not recipients:
                return [], None
            # What is seen of an object is the same for each of them.
            outbox = SeenOutbox(self._store, reader, recipients[0], self._principal)
            return Entries(reader, outbox, recipients, self._store.organisation, self.sees_label).page(limit, before)

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

    def request_label(
        self, originator: str, label: str, third_party: str, *, reason: str, expires: int | None = None
    ) -> Said:
        """Ask a partner to let all that is its own under a label go on to an organisation. Raises NotFound, Refused, UsageError."""
        reason, organisation = reason_of(reason), organisation_of(self._store, third_party)
        with self._store.act() as act:
            recipient = recipient_of(self._store, act.connection, originator)
            of = self._label(label, recipient.partner.organisation)
            ask(self._store, act, recipient, of, organisation, by=self._by, reason=reason, expires=expires)
            return self._said_of_label(act, "request", "consent.request", recipient, of, organisation, expires)

    def grant_label(self, holder: str, label: str, third_party: str, *, expires: int | None = None) -> Said:
        """Let a partner pass all that is one's own under a label on, now and later, as a releaser who has just shown who they are.

        Raises NotFound, Refused, UsageError.
        """
        releaser(self._store, self._by)
        organisation, of = organisation_of(self._store, third_party), self._label(label, self._store.organisation)
        with self._store.act() as act:
            recipient = recipient_of(self._store, act.connection, holder)
            give(self._store, act, recipient, of, organisation, by=self._by, expires=expires)
            return self._said_of_label(act, "consent", "consent.grant", recipient, of, organisation, expires)

    def end_label(self, holder: str, label: str, third_party: str) -> Said:
        """Take a consent to a whole label back; what is consented to by itself stays so. Raises NotFound, Refused, UsageError."""
        organisation, of = organisation_of(self._store, third_party), self._label(label, self._store.organisation)
        with self._store.act() as act:
            recipient = recipient_of(self._store, act.connection, holder)
            take_back(self._store, act, recipient, of, organisation, by=self._by)
            return self._said_of_label(act, "consent-end", "consent.end", recipient, of, organisation, None)

    def _label(self, text: str, originator: str) -> Label:
        """A label as consents name it, of which the asker may see what is under it: nobody consents to what they do not see."""
        label = passed_on_whole(text, originator=originator)
        if not self.sees_label(label):
            raise Refused("you do not see what is under this label; somebody who does may say it")
        return label

    def sees_label(self, label: Label) -> bool:
        """Whether they may see all that is under a label."""
        return decide(label, self._principal, holder=self._store.holder(), at=self._store.clock()).allowed

    def _said_of_label(
        self,
        act: Act,
        kind: Kind,
        what: str,
        recipient: Recipient,
        label: Label,
        organisation: str,
        expires: int | None,
    ) -> Said:
        name, text = recipient.partner.name, text_of_whole(label)
        self._store.record(act.connection, self._by, what, name, {"label": text})
        return Said(
            kind=kind, partner=name, third_party=organisation, expires=expires, done=(), failed=(), label=text
        )  # fmt: skip

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
