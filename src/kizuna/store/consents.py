"""Consents: originators say what a holder may pass on to whom, and until when.

A holder asks the originator by a signed notice, and the originator answers with one. What it answered counts in the decision about every
object or label it names (`labels.decide`), until it expires or is taken back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from kizuna.errors import NotFound, Refused, UsageError
from kizuna.labels import passed_on_whole, text_of_whole
from kizuna.store.act import Act
from kizuna.store.database import Connection
from kizuna.store.label_consents import ask, give, take_back
from kizuna.store.notices import MOST, Kind, Notice, had, listed, send
from kizuna.store.recipients import Recipient
from kizuna.store.two_people import reason_of, releaser

if TYPE_CHECKING:
    from kizuna.store.store import Store

_THESE = "(select value from json_each(?))"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A consent that this node was given. Times are microseconds; it counts unless it ended or expired.

    With a label it is to the object as it is under that, and to nothing else of it.
    """

    number: int
    partner: str
    subject: str
    third_party: str
    expires: int | None
    received: int
    ended: int | None
    label: str | None = None


class Consents:
    """What was asked for, given and got. `by` is who acts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def held(self) -> list[Held]:
        """What originators consented to, the newest first."""
        sql = "select n, partner, subject, third_party, expires, received, ended, label from consent order by n desc"
        return [
            Held(
                number=n, partner=partner, subject=subject, third_party=third, expires=expires, received=received, ended=ended,
                label=label,
            )
            for n, partner, subject, third, expires, received, ended, label in self._store.database.read().execute(sql)
        ]  # fmt: skip

    def notices(self) -> list[Notice]:
        """Requests, consents and ends of them that went either way, the newest first."""
        return listed(self._store.database.read(), ("request", "consent", "consent-end"))

    def request(
        self, originator: str, ids: Sequence[str], third_party: str, *, by: str, reason: str, expires: int | None = None
    ) -> str:
        """Ask a partner to let objects of its be passed on to an organisation; gives the id of the notice. Raises NotFound, UsageError."""
        reason = reason_of(reason)
        with self._store.act() as act:
            recipient = self._recipient(act, originator)
            name = f"partner:{recipient.partner.name}"
            sql = (
                "select distinct o.id from object o join source s on s.n=o.source where s.name=? and o.hidden=0 "
                "and o.ident in (select n from ident where space=0 and id in (select atom from json_each(?)))"
            )
            theirs = {id for (id,) in act.connection.execute(sql, (name, json.dumps(list(ids))))}
            self._all_known(ids, theirs)
            note = send(
                self._store, act, recipient, "request", ids, by=by, third_party=organisation_of(self._store, third_party),
                expires=expires, reason=reason,
            )  # fmt: skip
            self._store.record(act.connection, by, "consent.request", note, {"objects": len(ids)})
        return note

    def grant(self, holder: str, ids: Sequence[str], third_party: str, *, by: str, expires: int | None = None) -> str:
        """Let a partner pass objects of one's own on to an organisation; gives the id of the notice.

        `by` is a releaser who has just shown who they are; ids are one's own, or those that the partner knows. Raises NotFound, Refused.
        """
        by = releaser(self._store, by)
        with self._store.act() as act:
            recipient = self._recipient(act, holder)
            about, idents = self._given(act.connection, recipient, ids)
            organisation = organisation_of(self._store, third_party)
            note = send(self._store, act, recipient, "consent", about, by=by, third_party=organisation, expires=expires)
            note_down(act, recipient, "consent", idents, by=by, third_party=organisation, expires=expires)
            settle(act, recipient, organisation, about)
            self._store.record(act.connection, by, "consent.grant", note, {"objects": len(about)})
        return note

    def end(self, holder: str, ids: Sequence[str], third_party: str, *, by: str) -> str:
        """Take a consent back; gives the id of the notice. Raises NotFound, Refused."""
        with self._store.act() as act:
            recipient = self._recipient(act, holder)
            about, idents = self._given(act.connection, recipient, ids)
            organisation = organisation_of(self._store, third_party)
            note = send(self._store, act, recipient, "consent-end", about, by=by, third_party=organisation)
            note_down(act, recipient, "consent-end", idents, by=by, third_party=organisation)
            self._store.record(act.connection, by, "consent.end", note, {"objects": len(about)})
        return note

    def request_label(
        self, originator: str, label: str, third_party: str, *, by: str, reason: str, expires: int | None = None
    ) -> str:
        """Ask a partner to let all that is its own under a label go on to an organisation. Raises NotFound, UsageError."""
        reason, organisation = reason_of(reason), organisation_of(self._store, third_party)
        with self._store.act() as act:
            recipient = self._recipient(act, originator)
            of = passed_on_whole(label, originator=recipient.partner.organisation)
            note = ask(self._store, act, recipient, of, organisation, by=by, reason=reason, expires=expires)
            self._store.record(act.connection, by, "consent.request", note, {"label": text_of_whole(of)})
        return note

    def grant_label(self, holder: str, label: str, third_party: str, *, by: str, expires: int | None = None) -> str:
        """Let a partner pass all that is one's own under a label on to an organisation, now and later.

        `by` is a releaser who has just shown who they are. Raises NotFound, Refused, UsageError.
        """
        by, organisation = releaser(self._store, by), organisation_of(self._store, third_party)
        of = passed_on_whole(label, originator=self._store.organisation)
        with self._store.act() as act:
            note = give(self._store, act, self._recipient(act, holder), of, organisation, by=by, expires=expires)
            self._store.record(act.connection, by, "consent.grant", note, {"label": text_of_whole(of)})
        return note

    def end_label(self, holder: str, label: str, third_party: str, *, by: str) -> str:
        """Take a consent to a whole label back; what is consented to by itself stays so. Raises NotFound, UsageError."""
        organisation = organisation_of(self._store, third_party)
        of = passed_on_whole(label, originator=self._store.organisation)
        with self._store.act() as act:
            note = take_back(self._store, act, self._recipient(act, holder), of, organisation, by=by)
            self._store.record(act.connection, by, "consent.end", note, {"label": text_of_whole(of)})
        return note

    def _given(self, connection: Connection, recipient: Recipient, ids: Sequence[str]) -> tuple[list[str], list[int]]:
        """Under which ids the partner has these, and what they are; only what this organisation made. Raises Refused."""
        sql = (
            "select distinct coalesce(x.ident, o.ident), coalesce(x.id, o.id), i.id from ident i join object o on o.ident=i.n "
            "left join rendition m on m.row=o.n left join object x on x.n=m.original join source s on s.n=coalesce(x.source, o.source) "
            "where i.space=0 and s.kind<>'partner' and i.id in (select atom from json_each(?))"
        )
        rows = connection.execute(sql, (json.dumps(list(ids)),)).fetchall()
        self._all_known(ids, {asked for _, _, asked in rows})
        idents = sorted({ident for ident, _, _ in rows})
        whole, part = had(connection, recipient.n, idents)
        about = part if not whole or set(ids) & set(part) else whole
        if not about:
            raise Refused(f"{recipient.partner.name} has none of these objects")
        return about, idents

    def _all_known(self, ids: Sequence[str], known: set[str]) -> None:
        if not ids or len(ids) > MOST:
            raise UsageError(f"name between 1 and {MOST} objects")
        for id in ids:
            if id not in known:
                raise NotFound(f"not here, or of somebody else: {id[:300]}")

    def _recipient(self, act: Act, partner: str) -> Recipient:
        name = self._store.partner(partner).name
        return next(recipient for recipient in act.recipients if recipient.partner.name == name)


def organisation_of(store: Store, name: str) -> str:
    """An organisation by the short name of a partner, or as it is called. Raises UsageError."""
    for partner in store.partners():
        if partner.name.casefold() == name.casefold():
            return partner.organisation
    return reason_of(name)


def note_down(
    act: Act,
    recipient: Recipient,
    kind: Kind,
    idents: Sequence[int],
    *,
    by: str,
    third_party: str,
    expires: int | None = None,
) -> None:
    """Keep with each object that people consented, or took it back: one entry for all of them, whatever the partner had of it."""
    connection = act.connection
    (entry,) = connection.execute("select coalesce(max(n), 0)+1 from outbox").fetchone()
    detail = msgspec.json.encode({"third_party": third_party, "expires": expires, "entry": entry}).decode()
    connection.executemany(
        "insert into outbox(recipient,ident,at,act,person,detail) values (?,?,?,?,?,?)",
        [(recipient.n, ident, act.now, kind, by, detail) for ident in idents],
    )


def settle(act: Act, recipient: Recipient, third_party: str, about: Sequence[str]) -> None:
    """Note that requests of a partner were answered by a consent to all that they are about."""
    sql = (
        "select n, about from notice where partner=? and sent=0 and kind='request' and third_party=? and label is null "
        "and settled is null"
    )
    for n, asked in act.connection.execute(sql, (recipient.partner.name, third_party)).fetchall():
        if set(json.loads(asked)) <= set(about):
            act.connection.execute("update notice set settled=? where n=?", (act.now, n))
