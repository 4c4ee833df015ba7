"""Texts that are withheld from a partner and stand in what would leave for it: what holds one waits until somebody has looked.

Looked through is what enters a feed, whole or in part, at the end of the act that lets it in; not where people approved these very
bytes. Looked for are the texts of what the act is about and of what stands close to what enters, as far as its label withholds it from
this partner: the name cut out of a report, say, in the text of an indicator of that report.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.store.database import Connection
from kizuna.store.gate import hold
from kizuna.store.recipients import Masks, Recipient
from kizuna.store.scan import Hit, Scan, said_openly, withheld_texts

if TYPE_CHECKING:
    from kizuna.store.gate import Gate

MACHINE = "kizuna"
"""Who holds what a scan found."""

FOUND = "found"
"""How what a scan found is held."""

MOST_WITHHELD = 5_000
"""Withheld rows whose texts are looked for in one act and feed: those of the act first, then the newest close by."""

MOST_ROWS = 100_000
MOST_ASKED = 8

_THESE = "(select value from json_each(?))"
_IN_FEED = "o.ident=f.ident and o.n=f.object and f.live=1"


class Leaving(NamedTuple):
    """A row that entered a feed, and the id that it is of here: of a rendition that of its original."""

    n: int
    ident: int


class Finds:
    """The scans of one act. What several partners have in common is read once."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._suspects: dict[int, set[int]] = defaultdict(set)  # by recipient, rows with which found texts are withheld
        self._asked: dict[tuple[str, tuple[int, ...]], list[tuple[int, int, int, int | None, str]]] = {}
        self._said: dict[tuple[int, int | None], list[str]] = {}
        self._scans: dict[tuple[str, ...], tuple[Scan, dict[int, tuple[tuple[Hit, ...], set[str]]]]] = {}

    def hold(
        self, recipient: Recipient, masks: Masks, gate: Gate, entered: Sequence[int], touched: Collection[int]
    ) -> list[Leaving]:
        """Hold what entered this feed and holds a withheld text; returns it, for the feed to end. `touched` are the rows of the act."""
        leaving = self._leaving(recipient.n, entered)
        withheld = self._withheld(recipient, masks, leaving, touched) if leaving else []
        texts = self._texts(recipient.n, withheld)
        if not texts:
            return []
        hits = self._hits(tuple(texts), [one.n for one in leaving])
        approvals = gate.approvals(list(hits))
        for n in [n for n in hits if n in approvals and len(approvals[n][0]) >= approvals[n][1]]:
            del hits[n]  # people have seen it
        held = {one.ident for one in leaving if one.n in hits}
        hold(self._connection, recipient.n, sorted(held), self._now, MACHINE, FOUND)
        rows = {
            (ident, digest_of(hit.text)): (recipient.n, ident, digest_of(hit.text), hit.text, hit.path, texts[hit.text])
            for n, ident in leaving
            for hit in hits.get(n, ())
        }
        self._connection.executemany(
            "insert into find values (?,?,?,?,?,?) on conflict do nothing", list(rows.values())
        )
        return [one for one in leaving if one.ident in held]

    def let_go(self, recipient: int, rows: Collection[int], idents: Collection[int] = ()) -> set[int]:
        """Hold no more, until it is looked through anew, what the act is about or what holds texts of that; returns these ids."""
        sql = (
            "select distinct h.ident from hold h left join object o on o.ident=h.ident "
            f"left join find d on d.recipient=h.recipient and d.ident=h.ident where h.recipient=? and h.act='{FOUND}' "
            f"and (o.n in {_THESE} or d.withheld in {_THESE} or h.ident in {_THESE})"
        )
        these = json.dumps(sorted(rows))
        asked = (recipient, these, these, json.dumps(sorted(idents)))
        found = {ident for (ident,) in self._connection.execute(sql, asked).fetchall()}
        self._suspects[recipient] |= forget(self._connection, recipient, found)
        return found

    def _leaving(self, recipient: int, entered: Sequence[int]) -> list[Leaving]:
        """Of what entered, what is there still, but notices and definitions of ours."""
        sql = (
            "select o.n, coalesce(p.ident, o.ident) from object o cross join feed f indexed by feed_ident "
            f"on {_IN_FEED} left join part p on p.recipient=f.recipient and p.row=o.n "
            f"where f.recipient=? and o.n in {_THESE} order by o.n"
        )
        rows = self._connection.execute(sql, (recipient, json.dumps(list(entered))))
        return [Leaving(n, ident) for n, ident in rows if ident]

    def _withheld(
        self, recipient: Recipient, masks: Masks, leaving: Sequence[Leaving], touched: Collection[int]
    ) -> list[tuple[int, int | None]]:
        """Rows that the partner may not have whole: of the act, what refers to what leaves, and what either refers to.

        Each with the row that the partner has of its id, whole or in part.
        """
        about = sorted({*touched, *self._suspects[recipient.n]})
        found = self._closed(recipient, masks, f"o.n in {_THESE}", about)
        targets = sorted({one.ident for one in leaving})
        near = f"o.n in (select distinct e.object from edge e where e.target in {_THESE} limit {MOST_ROWS})"
        found |= self._closed(recipient, masks, near, targets, MOST_WITHHELD - len(found))
        beyond = f"o.ident in (select distinct e.target from edge e where e.object in {_THESE} limit {MOST_ROWS})"
        found |= self._closed(recipient, masks, beyond, sorted(found), MOST_WITHHELD - len(found))
        return sorted(found.items())

    def _closed(
        self, recipient: Recipient, masks: Masks, where: str, these: Sequence[int], most: int = MOST_WITHHELD
    ) -> dict[int, int | None]:
        if not these or most <= 0:
            return {}
        source = f"partner:{recipient.partner.name}"
        closed: dict[int, int] = {}
        for n, ident, whole, area, of in self._rows(where, tuple(these)):
            if of != source and not masks(whole, area, ident):
                closed[n] = ident
                if len(closed) == most:
                    break
        has = self._has(recipient.n, sorted(set(closed.values()))) if closed else {}
        return {n: has.get(ident) for n, ident in closed.items()}

    def _rows(self, where: str, these: tuple[int, ...]) -> list[tuple[int, int, int, int | None, str]]:
        """Rows, the newest first: number, id, label of all of it, area, source. Partners of one act ask for the same."""
        if (where, these) not in self._asked:
            sql = (
                "select o.n, o.ident, o.whole, o.area, s.name from object o join source s on s.n=o.source "
                f"where o.hidden=0 and o.space=0 and {where} order by o.n desc limit {MOST_ROWS}"
            )
            if len(self._asked) >= MOST_ASKED:
                self._asked.clear()
            self._asked[where, these] = self._connection.execute(sql, (json.dumps(these),)).fetchall()
        return self._asked[where, these]

    def _has(self, recipient: int, idents: Sequence[int]) -> dict[int, int]:
        """By id, a row that is in the feed of it."""
        whole = f"select f.ident, f.object from feed f indexed by feed_ident where f.recipient=? and f.live=1 and f.ident in {_THESE}"
        part = (
            "select p.ident, p.row from part p cross join object o on o.n=p.row cross join feed f indexed by feed_ident "
            f"on {_IN_FEED} and f.recipient=p.recipient where p.recipient=? and p.ident in {_THESE}"
        )
        these = (recipient, json.dumps(list(idents)))
        return dict(self._connection.execute(part, these).fetchall()) | dict(
            self._connection.execute(whole, these).fetchall()
        )

    def _texts(self, recipient: int, withheld: Sequence[tuple[int, int | None]]) -> dict[str, int]:
        """What is looked for, each text with the row that it is withheld with."""
        fresh = {n for pair in withheld if pair not in self._said for n in pair if n is not None}
        data = dict(self._read(sorted(fresh)))
        for n, has in withheld:
            if (n, has) not in self._said:
                self._said[n, has] = withheld_texts(data[n], None if has is None else data[has])
        found: dict[str, int] = {}
        for pair in withheld:
            found |= {text: pair[0] for text in self._said[pair] if text not in found}
        cleared = self._connection.execute("select digest from cleared where recipient=?", (recipient,)).fetchall()
        known = {bytes(digest) for (digest,) in cleared}
        return {text: n for text, n in found.items() if digest_of(text) not in known} if known else found

    def _hits(self, texts: tuple[str, ...], rows: Sequence[int]) -> dict[int, tuple[Hit, ...]]:
        """By row, what was found in it, but not what another of these rows, or itself, is openly about."""
        if texts not in self._scans:
            self._scans[texts] = (Scan(texts), {})
        scan, known = self._scans[texts]
        for n, data in self._read(n for n in rows if n not in known):
            found = scan.hits({n: data}).get(n, ())
            known[n] = (found, said_openly(data, found) if found else set())
        openly = {text for n in rows for text in known[n][1]}
        hits = {n: tuple(hit for hit in known[n][0] if hit.text not in openly) for n in rows if known[n][0]}
        return {n: found for n, found in hits.items() if found}

    def _read(self, rows: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        sql = f"select n, raw from body where n in {_THESE}"
        for n, raw in self._connection.stream(sql, (json.dumps(list(rows)),), at_once=64):
            yield n, msgspec.json.decode(raw)


def digest_of(text: str) -> bytes:
    """The SHA-256 by which a text is known that was looked at."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def forget(connection: Connection, recipient: int, idents: Collection[int]) -> set[int]:
    """Hold these ids no more for what was found in them; returns the rows that was withheld with."""
    these = (recipient, json.dumps(sorted(idents)))
    connection.execute(f"delete from hold where recipient=? and act='{FOUND}' and ident in {_THESE}", these)
    sql = f"delete from find where recipient=? and ident in {_THESE} returning withheld"
    return {n for (n,) in connection.execute(sql, these).fetchall()}
