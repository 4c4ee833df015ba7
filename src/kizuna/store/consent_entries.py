"""Requests for consent, consents and their ends as somebody is told of them, page by page: a page costs what it shows.

They stand in two places: notices of partners and to them, and what people here did. Each is read from the newest on, what the asker does
not see is left out of each, and of what is left the later one comes first. So a page rests on nothing that is hidden, nor does where
it goes on: behind the last entry that was told of each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.labels import Label, passed_on_whole
from kizuna.store.database import Connection
from kizuna.store.notices import MOST, SAID, Kind

if TYPE_CHECKING:
    from kizuna.store.recipients import Recipient
    from kizuna.store.seen_outbox import SeenOutbox

AT_A_TIME = 50
"""Entries whose objects are looked at together."""
_BITS = 31
_BEHIND_ALL = (1 << _BITS) - 1
_THESE = "(select value from json_each(?))"
_NOTICE = "n, at, kind, sent, partner, third_party, expires, reason, about, settled, label"
_MADE_OF = (
    "select r.id, x.id from ident i join object r on r.ident=i.n join rendition m on m.row=r.n join object x on x.n=m.original "
    "where i.space=0 and i.id in (select atom from json_each(?))"
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A request, a consent or the end of one, by this node or by the partner. Times are microseconds; `settled` is when it was answered.

    It is about objects, or about all that is its originator's under a label.
    """

    at: int
    kind: Kind
    sent: bool
    partner: str
    third_party: str
    expires: int | None
    reason: str | None
    ids: tuple[str, ...]
    settled: int | None = None
    label: str | None = None


class _Found(NamedTuple):
    """An entry, the number of its last row, and whether a notice is known to have been answered, whoever sees by what."""

    n: int
    entry: Entry
    answered: bool
    of: Label | None = None


