"""What people did about what leaves: one entry for each act, object and partner."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

import msgspec

from kizuna.store.database import Connection

ON_A_ROW = ("propose", "approve")
"""Acts that are about one version of an object; the others are about all of it."""


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people did about an object and a partner."""

    number: int
    id: str
    partner: str
    at: int
    act: str
    person: str
    detail: dict[str, Any]


def happened(
    connection: Connection,
    ids: Sequence[str],
    partner: str | None,
    limit: int,
    *,
    before: int | None = None,
    rows: Collection[int] | None = None,
) -> list[Happened]:
    """What people did about these objects before an entry, newest first; of acts about a version only those on `rows`, if given."""
    which, values = "", [json.dumps(list(ids)), 2**62 if before is None else before]
    if partner is not None:
        which, values = "and p.name=? ", [*values, partner]
    sql = (
        "select b.n, i.id, p.name, b.at, b.act, b.person, b.detail from outbox b join ident i on i.n=b.ident and i.space=0 "
        f"join partner p on p.n=b.recipient where i.id in (select atom from json_each(?)) and b.n<? {which}order by b.n desc"
    )
    told = (
        Happened(number=n, id=id, partner=of, at=at, act=act, person=person, detail=msgspec.json.decode(detail))
        for n, id, of, at, act, person, detail in connection.stream(sql, values)
    )
    return list(
        islice((one for one in told if rows is None or one.act not in ON_A_ROW or one.detail.get("row") in rows), limit)
    )
