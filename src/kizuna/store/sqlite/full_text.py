"""Full text on SQLite: a contentless FTS5 table beside `doc`, one document per (row, label)."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kizuna.store.database import Document, Matching, Value

if TYPE_CHECKING:
    from kizuna.store.sqlite.database import SqliteConnection

_TOKENS = (
    'create virtual table words using fts5(text, content="", columnsize=0, tokenize="unicode61 remove_diacritics 0")'
)
_THESE = "(select value from json_each(?))"


class FullText:
    """Adds documents and asks for them."""

    kept = staticmethod(str)

    def add(self, connection: SqliteConnection, documents: Sequence[Document]) -> None:
        """Index documents; each gets the next number, none of which is ever used again."""
        self.put(connection, [(n, *document) for n, document in enumerate(documents, self.newest(connection) + 1)])

    def put(self, connection: SqliteConnection, documents: Sequence[tuple[int, int, int, str]]) -> None:
        """Index documents under numbers of their own."""
        flat: list[Value] = [x for number, n, label, _ in documents for x in (number, n, label)]
        connection.load(("doc(n,object,label)", flat, 3))
        words = ((number, text) for number, _, _, text in documents)
        connection.executemany("insert into words(rowid, text) values (?,?)", words)

    def newest(self, connection: SqliteConnection) -> int:
        """The highest number that was ever given."""
        found = connection.execute("select seq from sqlite_sequence where name='doc'").fetchone()
        return found[0] if found else 0

    def reserve(self, connection: SqliteConnection, number: int) -> None:
        """Give no number up to this one any more."""
        if not connection.execute("update sqlite_sequence set seq=? where name='doc'", (number,)).rowcount:
            connection.execute("insert into sqlite_sequence values ('doc', ?)", (number,))

    def forget(self, connection: SqliteConnection, objects: Sequence[int], texts: Sequence[str]) -> None:
        """Take the documents of objects out: those there are, and those that an older label of the object left in the index.

        The index holds no texts, so what it holds of each document is asked for word by word. An orphan's number is taken back with no
        words, since the index counts its documents.
        """
        held = {n for (n,) in connection.execute(f"select n from doc where object in {_THESE}", (_json(objects),))}
        connection.execute("drop table if exists temp.postings")
        connection.execute("create virtual table temp.postings using fts5vocab(main, words, instance)")
        found: dict[int, dict[int, str]] = defaultdict(dict)
        for term in _terms(texts):
            rows = connection.execute(
                "select p.doc, p.offset from temp.postings p left join doc d on d.n=p.doc where p.term=? "
                f"and (d.n is null or d.object in {_THESE})",
                (term, _json(objects)),
            )
            for number, offset in rows:
                found[number][offset] = term
        connection.execute("drop table temp.postings")
        for number, words in found.items():
            text = " ".join(words[offset] for offset in sorted(words))
            connection.execute("insert into words(words, rowid, text) values ('delete', ?, ?)", (number, text))
        orphans = [(number,) for number in found.keys() - held]
        connection.executemany("insert into words(rowid, text) values (?, '')", orphans)
        connection.execute(f"delete from doc where object in {_THESE}", (_json(objects),))

    def matching(self, phrases: Sequence[str]) -> Matching:
        """The documents `d` that hold every one of these phrases."""
        return Matching(
            "words join doc d on d.n=words.rowid", "words.rowid", "words match :match", {"match": _expression(phrases)}
        )

    def numbers(self, connection: SqliteConnection, phrases: Sequence[str], above: int, last: int) -> str | None:
        """The numbers of the documents that hold all phrases, as one text: a row for each would take ten times as long."""
        sql = "select group_concat(rowid) from words where words match ? and rowid>? and rowid<=?"
        (found,) = connection.execute(sql, (_expression(phrases), above, last)).fetchone()
        return None if found is None else str(found)

    def checked(self, connection: SqliteConnection) -> Checked:
        """What is indexed now."""
        return Checked(connection)


def _expression(phrases: Sequence[str]) -> str:
    return " ".join(f'"{phrase}"' for phrase in phrases)


class Checked:
    """Each document as a sum over its words and their places."""

    def __init__(self, connection: SqliteConnection) -> None:
        self._sums: dict[int, int] = defaultdict(int)
        for number, term, offset in _instances(connection):
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


def _json(numbers: Sequence[int]) -> str:
    return json.dumps(list(numbers))


def _terms(texts: Sequence[str]) -> list[str]:
    """Every word of these texts, as the index cuts and keeps it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as other:
        other.execute(_TOKENS)
        other.executemany("insert into words(rowid, text) values (?,?)", enumerate(texts))
        other.execute("create virtual table seen using fts5vocab(words, row)")
        return [term for (term,) in other.execute("select term from seen")]


def _instances(connection: SqliteConnection) -> Iterator[tuple[int, str, int]]:
    """Every word of the index with its document and place."""
    question = "select doc, term, offset from temp.seen"
    create = "create virtual table temp.seen using fts5vocab(main, words, instance)"
    if not connection.execute("pragma query_only").fetchone()[0]:
        connection.execute(create)  # what is not committed yet is seen by its own connection alone
        yield from connection.execute(question)
        connection.execute("drop table temp.seen")
        return
    # A reader makes no tables. What came in since a snapshot was taken does not disturb; of what was destroyed since, words are missed.
    (_, _, file) = connection.execute("pragma database_list").fetchone()
    with closing(sqlite3.connect(f"{Path(file).resolve().as_uri()}?mode=ro", uri=True)) as other:
        other.execute(create)
        yield from other.execute(question)