class Entries:
    """What somebody is told at one moment of a store; `outbox` is as they see it, for whatever partner.

    What is about a label is told to whom `sees` lets see what is under it: it rests on no object.
    """

    def __init__(
        self,
        connection: Connection,
        outbox: SeenOutbox,
        recipients: Sequence[Recipient],
        organisation: str,
        sees: Callable[[Label], bool],
    ) -> None:
        self._connection = connection
        self._outbox = outbox
        self._numbers = {recipient.partner.name: recipient.n for recipient in recipients}
        self._partners = {recipient.partner.name: recipient.partner.organisation for recipient in recipients}
        self._organisation = organisation
        self._sees = sees

    def page(self, limit: int, position: int | None) -> tuple[list[Entry], int | None]:
        """At most `limit` entries behind a position, newest first, and where it goes on, None at the end."""
        notices, acts = (_BEHIND_ALL, _BEHIND_ALL) if position is None else divmod(position, 1 << _BITS)
        told, done = self._seen(self._notices(notices)), self._seen(self._acts(acts))
        notice, act = next(told, None), next(done, None)
        found: list[Entry] = []
        while notice is not None or act is not None:
            if len(found) == limit:
                return found, notices << _BITS | acts
            # At one moment what people did comes after what came in.
            if act is None or (notice is not None and notice.entry.at > act.entry.at):
                assert notice is not None  # noqa: S101 - one of the two is there
                found.append(self._with_answer(notice))
                notices, notice = notice.n, next(told, None)
            else:
                found.append(act.entry)
                acts, act = act.n, next(done, None)
        return found, None

    def _seen(self, found: Iterator[_Found]) -> Iterator[_Found]:
        """Those of which the asker sees every object."""
        while some := _some(found):
            seen = self._outbox.seen(sorted({id for one in some for id in one.entry.ids}))
            yield from (one for one in some if self._is_seen(one, seen))

    def _is_seen(self, one: _Found, seen: Mapping[str, int]) -> bool:
        if one.of is not None:
            return self._sees(one.of)
        return bool(one.entry.ids) and all(id in seen for id in one.entry.ids)

    def _notices(self, before: int) -> Iterator[_Found]:
        """Requests either way, and what partners consented to, newest first; a rendition under the id of what it was made of."""
        sql = (
            f"select {_NOTICE} from notice where kind in ('request','consent','consent-end') "
            f"and (kind='request' or sent=0 or label is not null) and {SAID} and n<? "
            "order by n desc limit ?"
        )
        while rows := self._connection.execute(sql, (before, AT_A_TIME)).fetchall():
            yield from self._told(rows)
            before = rows[-1][0]

    def _told(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[_Found]:
        about = [tuple(json.loads(row[8])) for row in rows]
        names = json.dumps(sorted({id for ids in about for id in ids}))
        made_of = dict(self._connection.execute(_MADE_OF, (names,)).fetchall())
        for row, ids in zip(rows, about, strict=True):
            n, at, kind, sent, partner, third_party, expires, reason, _, settled, label = row
            entry = Entry(
                at=at, kind=kind, sent=bool(sent), partner=partner, third_party=third_party or "", expires=expires, reason=reason,
                ids=tuple(dict.fromkeys(made_of.get(id, id) for id in ids)), label=label,
                settled=None if label is None else settled,
            )  # fmt: skip
            yield _Found(n, entry, settled is not None, None if label is None else self._of_label(entry, label))

    def _of_label(self, entry: Entry, text: str) -> Label:
        """A label as whose it is: the partner's where this node asks, or the partner answers."""
        theirs = entry.sent == (entry.kind == "request")
        return passed_on_whole(
            text, originator=self._partners.get(entry.partner, "-") if theirs else self._organisation
        )

    def _acts(self, before: int) -> Iterator[_Found]:
        """What people here consented to, and what they took back, newest first: of one act the rows stand together."""
        sql = (
            "select b.n, p.name, b.at, b.act, b.detail, i.id from outbox b cross join partner p on p.n=b.recipient "
            "cross join ident i on i.n=b.ident where b.act in ('consent','consent-end') and b.n<? order by b.n desc"
        )
        rows = self._connection.stream(sql, (before,))
        for (partner, at, kind, detail), same in groupby(rows, key=lambda row: tuple(row[1:5])):
            some = list(same)
            said = msgspec.json.decode(detail)
            entry = Entry(
                at=at, kind=kind, sent=True, partner=partner, third_party=said["third_party"], expires=said["expires"], reason=None,
                ids=tuple(dict.fromkeys(row[5] for row in reversed(some))),
            )  # fmt: skip
            yield _Found(some[-1][0], entry, False)

    def _with_answer(self, found: _Found) -> Entry:
        """A request with the moment of the first consent that is told as well and is to all that it is about."""
        one = found.entry
        if one.kind != "request" or found.of is not None:
            return one
        answers = self._consents_of(one, found) if one.sent else self._consents_to(one)
        wanted = set(one.ids)
        return msgspec.structs.replace(
            one, settled=next((two.entry.at for two in self._seen(answers) if wanted <= set(two.entry.ids)), None)
        )

    def _consents_of(self, one: Entry, found: _Found) -> Iterator[_Found]:
        """What a partner consented to since it was asked, in that order; none of them is to all of it while no notice says so."""
        sql = (
            f"select {_NOTICE} from notice where partner=? and sent=0 and n>? and kind='consent' and third_party=? and at>=? "
            "and label is null order by n limit ?"
        )
        after = found.n
        while found.answered:
            rows = self._connection.execute(sql, (one.partner, after, one.third_party, one.at, AT_A_TIME)).fetchall()
            if not rows:
                return
            yield from self._told(rows)
            after = rows[-1][0]

    def _consents_to(self, one: Entry) -> Iterator[_Found]:
        """What people here consented to since a partner asked, of what it asked for, in that order."""
        sql = (
            "select b.n, b.detail, b.at from ident i cross join outbox b on b.ident=i.n where b.recipient=? and b.act='consent' "
            "and b.at>=? and i.space=0 and i.id=? order by b.n"
        )
        # Whatever is to all of it is to the first of it.
        rows = self._connection.execute(sql, (self._numbers.get(one.partner, -1), one.at, one.ids[0])).fetchall()
        for n, detail, at in rows:
            if msgspec.json.decode(detail)["third_party"] == one.third_party:
                yield from self._act(one.partner, n, detail, at)

    def _act(self, partner: str, n: int, detail: str, at: int) -> Iterator[_Found]:
        """All of what people did in one act, of which a row is known."""
        sql = (
            "select i.id from outbox b cross join ident i on i.n=b.ident where b.act in ('consent','consent-end') and b.n between ? and ? "
            "and b.recipient=? and b.at=? and b.detail=? order by b.n"
        )
        values = (n - MOST, n + MOST, self._numbers[partner], at, detail)
        said = msgspec.json.decode(detail)
        entry = Entry(
            at=at, kind="consent", sent=True, partner=partner, third_party=said["third_party"], expires=said["expires"], reason=None,
            ids=tuple(id for (id,) in self._connection.execute(sql, values)),
        )  # fmt: skip
        yield _Found(n, entry, False)


def _some(found: Iterable[_Found]) -> list[_Found]:
    taken: list[_Found] = []
    for one in found:
        taken.append(one)
        if len(taken) == AT_A_TIME:
            break
    return taken
