"""What leaves: decisions, plans, relabels, standing rules and scans over stores of a size, each by the product's own functions.

No peer does any of this: the figures stand alone. `python -m benchmarks release`.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.data import Corpus
from benchmarks.table import Row
from kizuna.labels import parse_label
from kizuna.settings import Settings, save
from kizuna.stix import iter_objects
from kizuna.store import Partner, Store
from kizuna.store.accounts import Accounts
from kizuna.store.keys import make_key
from kizuna.store.outgoing import Outgoing
from kizuna.store.plan import Plan, verdicts
from kizuna.store.recipients import Masks
from kizuna.store.releasing import Releases
from kizuna.store.standing import Named, Rules

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
ORGANISATION = "CERT Tokyo (fictional)"
PARTNERS = 10
OBJECTS = 1_000_000
MANY = 100_000
LOOKED_THROUGH = 20_000
AT_ONCE = 20_000


def new_store(folder: Path, partners: int, *, scan: bool = True) -> Store:
    """A node with so many partners, that receive in two ways."""
    told = Settings(
        name="Tokyo",
        organisation=ORGANISATION,
        country="JPN",
        identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
        scan=scan,
    )
    save(folder, told)
    make_key(folder)
    store = Store(folder, told)
    for i in range(partners):
        receives = ("TLP:CLEAR", "TLP:GREEN") if i % 2 else ("TLP:CLEAR", "TLP:AMBER")
        store.put_partner(
            Partner(name=f"P{i}", organisation=f"Partner {i} (fictional)", country="BEL", receives=receives)
        )
    return store


def id_of(kind: str, i: int) -> str:
    """The id of the i-th object of a kind."""
    return f"{kind}--{uuid.UUID(int=random.Random(f'{kind}{i}').getrandbits(128), version=4)}"


def campaigns(first: int, last: int) -> Iterator[dict[str, Any]]:
    """Campaigns, two of three AMBER, one in fifty with a part that is RED."""
    for i in range(first, last):
        one: dict[str, Any] = {
            "type": "campaign", "spec_version": "2.1", "id": id_of("campaign", i), "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z", "name": f"campaign {i}", "description": f"power plant {i} and its neighbours, " * 3,
            "object_marking_refs": [AMBER if i % 3 else CLEAR],
        }  # fmt: skip
        if i % 50 == 0:
            one["description"] = f"seen at plant number {i} by the river, and at none of the others of its owner; " * 2
            one["granular_markings"] = [{"marking_ref": RED, "selectors": ["description"]}]
        yield one


def put(store: Store, objects: Iterator[dict[str, Any]], **more: Any) -> None:
    """Take objects in."""
    raw = b'{"type":"bundle","id":"bundle--0","objects":[' + b",".join(json.dumps(o).encode() for o in objects) + b"]}"
    for outcome in store.writer(store.own_source(), **more).add(iter_objects(raw)):
        if outcome.status != "imported":
            sys.exit(f"{outcome.id}: {outcome.problems}")


def seconds(work: Callable[[], str]) -> tuple[float, str]:
    """How long something takes, and what it told."""
    began = time.perf_counter()
    told = work()
    return time.perf_counter() - began, told


def decisions(store: Store) -> str:
    """What each partner may have of everything, by label alone."""
    found = []
    with store.database.snapshot() as reader:
        groups = reader.execute(
            "select whole, area, count(*) from object where hidden=0 group by whole, area"
        ).fetchall()
        for recipient in store.recipients(reader):
            masks = Masks(reader, store.interned, store.holder(), recipient, store.clock())
            found.append(sum(count for whole, area, count in groups if masks(whole, area)))
    return f"{len(found)} partners, {sum(found):,} yes"


def preview(store: Store, ids: list[str]) -> str:
    """The verdicts of these ids for one partner."""
    with store.database.snapshot() as reader:
        found = verdicts(Outgoing(store, reader, "P0"), ids)
    return f"{len(found):,} verdicts, {sum(one.cascade for one in found):,} taken along"


def made(store: Store, ids: list[str]) -> str:
    """What each partner may have of these, as it would leave."""
    count, known = 0, dict[int, Any]()
    with store.database.snapshot() as reader:
        for recipient in store.recipients(reader):
            outgoing = Outgoing(store, reader, recipient.partner.name, known=known)
            idents = list(outgoing.idents(ids).values())
            count += len(store.maker.make(Plan(outgoing, idents), idents))
    return f"{count:,} renditions"


def granted(store: Store) -> str:
    """Let a rule count that sends what leaves in part."""
    Releases(store).grant("parts", by="aoki")
    rows = store.database.read().execute("select count(*) from feed f join object o on o.n=f.object where o.hidden=2")
    return f"{rows.fetchone()[0]:,} rows of feeds"


def relabelled(store: Store, ids: list[str], level: str) -> str:
    """Another label for many."""
    change, done, _ = store.relabel_many(ids, parse_label(f"TLP:{level}", originator=ORGANISATION), by="x")
    return f"{len(done):,} relabelled; rows of the feed: {sum(change.opened.values()):,} began, {sum(change.ended.values()):,} ended"


def entered(store: Store, first: int, last: int) -> str:
    """Objects that come in, until they are in the feeds that get them."""
    put(store, campaigns(first, last))
    (count,) = store.database.read().execute("select count(*) from feed where live=1").fetchone()
    return f"{count:,} rows of feeds"


def rows(_: Sequence[Corpus]) -> Iterator[Row]:
    """Over a million objects and ten partners, and relabels of 100,000 for one."""
    yield from many(OBJECTS)
    yield from few(MANY)
    yield from looked_through(LOOKED_THROUGH)


def many(objects: int) -> Iterator[Row]:
    """What each of ten partners may have of so many."""
    data = f"{objects:,} seeded, {PARTNERS} partners"

    def row(work: str, doing: Callable[[], str], target: float | None) -> Row:
        took, told = seconds(doing)
        return Row(work, data, took, "s", target, note=told)

    with tempfile.TemporaryDirectory() as folder:
        store = new_store(Path(folder), PARTNERS)
        for first in range(0, objects, AT_ONCE):
            put(store, campaigns(first, min(first + AT_ONCE, objects)))
        yield row("what each partner may have, by label alone", lambda: decisions(store), 2)
        put(store, linked())
        for kind in ("relationship", "campaign"):
            ids = [id_of(kind, i) for i in range(1_000)]
            yield row(
                f"preview of 1,000 {kind} objects for one partner, with cascade", partial(preview, store, ids), 0.5
            )
        took = [seconds(partial(relabelled, store, [id_of("campaign", i)], "RED"))[0] for i in range(1, 8)]
        yield Row(
            "relabel of one object, feeds right again",
            data,
            median(took) * 1_000,
            "ms",
            50,
            note=f"the first {took[0] * 1_000:.0f} ms",
        )
        yield row("standing rule: import to the feeds", lambda: entered(store, objects, objects + 1), 1)
        Accounts(store).add_user("aoki", ("releaser",), by="x")
        parts = [id_of("campaign", i) for i in range(0, objects, 50)]
        yield row("plan and renditions of the 2 % that are marked in part", lambda: made(store, parts), 60)
        Rules(store).put([Named(name="parts", act="send", parts=True, labels=("TLP:CLEAR", "TLP:AMBER"))], by="x")
        yield row("the same entering the feeds by a rule", lambda: granted(store), None)
        store.close()


def few(objects: int) -> Iterator[Row]:
    """Relabels of many under one label."""
    data = f"{objects:,} seeded, one partner"
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(Path(folder), 1)
        for first in range(0, objects, AT_ONCE):
            put(store, campaigns(first, min(first + AT_ONCE, objects)))
        ids = [id_of("campaign", i) for i in range(objects)]
        for level, work in (("RED", "relabel of all under one label, the feed right again"), ("CLEAR", "and back")):
            took, told = seconds(partial(relabelled, store, ids, level))
            yield Row(work, data, took, "s", 5, note=told)
        store.close()


def looked_through(objects: int) -> Iterator[Row]:
    """What the scans cost where things come in: two of three objects are withheld from half of the partners."""
    for partners in (1, PARTNERS):
        took = {}
        for scan in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                store = new_store(Path(folder), partners, scan=scan)
                took[scan], _ = seconds(partial(entered, store, 0, objects))
                store.close()
        note = f"{took[False]:.1f} s without looking through what leaves, {took[True]:.1f} s with it"
        yield Row(
            "import that is looked through for withheld texts",
            f"{objects:,} seeded, partners: {partners}",
            objects / took[True],
            "obj/s",
            note=note,
        )


def linked() -> Iterator[dict[str, Any]]:
    """Relationships of one campaign to a thousand others."""
    for i in range(1_000):
        yield {
            "type": "relationship", "spec_version": "2.1", "id": id_of("relationship", i),
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "relationship_type": "related-to",
            "source_ref": id_of("campaign", 0), "target_ref": id_of("campaign", i + 1), "object_marking_refs": [CLEAR],
        }  # fmt: skip
