"""What a store holds, without the numbers it happens to use: two stores that were given the same say the same."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

_OBJECT = "o.id || ' ' || hex(o.digest) || ' ' || s.name"
_ROWS = {
    "object": f"select {_OBJECT}, o.version, l.canonical, x.canonical, w.canonical, t.name, a.name, o.hidden, b.raw from object o "
    "join source s on s.n=o.source join label l on l.n=o.label join label x on x.n=o.least join label w on w.n=o.whole "
    "join term t on t.n=o.type left join area a on a.n=o.area join body b on b.n=o.n",
    "edge": f"select {_OBJECT}, i.id, t.name, l.canonical from edge e join object o on o.n=e.object join source s on s.n=o.source "
    "join ident i on i.n=e.target join term t on t.n=e.path join label l on l.n=e.label",
    "value": f"select {_OBJECT}, v.value, t.name, l.canonical from value v join object o on o.n=v.object "
    "join source s on s.n=o.source join term t on t.n=v.kind join label l on l.n=v.label",
    "place": f"select {_OBJECT}, p.kind, p.value, l.canonical from place p join object o on o.n=p.object "
    "join source s on s.n=o.source join label l on l.n=p.label",
    "time": f"select {_OBJECT}, t.name, m.first, m.last, l.canonical from time m join object o on o.n=m.object "
    "join source s on s.n=o.source join term t on t.n=m.path join label l on l.n=m.label",
    # What stands where in the search index, word by word.
    "word": f"select {_OBJECT}, l.canonical, i.term, i.offset from temp.instances i join doc d on d.n=i.doc "
    "join object o on o.n=d.object join source s on s.n=o.source join label l on l.n=d.label",
    "feed": f"select {_OBJECT}, p.name, f.live, f.last from feed f join partner p on p.n=f.recipient "
    "join object o on o.n=f.object join source s on s.n=o.source",
}


class Contents(NamedTuple):
    """Rows of every table by name, and what SQLite itself finds wrong."""

    rows: dict[str, Counter[tuple[Any, ...]]]
    problems: list[str]


def contents(folder: Path) -> Contents:
    """Read a node's file as it lies there."""
    with closing(sqlite3.connect(folder / "node.sqlite")) as connection:
        problems = [text for (text,) in connection.execute("pragma integrity_check") if text != "ok"]
        connection.execute("create virtual table temp.instances using fts5vocab('main', 'words', 'instance')")
        rows = {name: Counter(connection.execute(query).fetchall()) for name, query in _ROWS.items()}
        orphans = {
            table: connection.execute(f"select count(*) from {table} where object not in (select n from object)")
            for table in ("edge", "value", "place", "time", "doc", "feed", "waiting")
        }
        problems += [
            f"{count} rows of {table} without object" for table, found in orphans.items() for (count,) in found if count
        ]
        doubled = connection.execute(
            "select count(*) from (select 1 from feed f join object o on o.n=f.object where f.live group by recipient, o.ident, o.version, "
            "case when o.version is null then o.digest end having count(*) > 1)"
        ).fetchone()[0]
        if doubled:
            problems.append(f"{doubled} versions stand twice in a feed")
    return Contents(rows, problems)
