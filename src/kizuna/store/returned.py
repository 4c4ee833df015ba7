"""What comes back never loosens: a copy of what left this node is as closed as what is held here of the same version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import msgspec

from kizuna.labels import join, restricts
from kizuna.store.database import Connection
from kizuna.store.rows import RowWriter
from kizuna.store.translations import marked_row

if TYPE_CHECKING:
    from kizuna.store.store import Store

MACHINE = "kizuna"
"""Who gave such a copy its label: definitions that come in later do not loosen it."""

# New rows that partners sent, and rows of the same id and version that were here before; of what one's own people bring, those rows that
# somebody gave another label here. And who sent the new row: None for one's own people.
_BEFORE = (
    "select n.n, n.ident, case when o.digest=n.digest then o.label else o.whole end, n.version, p.n from json_each(?) j "
    "cross join object n on n.n=j.value cross join source s on s.n=n.source "
    "cross join object o on o.ident=n.ident and o.n<n.n and o.source<>n.source and o.version is not distinct from n.version "
    "left join partner p on s.name='partner:' || p.name "
    f"where s.kind='partner' or (o.set_by is not null and o.set_by<>'{MACHINE}')"
)
_LEFT = (
    "select f.recipient, f.ident from json_each(?) j cross join partner p on p.n is not null "
    "cross join feed f indexed by feed_ident on f.recipient=p.n and f.ident=j.value "
    "union all select coalesce(p.n, -1), d.ident from json_each(?) j cross join departed d on d.ident=j.value "
    "left join partner p on p.name=d.partner"
)
"""Who was given these ids, also by a name that somebody was removed under; -1 is whoever is not here any more."""


def label_returned(store: Store, connection: Connection, objects: Sequence[int]) -> None:
    """Tighten the labels of those new rows that left this node before, through whatever hands they came."""
    labels = store.interned.label_of
    rows = connection.execute(_BEFORE, (json.dumps(list(objects)),)).fetchall()
    if not rows:
        return
    left: dict[int, set[int]] = {}
    idents = json.dumps(sorted({ident for _, ident, *_ in rows}))
    for recipient, ident in connection.execute(_LEFT, (idents, idents)):
        left.setdefault(ident, set()).add(recipient)
    before: dict[int, set[int]] = {}
    for n, ident, label, version, sender in rows:
        # The id of an observable follows from its value, which anybody may have seen for themselves: a copy is one from who was given it.
        is_copy = ident in left and (version is not None or sender in left[ident])
        if is_copy and restricts(labels(connection, label)):
            before.setdefault(n, set()).add(label)
    sql = (
        "select o.n, b.raw, o.label, o.source, o.space from object o join body b on b.n=o.n "
        "where o.n in (select value from json_each(?)) order by o.n"
    )
    for n, raw, stated, source, space in (
        connection.execute(sql, (json.dumps(list(before)),)).fetchall() if before else ()
    ):
        label = reduce(join, (labels(connection, held) for held in sorted(before[n])), labels(connection, stated))
        if label == labels(connection, stated):
            continue
        data = msgspec.json.decode(raw)
        marked = marked_row(store, connection, data, label=stated, source=source, space=space).with_label(label)
        RowWriter(connection, store.interned, space).relabel(n, marked, data, by=MACHINE)
