"""Small integers for labels, areas, terms and sources: each stands once, and rows carry the integer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec

from kizuna.labels import Label
from kizuna.store.database import Connection

MOST = 50_000
"""Labels, and names of each kind, that are held in memory; beyond it the database is asked again."""

_encode = msgspec.json.Encoder().encode
_decode_label = msgspec.json.Decoder(Label).decode


class Interned:
    """The interning tables of one database, cached; rows are never changed, so only what is not held is read again."""

    def __init__(self) -> None:
        self._labels: dict[Label, int] = {}
        self._label_of: dict[int, Label] = {}
        self._names: dict[str, dict[str, int]] = {"area": {}, "term": {}}
        self._name_of: dict[str, dict[int, str]] = {"area": {}, "term": {}}
        self._lock = threading.Lock()

    def label(self, connection: Connection, label: Label) -> int:
        """The integer of a label, made when new; needs a writing transaction."""
        n = self._labels.get(label)
        if n is None:
            text = _encode(label).decode()
            n = _number(connection, "label", "canonical", text)
            self._remember(n, label)
        return n

    def label_of(self, connection: Connection, n: int) -> Label:
        """The label behind an integer."""
        label = self._label_of.get(n)
        if label is None:
            (text,) = connection.execute("select canonical from label where n=?", (n,)).fetchone()
            label = _decode_label(text)
            self._remember(n, label)
        return label

    def labels(self, connection: Connection, *, above: int = 0) -> Iterator[tuple[int, Label]]:
        """Every label above an integer, with its own."""
        newest = connection.execute("select max(n) from label").fetchone()[0] or 0
        known = self._label_of
        for (n,) in connection.execute("select n from label where n>? and n<=?", (above, newest)).fetchall():
            yield n, known.get(n) or self.label_of(connection, n)

    def name(self, connection: Connection, table: str, name: str) -> int:
        """The integer of an area or a term, made when new; needs a writing transaction."""
        n = self._names[table].get(name)
        if n is None:
            n = _number(connection, table, "name", name)
            self._remember_name(table, n, name)
        return n

    def find(self, connection: Connection, table: str, name: str) -> int:
        """The integer of an area or a term, -1 when nobody used it yet."""
        n = self._names[table].get(name)
        if n is None:
            found = connection.execute(f"select n from {table} where name=?", (name,)).fetchone()
            return found[0] if found else -1
        return n

    def name_of(self, connection: Connection, table: str, n: int) -> str:
        """The area or term behind an integer."""
        name = self._name_of[table].get(n)
        if name is None:
            name = str(connection.execute(f"select name from {table} where n=?", (n,)).fetchone()[0])
            self._remember_name(table, n, name)
        return name

    def forget(self) -> None:
        """Drop the caches: a transaction that made rows was rolled back."""
        with self._lock:
            self._labels.clear()
            self._label_of.clear()
            for numbers in self._names.values():
                numbers.clear()
            for names in self._name_of.values():
                names.clear()

    def _remember(self, n: int, label: Label) -> None:
        with self._lock:
            if len(self._labels) >= MOST:
                self._labels.clear()
                self._label_of.clear()
            self._labels[label] = n
            self._label_of[n] = label

    def _remember_name(self, table: str, n: int, name: str) -> None:
        with self._lock:
            if len(self._names[table]) >= MOST:
                self._names[table].clear()
                self._name_of[table].clear()
            self._names[table][name] = n
            self._name_of[table][n] = name


def _number(connection: Connection, table: str, column: str, text: str) -> int:
    found = connection.execute(f"select n from {table} where {column}=?", (text,)).fetchone()
    if found:
        return int(found[0])
    return int(connection.execute(f"insert into {table}({column}) values (?) returning n", (text,)).fetchone()[0])
