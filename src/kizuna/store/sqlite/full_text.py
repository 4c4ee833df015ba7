"""Full text on SQLite: a contentless FTS5 table beside `doc`, one document per (row, label)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kizuna.store.database import Document, Matching, Value

if TYPE_CHECKING:
    from kizuna.store.sqlite.database import SqliteConnection, SqliteDatabase

_TOKENS = (
    'create virtual table words using fts5(text, content="", columnsize=0, tokenize="unicode61 remove_diacritics 0")'
)


class FullText:
    """Adds documents and asks for them."""

    def add(self, connection: SqliteConnection, documents: Sequence[Document]) -> None:
        """Index documents; each gets the next number, none of which is ever used again."""
        found = connection.execute("select seq from sqlite_sequence where name='doc'").fetchone()
        first = found[0] + 1 if found else 1
        numbered = list(enumerate(documents, first))
        flat: list[Value] = [x for number, (n, label, _) in numbered for x in (number, n, label)]
        connection.load("doc(n,object,label)", flat, 3)
        words = ((number, text) for number, (_, _, text) in numbered)
        connection.executemany("insert into words(rowid, text) values (?,?)", words)

    def matching(self, phrases: Sequence[str]) -> Matching:
        """The documents `d` that hold every one of these phrases."""
        expression = " ".join(f'"{phrase}"' for phrase in phrases)
        return Matching(
            "words join doc d on d.n=words.rowid", "words.rowid", "words match :match", {"match": expression}
        )

    def checked(self, database: SqliteDatabase) -> Checked:
        """What is indexed now."""
        return Checked(database)


class Checked:
    """Each document as a sum over its words and their places."""

    def __init__(self, database: SqliteDatabase) -> None:
        # The index only ever grows, so what was committed since a snapshot was taken does not disturb.
        uri = f"{database.file.resolve().as_uri()}?mode=ro"
        self._sums: dict[int, int] = defaultdict(int)
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("create virtual table temp.seen using fts5vocab(main, words, instance)")
            for number, term, offset in connection.execute("select doc, term, offset from temp.seen"):
                self._sums[number] += hash((term, offset))
        self._fresh = sqlite3.connect(":memory:", isolation_level=None)
        self._fresh.execute(_TOKENS)
        self._fresh.execute("create virtual table seen using fts5vocab(words, instance)")

    def stored(self, numbers: Sequence[int]) -> dict[int, Any]:
        """The sums of stored documents, 0 where no word of one is in the index."""
        return {number: self._sums.get(number, 0) for number in numbers}

    def fresh(self, texts: Sequence[str]) -> list[Any]:
        """The sums these texts would have."""
        self._fresh.execute("begin")
        self._fresh.executemany("insert into words(rowid, text) values (?,?)", enumerate(texts))
        sums = [0] * len(texts)
        for number, term, offset in self._fresh.execute("select doc, term, offset from seen"):
            sums[number] += hash((term, offset))
        self._fresh.execute("rollback")
        return sums

    def close(self) -> None:
        """Let the memory go."""
        self._fresh.close()
