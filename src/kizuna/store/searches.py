"""Searches that one's own people keep, each for themselves: what is asked, never what was found. Times are microseconds."""

from __future__ import annotations

import msgspec

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.store.database import Connection
from kizuna.store.store import Store

MOST = 100
"""Searches of one person."""
MOST_NAME = 100
MOST_QUESTION = 20_000
"""Characters of a name and of a question."""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A search; `question` is as it stands in an address, behind the question mark."""

    number: int
    name: str
    question: str
    saved: int


class Searches:
    """The searches of one person. Raises NotFound where there is no such person."""

    def __init__(self, store: Store, person: str) -> None:
        self._store = store
        self._name = person

    def listed(self) -> list[Saved]:
        """All of them, by name."""
        sql = (
            "select s.n, s.name, s.question, s.saved from search s join person p on p.n=s.person "
            "where p.name=? and p.removed is null order by s.name"
        )
        rows = self._store.database.read().execute(sql, (self._name,))
        return [Saved(number=n, name=name, question=question, saved=saved) for n, name, question, saved in rows]

    def save(self, name: str, question: str) -> None:
        """Keep a question under a name; once more changes nothing. Raises UsageError, Conflict and, when there are many, Refused."""
        name = _checked(name)
        if not question or len(question) > MOST_QUESTION:
            raise UsageError("there is no question to keep, or it is too long", path="question")
        with self._store.database.write() as connection:
            person = self._person(connection)
            there = self._called(connection, person, name)
            if there is not None:
                if there[1] != question:
                    raise Conflict("another search has this name", path="name")
                return
            (count,) = connection.execute("select count(*) from search where person=?", (person,)).fetchone()
            if count >= MOST:
                raise Refused(f"more than {MOST} searches; remove one first")
            row = (person, name, question, self._store.clock())
            connection.execute("insert into search(person,name,question,saved) values (?,?,?,?)", row)

    def rename(self, number: int, name: str) -> None:
        """Give one another name. Raises UsageError, NotFound, Conflict."""
        name = _checked(name)
        with self._store.database.write() as connection:
            person = self._person(connection)
            there = self._called(connection, person, name)
            if there is not None and there[0] != number:
                raise Conflict("another search has this name", path="name")
            sql = "update search set name=? where n=? and person=? returning n"
            if connection.execute(sql, (name, number, person)).fetchone() is None:
                raise NotFound("no such search")

    def remove(self, number: int) -> None:
        """Remove one; that it is gone already is no fault."""
        with self._store.database.write() as connection:
            person = self._person(connection)
            connection.execute("delete from search where n=? and person=?", (number, person))

    def _person(self, connection: Connection) -> int:
        row = connection.execute("select n from person where name=? and removed is null", (self._name,)).fetchone()
        if row is None:
            raise NotFound("no such user")
        return int(row[0])

    def _called(self, connection: Connection, person: int, name: str) -> tuple[int, str] | None:
        row = connection.execute("select n, question from search where person=? and name=?", (person, name)).fetchone()
        return None if row is None else (row[0], row[1])


def _checked(name: str) -> str:
    text = name.strip()
    if not text or len(text) > MOST_NAME or not text.isprintable():
        raise UsageError(f"a name is of 1 to {MOST_NAME} printable characters", path="name")
    return text


__all__ = ["MOST", "MOST_NAME", "Saved", "Searches"]
