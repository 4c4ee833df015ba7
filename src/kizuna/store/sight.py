"""What an outbox asks of what is held, as one of one's own people sees it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from kizuna.labels import Label, Principal, redact
from kizuna.stix.ids import type_of
from kizuna.store.database import Connection
from kizuna.store.outgoing import Held, Outgoing, SeenOutgoing
from kizuna.store.words import phrases

if TYPE_CHECKING:
    from kizuna.store.store import Store

_THESE = "(select value from json_each(?))"


class Sight(SeenOutgoing):
    """One moment of a store, for one partner, as somebody sees it. References are read once."""

    def __init__(self, store: Store, connection: Connection, partner: str, asker: Principal) -> None:
        super().__init__(store, connection, partner, asker)
        self._referred: dict[int, list[int]] = {}
        self.mentioning: set[int] = set()
        """Rows whose text holds an id besides their references, of those whose references were asked for."""

    def idents(self, ids: Iterable[str]) -> dict[str, int]:
        """The integers of ids that anything here has or names; whatever else somebody may write is none."""
        return super().idents(id for id in ids if type_of(id) is not None)

    def references(self, rows: Sequence[int]) -> dict[int, list[int]]:
        """By row, the ids that what is seen of it cannot leave whole without."""
        fresh = [n for n in rows if n not in self._referred]
        if fresh:
            found = super().references(fresh)
            self._referred |= {n: found.get(n, []) for n in fresh}
            self.mentioning |= {n for n in fresh if n in self._parts and self._parts[n].mentioned}
        return {n: targets for n in rows if (targets := self._referred[n])}

    def _stored(self, rows: Sequence[int]) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        named, mentioned = super()._stored(rows)
        self.mentioning |= mentioned.keys()
        return named, mentioned

    def entire(self, row: Held) -> bool:
        """Whether the asker sees all of a row."""
        return row.n not in self._parts

    def label(self, row: Held) -> Label:
        """The label of all that the asker sees of a row."""
        return self._label_of(row, whole=True)

    def area(self, row: Held) -> str | None:
        """The programme area that a row serves."""
        return self._area(row)

    def cut(self, row: Held) -> tuple[str, ...]:
        """The properties of a row of which the asker is told that something is hidden."""
        return () if self.entire(row) else redact(*Outgoing.read(self, row), self._sees).cut

    def digests(self, rows: Sequence[Held]) -> dict[int, bytes]:
        """By row, the SHA-256 of its bytes as the asker is shown them."""
        entire = json.dumps([row.n for row in rows if self.entire(row)])
        bodies = self._connection.stream(f"select n, raw from body where n in {_THESE}", (entire,), at_once=64)
        found = {n: hashlib.sha256(raw).digest() for n, raw in bodies}
        cut = [row for row in rows if not self.entire(row)]
        return found | {row.n: hashlib.sha256(msgspec.json.encode(self.read(row)[0])).digest() for row in cut}

    def holds(self, row: Held, query: str) -> bool:
        """Whether what the asker sees of a row holds all words of a query, as the search finds them."""
        among = f"object=? and {self._store.mask(self._asker).sql(self._connection, 'label')}"
        first, last = self._connection.execute(f"select min(n), max(n) from doc where {among}", (row.n,)).fetchone()
        words = phrases(query)
        if first is None or not words:
            return False
        found = self._connection.full_text.numbers(self._connection, words, first - 1, last)
        sql = f"select 1 from doc where n in {_THESE} and {among} limit 1"
        return self._connection.execute(sql, (f"[{found or ''}]", row.n)).fetchone() is not None
