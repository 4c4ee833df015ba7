"""Consents to a whole label of one's own: people give one, and this node tells the partner of each object that comes under it.

Who holds something cannot know by its label who made it: what is passed on says its level, not whose it is. So the partner is told the
versions, and only such as rest on the word of this organisation alone: nobody's part of another is passed on by it. What it is told
counts for that very content under that label only, so what comes later goes on when it is told, not before; and it is taken back in
the act in which the version leaves the label or the feed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from kizuna.errors import InvalidInput
from kizuna.labels import Label, text_of_whole
from kizuna.store.notices import Kind, Version, send

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.database import Connection
    from kizuna.store.recipients import Recipient
    from kizuna.store.store import Store

_THESE = "(select value from json_each(?))"
_One = tuple[int, str]  # the ident of a version, and the digest of its content in hexadecimal


class Given(NamedTuple):
    """A label that a partner may pass on to somebody; `expires` in microseconds."""

    n: int
    label: str
    third_party: str
    expires: int | None
    person: str


def given_now(connection: Connection, recipient: Recipient, at: int) -> list[Given]:
    """The labels that a partner may pass on at a moment, while it is the organisation that people consented to."""
    sql = (
        "select n, label, third_party, expires, person from consent_given "
        "where recipient=? and holder=? and ended is null and (expires is null or expires>?) order by n"
    )
    return [Given._make(row) for row in connection.execute(sql, (recipient.n, recipient.partner.organisation, at))]


def give(
    store: Store, act: Act, recipient: Recipient, label: Label, third_party: str, *, by: str, expires: int | None = None
) -> str:
    """Let a partner pass on what is under a label; gives the id of the note that says so. Raises InvalidInput without the node's key."""
    connection, text = act.connection, text_of_whole(label)
    before = _end(act, recipient, text, third_party)
    note = send(store, act, recipient, "consent", (), by=by, third_party=third_party, expires=expires, label=text)
    values = (recipient.n, recipient.partner.organisation, text, third_party, expires, act.now, by)
    connection.execute(
        "insert into consent_given(recipient,holder,label,third_party,expires,at,person) values (?,?,?,?,?,?,?)", values
    )
    (n,) = connection.execute("select max(n) from consent_given").fetchone()
    telling = _Telling(store, act, recipient, Given(n, text, third_party, expires, by))
    under = telling.under(None) if expires is None or expires > act.now else set()
    telling.end(before - under)
    telling.tell(under)
    sql = "update notice set settled=? where partner=? and sent=0 and kind='request' and third_party=? and label=? and settled is null"
    connection.execute(sql, (act.now, recipient.partner.name, third_party, text))
    return note


def take_back(store: Store, act: Act, recipient: Recipient, label: Label, third_party: str, *, by: str) -> str:
    """Let a partner pass on no more what is under a label, whether or not it is known here that it may; gives the id of the note."""
    text = text_of_whole(label)
    _end(act, recipient, text, third_party)
    return send(store, act, recipient, "consent-end", (), by=by, third_party=third_party, label=text)


def ask(
    store: Store, act: Act, recipient: Recipient, label: Label, third_party: str, *, by: str, reason: str,
    expires: int | None = None,
) -> str:  # fmt: skip
    """Ask a partner to let what is under a label of its be passed on; gives the id of the note."""
    return send(
        store, act, recipient, "request", (), by=by, third_party=third_party, expires=expires, reason=reason,
        label=text_of_whole(label),
    )  # fmt: skip


def follow(
    store: Store, act: Act, recipient: Recipient, given: Sequence[Given], idents: Collection[int] | None
) -> None:
    """Tell a partner of what came under a label that it may pass on, and of what is under it no more; of these ids, None for all."""
    for one in given:
        telling = _Telling(store, act, recipient, one)
        under, told = telling.under(idents), telling.told(idents)
        telling.end(told - under)
        telling.tell(under - told)


def _end(act: Act, recipient: Recipient, text: str, third_party: str) -> set[_One]:
    """End what counts for this label and organisation; gives the versions that were told."""
    sql = "select n from consent_given where recipient=? and label=? and third_party=? and ended is null"
    ended = [n for (n,) in act.connection.execute(sql, (recipient.n, text, third_party)).fetchall()]
    sql = f"select distinct ident, digest from consent_told where given in {_THESE}"
    told = {(ident, digest) for ident, digest in act.connection.execute(sql, (json.dumps(ended),)).fetchall()}
    act.connection.execute(f"delete from consent_told where given in {_THESE}", (json.dumps(ended),))
    act.connection.execute(f"update consent_given set ended=? where n in {_THESE}", (act.now, json.dumps(ended)))
    return told


