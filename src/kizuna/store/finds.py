"""Texts that are withheld from a partner and stand in what would leave for it: what holds one waits until somebody has looked.

Looked through is what enters a feed, whole or in part, at the end of the act that lets it in; not where people approved these very
bytes. Looked for are the texts of what the act is about and of what stands close to what enters, as far as its label withholds it from
this partner: the name cut out of a report, say, in the text of an indicator of that report. What stands already in a version that the
partner has is no secret, nor is what an object that leaves is openly about.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.store.database import Connection
from kizuna.store.recipients import Masks, Recipient
from kizuna.store.scan import Hit, Scan, said_openly, withheld_texts

if TYPE_CHECKING:
    from kizuna.store.gate import Gate

# What is looked for in one act and feed: those found before first, then one's own rows before partners', the newest first.
MOST_WITHHELD = 5_000
MOST_BYTES = 4 << 20
MOST_TEXTS = 50_000

# What is kept of one row that is held, which is held whatever else there is.
KEPT_TEXTS = 5
KEPT_WITH = 3

MOST_ROWS = 100_000
MOST_ASKED = 8
AT_ONCE = 200

_THESE = "(select value from json_each(?))"
# From numbers to rows, in this order: else a database may read a table through.
_ROWS = "json_each(?) j cross join object o on o.n=j.value"
_REFERRERS = (
    f"(select distinct e.object as n from edge e where e.target in {_THESE} order by e.object desc limit {MOST_ROWS}) j "
    "cross join object o on o.n=j.n"
)
_TARGETS = (
    f"(select distinct e.target as ident from edge e where e.object in {_THESE} limit {MOST_ROWS}) j "
    "cross join object o on o.ident=j.ident"
)
_IN_FEED = "o.ident=f.ident and o.n=f.object and f.live=1"


class Leaving(NamedTuple):
    """A row that entered a feed, and the id that it is of here: of a rendition that of its original."""

    n: int
    ident: int


class _Row(NamedTuple):
    n: int
    ident: int
    whole: int
    area: int | None
    source: str
    kind: str


class Finds:
    """The scans of one act. What several partners have in common is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # By recipient, rows with which found texts were withheld.
        self._suspects: dict[int, set[int]] = defaultdict(set)
        self._asked: dict[tuple[str, tuple[int, ...], frozenset[int] | None], list[_Row]] = {}
        self._said: dict[tuple[int, int | None], list[str]] = {}
        self._scans: dict[tuple[str, ...], tuple[Scan, dict[int, tuple[tuple[Hit, ...], set[str]]]]] = {}
        self.partial: set[str] = set()
        """Partners for whom more is withheld than was looked for."""

    def hold(
        self, recipient: Recipient, masks: Masks, gate: Gate, entered: Sequence[int], touched: Collection[int]
    ) -> list[int]:
        """Hold the rows that entered this feed and hold a withheld text; returns them, for the feed to end.

        `touched` are the rows of the act.
        """
        leaving = self._leaving(recipient.n, entered)
        withheld = self._withheld(recipient, masks, leaving, touched) if leaving else []
        cleared = _ClearedUnder(self._connection, recipient.n) if withheld else None
        texts = self._texts(recipient, withheld, cleared)
        if not texts or cleared is None:
            return []
        cleared.look_up(leaving, texts)
        hits = self._hits(recipient.n, texts, leaving, cleared)
        approvals = gate.approvals(list(hits))
        for n in [n for n in hits if n in approvals and len(approvals[n][0]) >= approvals[n][1]]:
            del hits[n]  # people have seen it
        rows = [
            (recipient.n, n, ident, digest_of(hit.text), with_row, hit.text, hit.path)
            for n, ident in leaving
            for hit in hits.get(n, ())
            for with_row in cleared.others(n, hit.text, texts[hit.text])[:KEPT_WITH]
        ]
        self._connection.executemany("insert into find values (?,?,?,?,?,?,?) on conflict do nothing", rows)
        return [n for n, _ in leaving if n in hits]

    def let_go(self, recipient: int, idents: Collection[int], *, all: bool = False) -> set[int]:
        """Hold no more, until they are looked through anew, rows of these ids and rows that hold texts withheld with these."""
        these = json.dumps(sorted(idents))
        if all:
            rows = self._connection.execute("select object from find where recipient=?", (recipient,)).fetchall()
        else:
            sql = (
                "select d.object from json_each(?) j cross join find d indexed by find_ident on d.recipient=? and d.ident=j.value "
                "union select d.object from json_each(?) j cross join object o on o.ident=j.value "
                "cross join find d indexed by find_withheld on d.withheld=o.n where d.recipient=?"
            )
            rows = self._connection.execute(sql, (these, recipient, these, recipient)).fetchall()
        found = {n for (n,) in rows}
        gone = f"delete from find where recipient=? and object in {_THESE} returning withheld"
        told = self._connection.execute(gone, (recipient, json.dumps(sorted(found)))).fetchall() if found else []
        self._suspects[recipient] |= {n for (n,) in told}
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

    def _had(self, recipient: int, leaving: Sequence[Leaving], idents: Collection[int]) -> dict[int, list[int]]:
        """By these ids, rows that the partner had of it before."""
        if not idents:
            return {}
        fresh = {one.n for one in leaving}
        sql = f"select f.ident, f.object from feed f indexed by feed_ident where f.recipient=? and f.live=1 and f.ident in {_THESE}"
        found: dict[int, list[int]] = defaultdict(list)
        for ident, n in self._connection.execute(sql, (recipient, json.dumps(sorted(set(idents))))):
            if n not in fresh:
                found[ident].append(n)
        return found

    def _withheld(
        self, recipient: Recipient, masks: Masks, leaving: Sequence[Leaving], touched: Collection[int]
    ) -> list[tuple[int, int | None]]:
        """Rows that the partner may not have whole: of the act, what refers to what leaves, and what either refers to.

        Each with the row that the partner has of its id, whole or in part.
        """
        found: dict[int, int | None] = {}
        targets = sorted({one.ident for one in leaving})
        for start, these in (
            (_ROWS, sorted(self._suspects[recipient.n])),
            (_ROWS, sorted(touched)),
            (_REFERRERS, targets),
        ):
            self._close(found, recipient, masks, start, these)
        self._close(found, recipient, masks, _TARGETS, sorted(found))
        return list(found.items())

    def _close(
        self, found: dict[int, int | None], recipient: Recipient, masks: Masks, start: str, these: Sequence[int]
    ) -> None:
        """Add those of these rows that the partner may not have whole."""
        closed: dict[int, int] = {}
        for row in (
            self._rows(start, tuple(these), self._closed(masks, these) if start is _ROWS else None) if these else ()
        ):
            if row.source != f"partner:{recipient.partner.name}" and not masks(row.whole, row.area, row.ident, row.n):
                if len(found) + len(closed) == MOST_WITHHELD:
                    self.partial.add(recipient.partner.name)
                    break
                closed[row.n] = row.ident
        has = self._has(recipient.n, sorted(set(closed.values()))) if closed else {}
        for n, ident in closed.items():
            found.setdefault(n, has.get(ident))

    def _closed(self, masks: Masks, these: Sequence[int]) -> frozenset[int] | None:
        """Of what is given as rows, the labels that keep any of it from the partner; of few it is not asked."""
        if len(these) <= AT_ONCE:
            return None
        sql = f"select distinct o.whole, o.area from {_ROWS} where o.hidden=0 and o.space=0"
        pairs = self._connection.execute(sql, (json.dumps(these),))
        return frozenset(whole for whole, area in pairs if not masks(whole, area))

    def _rows(self, start: str, these: tuple[int, ...], labels: frozenset[int] | None) -> list[_Row]:
        """Rows, under these labels if any are given, one's own before partners', the newest first. Partners of one act ask for the same."""
        key = (start, these, labels)
        if key not in self._asked:
            among = "" if labels is None else f"and o.whole in {_THESE} "
            sql = (
                f"select o.n, o.ident, o.whole, o.area, s.name, s.kind from {start} cross join source s on s.n=o.source "
                f"where o.hidden=0 and o.space=0 {among}order by o.n desc limit {MOST_ROWS}"
            )
            if len(self._asked) >= MOST_ASKED:
                self._asked.clear()
            values = [json.dumps(these)] if labels is None else [json.dumps(these), json.dumps(sorted(labels))]
            rows = [_Row._make(row) for row in self._connection.execute(sql, values)]
            self._asked[key] = sorted(rows, key=lambda row: row.kind == "partner")
        return self._asked[key]

    def _has(self, recipient: int, idents: Sequence[int]) -> dict[int, int]:
        """By id, a row that is in the feed of it."""
        whole = f"select f.ident, f.object from feed f indexed by feed_ident where f.recipient=? and f.live=1 and f.ident in {_THESE}"
        part = (
            "select p.ident, p.row from part p cross join object o on o.n=p.row cross join feed f indexed by feed_ident "
            f"on {_IN_FEED} and f.recipient=p.recipient where p.recipient=? and p.ident in {_THESE}"
        )
        these = (recipient, json.dumps(list(idents)))
        found = dict(self._connection.execute(part, these).fetchall())
        return found | dict(self._connection.execute(whole, these).fetchall())

    def _texts(
        self, recipient: Recipient, withheld: Sequence[tuple[int, int | None]], cleared: _ClearedUnder | None
    ) -> dict[str, list[int]]:
        """What is looked for, each text with the first rows that it is withheld with, or with all if somebody let it for some."""
        known = {
            bytes(digest)
            for (digest,) in self._connection.execute("select digest from cleared where recipient=?", (recipient.n,))
        }
        found: dict[str, list[int]] = {}
        left = MOST_BYTES
        for first in range(0, len(withheld), AT_ONCE):
            some = withheld[first : first + AT_ONCE]
            left = self._hear(some, left)
            for pair in some:
                if pair not in self._said:
                    self.partial.add(recipient.partner.name)
                for text in self._said.get(pair, ()):
                    rows = found.setdefault(text, [])
                    if len(rows) < KEPT_WITH or (cleared is not None and cleared.names(text)):
                        rows.append(pair[0])
            if len(found) > MOST_TEXTS:
                self.partial.add(recipient.partner.name)
                break
        return {text: rows for text, rows in found.items() if digest_of(text) not in known} if known else found

    def _hear(self, pairs: Sequence[tuple[int, int | None]], left: int) -> int:
        """Read the texts of what is withheld, of each with what the partner has of it, as far as so many bytes go; returns what is left.

        What is too large for them is left out, and not what comes behind it: else one large object would hide all others.
        """
        fresh = {pair: [n for n in pair if n is not None] for pair in pairs if pair not in self._said}
        sql = f"select n, length(raw) from body where n in {_THESE}"
        asked = sorted({n for rows in fresh.values() for n in rows})
        sizes = dict(self._connection.execute(sql, (json.dumps(asked),)).fetchall()) if asked else {}
        heard = []
        for pair, rows in fresh.items():
            if (size := sum(sizes[n] for n in rows)) <= left:
                left -= size
                heard.append(pair)
        data = {
            n: msgspec.json.decode(raw) for n, raw in self._read(sorted({n for pair in heard for n in fresh[pair]}))
        }
        for n, has in heard:
            self._said[n, has] = withheld_texts(data[n], None if has is None else data[has])
        return left

    def _hits(
        self, recipient: int, texts: Mapping[str, Sequence[int]], leaving: Sequence[Leaving], cleared: _ClearedUnder
    ) -> dict[int, tuple[Hit, ...]]:
        """By row, some of what was found in it: not what one of these rows is openly about, nor what a version says that was there.

        Nor what somebody let in it, whatever it is withheld with.
        """
        key = tuple(texts)
        if key not in self._scans:
            self._scans[key] = (Scan(key), {})
        scan, known = self._scans[key]
        self._scan(scan, known, {one.n for one in leaving})
        # What was there before is asked of what something was found in: by far the least.
        had = self._had(recipient, leaving, [one.ident for one in leaving if known[one.n][0]])
        self._scan(scan, known, {n for rows in had.values() for n in rows})
        openly = {text for one in leaving for text in known[one.n][1]}
        hits = {}
        for n, ident in leaving:
            if known[n][0]:
                told = openly | {hit.text for before in had.get(ident, ()) for hit in known[before][0]}
                first: dict[str, Hit] = {}
                for hit in known[n][0]:
                    if hit.text not in told and cleared.others(n, hit.text, texts[hit.text]):
                        first.setdefault(hit.text, hit)
                hits[n] = tuple(first.values())[:KEPT_TEXTS]
        return {n: found for n, found in hits.items() if found}

    def _scan(self, scan: Scan, known: dict[int, tuple[tuple[Hit, ...], set[str]]], rows: set[int]) -> None:
        """Look through rows that are not known yet."""
        bodies = self._read(sorted(rows - known.keys()))
        while some := dict(islice(bodies, AT_ONCE)):
            known |= dict.fromkeys(some, ((), set()))
            for n in scan.holding(some):
                data: dict[str, Any] = msgspec.json.decode(some[n])
                if found := scan.hits({n: data}).get(n, ()):
                    known[n] = (found, said_openly(data, found))

    def _read(self, rows: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        sql = f"select n, raw from body where n in {_THESE}"
        yield from self._connection.stream(sql, (json.dumps(list(rows)),), at_once=64)


class _ClearedUnder:
    """What people let of texts for one partner, of what they saw all of, and of what was withheld with what they saw all of."""

    def __init__(self, connection: Connection, recipient: int) -> None:
        self._connection = connection
        self._recipient = recipient
        self._pairs: dict[bytes, set[tuple[int, int, int, int]]] = defaultdict(set)
        sql = "select digest, label, area, withheld_label, withheld_area from cleared_under where recipient=?"
        for digest, *labels in connection.execute(sql, (recipient,)):
            self._pairs[bytes(digest)].add(tuple(labels))
        self._of: dict[int, tuple[int, int]] = {}
        """By row of what leaves, label and area of all of it, of a rendition those of its original."""
        self._with: dict[int, tuple[int, int]] = {}
        """By row with which something is withheld, its label and area."""

    def names(self, text: str) -> bool:
        """Whether somebody let a text at all."""
        return bool(self._pairs) and digest_of(text) in self._pairs

    def look_up(self, leaving: Sequence[Leaving], texts: Mapping[str, Sequence[int]]) -> None:
        """Read the labels of these, and of what the texts are withheld with, as far as they are asked for."""
        rows = sorted({n for text, some in texts.items() if self.names(text) for n in some})
        if rows:
            sql = f"select n, whole, coalesce(area,0) from object where n in {_THESE}"
            self._with = {n: (label, area) for n, label, area in self._connection.execute(sql, (json.dumps(rows),))}
            sql = f"select h.n, {LABEL_AND_AREA} from object h {OF_WHICH} where h.n in {_THESE}"
            found = self._connection.execute(sql, (self._recipient, json.dumps([one.n for one in leaving])))
            self._of = {n: (label, area) for n, label, area in found}

    def others(self, n: int, text: str, rows: Sequence[int]) -> Sequence[int]:
        """Of the rows that a text is withheld with, those for which nobody let it in this row."""
        if not self.names(text):
            return rows
        pairs = self._pairs[digest_of(text)]
        return [row for row in rows if (*self._of[n], *self._with[row]) not in pairs]


LABEL_AND_AREA = (
    "coalesce(p.whole,h.whole) as label, coalesce(case when p.row is null then h.area else g.area end,0) as area"
)
OF_WHICH = "left join part p on p.recipient=? and p.row=h.n left join object g on g.n=p.original"
"""Of a row `h` of what leaves, the label and area of all of it: of a rendition those of what it was made of."""


def digest_of(text: str) -> bytes:
    """The SHA-256 by which a text is known that was looked at."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
