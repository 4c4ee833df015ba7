"""Rows of renditions: found by what they say, or made, many at once. Partners who may see as much share them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.labels import Label
from kizuna.stix import canonical
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.store.areas import DEFAULT
from kizuna.store.extract import Extract, named
from kizuna.store.model import Source
from kizuna.store.prepare import Prepared
from kizuna.store.renditions import Made
from kizuna.store.rows import New, RowWriter, end_of_rows

if TYPE_CHECKING:
    from kizuna.store.database import Connection
    from kizuna.store.store import Store

Json = dict[str, Any]
SOURCE = "rendition"
"""The source of every rendition, which is this node."""

SHOWN_TO_NONE = 2
"""`hidden` of a row that no view shows and feeds may hold."""


class One(NamedTuple):
    """What is to be stored: its label, and the area it serves; `alone` it waits for nothing that it names."""

    data: Json
    label: Label
    area: int | None
    alone: bool = False


class RenditionRows:
    """The rows of renditions inside one act, at the moment `now`."""

    def __init__(self, store: Store, connection: Connection, now: int) -> None:
        self._store = store
        self._connection = connection
        self._now = now
        self._known: dict[tuple[bytes, int], int] = {}  # by bytes and the row they were made of

    def of(self, several: Sequence[Made]) -> list[int]:
        """The row of each rendition, in their order."""
        keys = [(made.raw, made.original.n) for made in several]
        fresh = {key: made for key, made in zip(keys, several, strict=True) if key not in self._known}
        if fresh:
            data = self._after_last([made.data for made in fresh.values()])
            ones = [One(d, made.label, made.original.area) for d, made in zip(data, fresh.values(), strict=True)]
            rows = self.stored(ones)
            # Of equal bytes the newest row they were made of: what is destroyed takes its rendition along.
            self._connection.executemany(
                "insert into rendition values (?,?) on conflict(row) do update set original=excluded.original",
                [(n, made.original.n) for n, made in zip(rows, fresh.values(), strict=True)],
            )
            self._known |= dict(zip(fresh, rows, strict=True))
        return [self._known[key] for key in keys]

    def forget(self) -> None:
        """A last version was stored: what comes back comes after it."""
        self._known.clear()

    def definitions(self, several: Sequence[Made]) -> list[int]:
        """The rows of the marking definitions of ours that state the labels of these renditions."""
        ones = {d["id"]: One(d, made.label, made.original.area) for made in several for d in made.definitions}
        rows = self.stored(list(ones.values()))
        self._connection.executemany(
            "insert into rendition values (?,null) on conflict do nothing", [(n,) for n in rows]
        )
        return rows

    def stored(self, several: Sequence[One]) -> list[int]:
        """The row of each, made when new, in their order."""
        if not several:
            return []
        store, connection = self._store, self._connection
        source = store.source_number(connection, Source(SOURCE, "own", store.organisation))
        writer = RowWriter(connection, store.interned, 0)
        links = [
            [] if one.alone else [link for link in named(one.data) if link[0] != store.settings.identity]
            for one in several
        ]
        ids = [str(one.data["id"]) for one in several]
        idents = writer.idents([*ids, *(target for named in links for target, _, _ in named)])
        digests = [hashlib.sha256(canonical(one.data)).digest() for one in several]
        found = self._held([idents[id] for id in ids], source)
        last, moment = end_of_rows(connection)
        news: list[New] = []
        for one, id, digest, edges in zip(several, ids, digests, links, strict=True):
            if (idents[id], digest) in found:
                continue
            prepared = Prepared(
                index=None, id=id, type=str(one.data["type"]), version=version(one.data), digest=digest,
                raw=msgspec.json.encode(one.data), original=None, label=one.label, least=one.label, whole=one.label, area=None,
                rows=Extract(edges, [], [], [], [], []),
            )  # fmt: skip
            area = one.area if one.area is not None else store.interned.name(connection, "area", DEFAULT)
            n = found[idents[id], digest] = last + 1 + len(news)
            news.append(New(n, idents[id], max(self._now, moment + 1) + len(news), area, prepared))
        if news:
            writer.insert(news, idents, source)
        writer.finish()
        hide = f"update object set hidden={SHOWN_TO_NONE}, set_by=? where n>? and n<=?"
        connection.execute(hide, (SOURCE, last, last + len(news)))
        return [found[idents[id], digest] for id, digest in zip(ids, digests, strict=True)]

    def _held(self, idents: Sequence[int], source: int) -> dict[tuple[int, bytes], int]:
        sql = (
            "select o.ident, o.digest, o.n from json_each(?) j cross join object o on o.ident=j.value where o.source=?"
        )
        rows = self._connection.execute(sql, (json.dumps(sorted(set(idents))), source))
        return {(ident, bytes(digest)): n for ident, digest, n in rows}

    def _after_last(self, several: Sequence[Json]) -> list[Json]:
        """Each as it is, but newer than its last version where it had one and comes back."""
        sql = (
            "select i.id, b.raw from ident i join object o on o.ident=i.n join body b on b.n=o.n "
            "where i.space=0 and i.id in (select atom from json_each(?)) and o.hidden=? order by o.version desc"
        )
        ids = json.dumps([data["id"] for data in several])
        versions: dict[str, list[Json]] = defaultdict(list)
        for id, raw in self._connection.execute(sql, (ids, SHOWN_TO_NONE)):
            versions[id].append(msgspec.json.decode(raw))
        return [self._newer(data, versions.get(data["id"], [])) for data in several]

    def _newer(self, data: Json, versions: Sequence[Json]) -> Json:
        last = next((version(one) or 0 for one in versions if _is_last(one)), None)
        if last is None or (version(data) or 0) > last:
            return data
        for one in versions:
            if (version(one) or 0) > last and {**one, "modified": 0} == {**data, "modified": 0}:
                return data | {"modified": one["modified"]}
        return data | {"modified": moment_text(max(self._now, last) + 1_000)}


def _is_last(data: Json) -> bool:
    """Whether it is the version that names what took its place."""
    return bool(data.get("revoked")) and "successor" in data.get("extensions", {}).get(RENDITION_EXTENSION, {})


def moment_text(us: int) -> str:
    """A moment as renditions write it."""
    return to_text(us)[:23] + "Z"


def version(data: Json) -> int | None:
    """Of what is written in an object, in microseconds."""
    told = data.get("modified") or data.get("created")
    return None if told is None else from_text(str(told))