class _Telling:
    """What a partner is told under one label."""

    def __init__(self, store: Store, act: Act, recipient: Recipient, given: Given) -> None:
        self._store = store
        self._act = act
        self._connection = act.connection
        self._recipient = recipient
        self._given = given
        self._of: dict[int, tuple[bool, bool]] = {}

    def under(self, idents: Collection[int] | None) -> set[_One]:
        """Versions in the partner's feed that are under the label, of ids of which nothing there rests on anybody else's word."""
        by_ident = groupby(self._fed(idents), key=itemgetter(0))
        return {(ident, digest) for ident, rows in by_ident for digest in self._under_of(rows)}

    def told(self, idents: Collection[int] | None) -> set[_One]:
        """Versions of which the partner was told that they are."""
        which, values = ("", ()) if idents is None else (f" and ident in {_THESE}", (json.dumps(sorted(idents)),))
        sql = f"select ident, digest from consent_told where given=?{which}"
        return {(ident, digest) for ident, digest in self._connection.execute(sql, (self._given.n, *values))}

    def tell(self, versions: Collection[_One]) -> None:
        """Say that these may go on."""
        if self._say("consent", versions):
            self._connection.executemany(
                "insert into consent_told(given,ident,digest) values (?,?,?) on conflict do nothing",
                [(self._given.n, *one) for one in sorted(versions)],
            )

    def end(self, versions: Collection[_One]) -> None:
        """Say that these may not go on any more."""
        if self._say("consent-end", versions):
            self._connection.executemany(
                "delete from consent_told where given=? and ident=? and digest=?",
                [(self._given.n, *one) for one in sorted(versions)],
            )

    def _say(self, kind: Kind, versions: Collection[_One]) -> bool:
        """Whether it could be said: an act of people goes on where this node cannot sign."""
        if not versions:
            return False
        sql = f"select n, id from ident where n in {_THESE}"
        ids = dict(self._connection.execute(sql, (json.dumps(sorted({ident for ident, _ in versions})),)).fetchall())
        covers = sorted(Version(ids[ident], digest) for ident, digest in versions)
        given = self._given
        try:
            send(
                self._store, self._act, self._recipient, kind, (), by=given.person, third_party=given.third_party,
                expires=given.expires if kind == "consent" else None, label=given.label, covers=covers,
            )  # fmt: skip
        except InvalidInput as error:
            detail = {"kind": kind, "error": str(error)[:200]}
            name = self._recipient.partner.name
            self._store.record(self._connection, "kizuna", "notice.unsigned", name, detail)
            return False
        return True

    def _fed(self, idents: Collection[int] | None) -> list[tuple[int, int, int, int, bytes]]:
        """What the partner ever had of ids: the id, whether it has it now, the label, whether one's own people brought it, the digest."""
        feed, values = "feed f", tuple[str, ...]()
        if idents is not None:
            feed = "json_each(?) j cross join feed f indexed by feed_ident on f.ident=j.value"
            values = (json.dumps(sorted(idents)),)
        sql = (
            f"select f.ident, f.live, o.whole, case when s.kind='own' then 1 else 0 end, o.digest "
            f"from {feed} cross join object o on o.n=f.object "
            "join term t on t.n=o.type left join rendition m on m.row=o.n left join object x on x.n=m.original "
            "join source s on s.n=coalesce(x.source, o.source) where f.recipient=? "
            "and (m.row is null or m.original is not null or t.name='marking-definition') order by f.ident"
        )
        return self._connection.execute(sql, (*values, self._recipient.n)).fetchall()

    def _under_of(self, rows: Iterable[tuple[int, int, int, int, bytes]]) -> set[str]:
        """The digests, of one id, of what the partner has under the label; none where it ever had anything of somebody else's."""
        bears = set()
        for _, live, label, own, digest in rows:
            ours, under = self._about(label)
            if not own or not ours:
                return set()
            if under and live:
                bears.add(bytes(digest).hex())
        return bears

    def _about(self, n: int) -> tuple[bool, bool]:
        """Whether every part of a label is this organisation's, and whether one of them is the label consented to."""
        if n not in self._of:
            label = self._store.interned.label_of(self._connection, n)
            ours = all((part.originator or label.originator) == self._store.organisation for part in label.parts)
            self._of[n] = ours, any(text_of_whole(Label("", (part,))) == self._given.label for part in label.parts)
        return self._of[n]
