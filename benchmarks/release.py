"""What leaves: decisions, plans, relabels and standing rules over stores of a size, each by the product's own functions.

No peer does any of this: the figures stand alone. `python -m benchmarks.release [OBJECTS]`.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

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


def new_store(folder: Path, partners: int) -> Store:
    """A node with so many partners, that receive in two ways."""
    told = Settings(
        name="Tokyo",
        organisation=ORGANISATION,
        country="JPN",
        identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
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


def timed(what: str, work: Callable[[], object]) -> None:
    """Do something and print how long it took."""
    began = time.perf_counter()
    told = work()
    print(f"| {what} | {time.perf_counter() - began:.3f} s | {told} |", flush=True)


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


def main(objects: int) -> None:
    """Print a table of what was measured."""
    print("| work | took | of |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(Path(folder), PARTNERS)
        for first in range(0, objects, 20_000):
            put(store, campaigns(first, min(first + 20_000, objects)))
        timed(f"decision, {objects:,} objects, {PARTNERS} partners", lambda: decisions(store))
        linked = (
            {
                "type": "relationship", "spec_version": "2.1", "id": id_of("relationship", i),
                "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "relationship_type": "related-to",
                "source_ref": id_of("campaign", 0), "target_ref": id_of("campaign", i + 1), "object_marking_refs": [CLEAR],
            }
            for i in range(1_000)
        )  # fmt: skip
        put(store, linked)
        ids = [id_of("relationship", i) for i in range(1_000)]
        timed("preview of 1,000 that one takes down, one partner", lambda: preview(store, ids))
        timed(
            "preview of 1,000 campaigns, one partner",
            lambda: preview(store, [id_of("campaign", i) for i in range(1_000)]),
        )
        red, clear = (parse_label(f"TLP:{level}", originator=ORGANISATION) for level in ("RED", "CLEAR"))
        some = [id_of("campaign", i) for i in range(1, 8)]
        took = []
        for one in some:
            began = time.perf_counter()
            store.relabel(one, red, by="x")
            took.append(time.perf_counter() - began)
        print(
            f"| relabel of one, feeds of ten partners | {median(took):.3f} s | median of {len(took)}, the first {took[0]:.3f} s |"
        )
        Accounts(store).add_user("aoki", ("releaser",), by="x")
        part = id_of("campaign", 150)
        timed("a rendition approved, made and offered", lambda: Releases(store).approve("P1", [part], by="aoki").opened)
        timed("a standing rule: from import to the feed", lambda: put(store, campaigns(objects, objects + 1)))
        parts = [id_of("campaign", i) for i in range(0, objects, 50)]
        timed(f"plan and renditions of 2 % of {objects:,} for ten partners", lambda: made(store, parts))
        Rules(store).put([Named(name="parts", act="send", parts=True, labels=("TLP:CLEAR", "TLP:AMBER"))], by="x")
        timed(f"renditions of 2 % of {objects:,} for ten partners, by a rule, in their feeds", lambda: granted(store))
        store.close()
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(Path(folder), 1)
        many = min(objects, 100_000)
        for first in range(0, many, 20_000):
            put(store, campaigns(first, min(first + 20_000, many)))
        ids = [id_of("campaign", i) for i in range(many)]
        timed(f"relabel of {many:,}, feed of one partner", lambda: store.relabel_many(ids, red, by="x")[0].ended)
        timed(f"relabel of {many:,} back", lambda: store.relabel_many(ids, clear, by="x")[0].opened)
        store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
