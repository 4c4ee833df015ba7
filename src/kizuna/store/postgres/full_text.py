"""Full text on PostgreSQL: each document keeps its words in order, and a GIN index tells which documents hold a word.

Not `tsvector`: it keeps no place beyond 16,383, no more than 255 places of a word and no text above 1 MB, and its parser takes words
apart by rules that change with the database's locale. Here one function cuts what is indexed and what is asked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kizuna.store.database import Document, Matching, Value

if TYPE_CHECKING:
    from kizuna.store.postgres.connection import PostgresConnection

LONGEST = 255
"""Characters of a word; of a longer one the beginning and a hash stand for it, since an entry of an index is bounded."""

_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_ASCII = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)) + bytes(range(128, 256))
_SIGNS = re.compile(f"[^\x00-\x7f\\w{_PRIVATE}]+")  # and spaces


class FullText:
    """Adds documents and asks for them."""

    @staticmethod
    def kept(text: str) -> str:
        """Its words."""
        return words(text)

    def add(self, connection: PostgresConnection, documents: Sequence[Document]) -> None:
        """Index documents, given as what is kept of them; each gets the next number."""
        if documents:
            sql = "select setval('doc_number', nextval('doc_number') + ? - 1)"
            (last,) = connection.execute(sql, (len(documents),)).fetchone()
            first = last - len(documents) + 1
            _load(connection, [x for n, one in enumerate(documents, first) for x in (n, *one)])

    def put(self, connection: PostgresConnection, documents: Sequence[tuple[int, int, int, str]]) -> None:
        """Index documents under numbers of their own."""
        _load(connection, [x for number, n, label, text in documents for x in (number, n, label, words(text))])

    def newest(self, connection: PostgresConnection) -> int:
        """The highest number that was ever given."""
        sql = "select case when is_called then last_value else last_value - 1 end from doc_number"
        return int(connection.execute(sql).fetchone()[0])

    def reserve(self, connection: PostgresConnection, number: int) -> None:
        """Give no number up to this one any more."""
        connection.execute("select setval('doc_number', ?, ?=1)", (max(number, 1), int(number > 0)))

    def forget(self, connection: PostgresConnection, objects: Sequence[int], _texts: Sequence[str]) -> None:
        """Take the documents of objects out, with their words."""
        connection.execute(
            "delete from doc where object in (select value from json_each(?))", (json.dumps(list(objects)),)
        )

    def matching(self, phrases: Sequence[str]) -> Matching:
        """The documents `d` that hold every one of these phrases."""
        asked = [words(phrase) for phrase in phrases]
        conditions = ["string_to_array(d.words, ' ') @> string_to_array(:words, ' ')"]
        parameters = {"words": " ".join(dict.fromkeys(" ".join(asked).split()))}
        for phrase in asked:
            if " " in phrase:
                name = f"phrase_{len(parameters)}"
                conditions.append(f"strpos(' ' || d.words || ' ', :{name}) > 0")
                parameters[name] = f" {phrase} "
        return Matching("doc d", "d.n", " and ".join(conditions), parameters)

    def numbers(self, connection: PostgresConnection, phrases: Sequence[str], above: int, last: int) -> str | None:
        """The numbers of the documents that hold all phrases, as one text."""
        asked = self.matching(phrases)
        sql = f"select string_agg(cast(d.n as text), ',') from doc d where {asked.condition} and d.n>:above and d.n<=:last"
        (found,) = connection.execute(sql, asked.parameters | {"above": above, "last": last}).fetchone()
        return None if found is None else str(found)

    def checked(self, connection: PostgresConnection) -> Checked:
        """What is indexed now."""
        return Checked(connection)


def _load(connection: PostgresConnection, flat: list[Value]) -> None:
    connection.load(("doc(n,object,label,words)", flat, 4))


class Checked:
    """Each document as its words."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection

    def stored(self, numbers: Sequence[int]) -> dict[int, Any]:
        """The words of stored documents."""
        sql = "select n, words from doc where n in (select value from json_each(?))"
        return dict(self._connection.execute(sql, (json.dumps(list(numbers)),)).fetchall())

    def fresh(self, texts: Sequence[str]) -> list[Any]:
        """The words these texts would have."""
        return [words(text) for text in texts]

    def close(self) -> None:
        """Nothing is held."""


def words(text: str) -> str:
    """The words of a text that `index_text` has cut, in its order, one space between two."""
    # As bytes, where nearly all that stands between words is one table's affair, in texts of other scripts as well.
    if text.isascii():
        cut = text.encode().translate(_ASCII)
    else:
        cut = _encoded(_SIGNS.sub(" ", _decoded(_encoded(text.lower()).translate(_ASCII))))
    cut = b" ".join(cut.split())
    if _has_long(cut):
        cut = b" ".join([word if len(word) <= LONGEST else _shortened(word) for word in cut.split()])
    return _decoded(cut)


def _has_long(cut: bytes) -> bool:
    """Whether a word is longer than LONGEST, from one space that is far enough to the next: to measure each takes three times as long."""
    at = 0
    while len(cut) - at > LONGEST:
        at = cut.rfind(b" ", at, at + LONGEST + 1) + 1
        if not at:
            return True
    return False


def _shortened(word: bytes) -> bytes:
    if len(text := _decoded(word)) <= LONGEST:
        return word
    digest = hashlib.sha256(word).hexdigest()
    return _encoded(text[: LONGEST - len(digest)] + digest)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
