"""Which rows have bytes that state less than their label: noted when they come in, and asked anew when they were relabelled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.labels import Marked, restricts, states
from kizuna.store.database import Connection
from kizuna.store.relabelling import marked_as_stored
from kizuna.store.translations import marks_of

if TYPE_CHECKING:
    from kizuna.store.store import Store

DEFINITION = "marking-definition"
_ASKED = "select o.n, o.label, o.whole, o.source, o.space, b.raw"


class _Markings(msgspec.Struct, gc=False):
    """What tells how a row is marked; the rest of it is skipped."""

    type: str
    object_marking_refs: msgspec.Raw = msgspec.Raw(b"")
    granular_markings: msgspec.Raw = msgspec.Raw(b"")


_markings = msgspec.json.Decoder(_Markings).decode


def note_stated(store: Store, connection: Connection, objects: Sequence[int] | None = None) -> None:
    """Note of rows that were labelled anew whether they state their label; of all that there are where none are named."""
    if objects is None:
        sql = f"{_ASKED} from object o cross join body b on b.n=o.n where o.unstated is null and o.hidden<>2"
        rows = connection.stream(sql, ())
    else:
        these = "from json_each(?) j cross join object o on o.n=j.value cross join body b on b.n=o.n"
        rows = connection.stream(f"{_ASKED} {these} where o.unstated is null", (json.dumps(list(objects)),))
    found: dict[bool, list[int]] = {False: [], True: []}
    alike: dict[tuple[int, int, bytes, bool], bool] = {}
    for n, label, whole, source, space, raw in rows:
        if not restricts(store.interned.label_of(connection, whole)):
            found[False].append(n)
            continue
        marked = _markings(raw)
        refs = bytes(marked.object_marking_refs)
        alone = bytes(marked.granular_markings) != b"" or label != whole
        key = (label, source, refs, marked.type == DEFINITION)
        if alone or key not in alike:
            data = msgspec.json.decode(raw)
            said = stated(store, connection, data, label=label, whole=whole, source=source, space=space)
            if not alone:
                alike[key] = said
        else:
            said = alike[key]
        found[not said].append(n)
    for unstated, numbers in found.items():
        sql = f"update object set unstated={unstated:d} where n in (select value from json_each(?))"
        connection.execute(sql, (json.dumps(numbers),))


def ask_again(connection: Connection, definitions: Sequence[tuple[int, int]]) -> list[int]:
    """Forget it of rows that somebody labelled here and that name these marking definitions, (ident, newest row without it); gives them."""
    sql = (
        "select distinct o.n from json_each(?) j cross join edge e on e.target=j.value cross join object o on o.n=e.object "
        "where o.set_by is not null and o.unstated is not null"
    )
    rows = [n for (n,) in connection.execute(sql, (json.dumps([ident for ident, _ in definitions]),))]
    forget = "update object set unstated=null where n in (select value from json_each(?))"
    connection.execute(forget, (json.dumps(rows),))
    return rows


def stated(
    store: Store, connection: Connection, data: dict[str, Any], *, label: int, whole: int, source: int, space: int
) -> bool:
    """Whether the bytes of a stored row state its label, and `whole`, that of all of it."""
    name, organisation = connection.execute("select name, organisation from source where n=?", (source,)).fetchone()
    worded = marked_as_stored(store, connection, data, organisation, name)
    marked = marks_of(store, connection, data, label=label, source=source, space=space)
    if marked.whole != (least := store.interned.label_of(connection, whole)):
        marked = Marked(
            marked.label, (("$", least),)
        )  # what worded it cannot be read any more, or somebody else tightened it
    return states(data, marked, worded)
