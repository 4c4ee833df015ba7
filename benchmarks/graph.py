"""What a browser shows, a headless Chromium whose graphics are made by the processor alone: what lies around an object, from following
a link to a drawing of all its nodes, beside OpenCTI's own figure of 500 nodes in two seconds (its issue 13098); when pages first show
something, and what they weigh with all that they load.

    python -m benchmarks graph
"""

from __future__ import annotations

import gzip
import json
import random
import statistics
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.data import ROOT, Corpus
from benchmarks.nodes import make, up
from benchmarks.table import Row
from kizuna.store.accounts import Accounts

SIZES = ((5_000, 8_478, 3.0), (20_000, 33_885, 6.0))  # nodes, links, seconds wanted
PAINTED, HEAVIEST = 0.5, 120  # seconds, kB
RUNS, SEED = 4, 11
FIRST = """new Promise(done => new PerformanceObserver(list => list.getEntries().forEach(
  one => one.name === "first-contentful-paint" && done(one.startTime))).observe({type: "paint", buffered: true}))"""
GRAPHICS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


def rows(_corpora: Sequence[Corpus]) -> Iterator[Row]:
    """Every line of the drawing."""
    for nodes, links, wanted in SIZES:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "graph.json"
            first = written(file, nodes, links)
            (folder := Path(name) / "node").mkdir()
            store, token = make(folder, file)
            link = Accounts(store).create_link(Accounts(store).owner(by="bench").name, by="bench")
            with closing(store), up(folder, store, token) as served:
                url = served.feed.collection.partition("/taxii2/")[0]
                with browser(url, link) as page:
                    if nodes == SIZES[0][0]:
                        yield from pages(page, url, first)
                    shown, took = seen(page, url, f"/objects/{first}/graph?steps=2&most={nodes}")
        drawn, note = (
            statistics.median(took[1:]),
            f"{shown:,} nodes; {took[0]:.1f} s the first time, when it is walked and laid out",
        )
        yield Row(
            "graph drawn, software WebGL", f"seeded, {nodes:,} nodes, {links:,} links", drawn, "s", wanted, note=note
        )
    yield Row("scripts and style of all pages, packed", "as built", weight(), "kB", 650)


def written(file: Path, nodes: int, links: int) -> str:
    """A bundle of one campaign, what it uses, and links among those; the campaign's id."""
    made = random.Random(SEED)

    def new(kind: str, **more: Any) -> dict[str, Any]:
        id = f"{kind}--{uuid.UUID(int=made.getrandbits(128), version=4)}"
        when = "2026-01-01T00:00:00.000Z"
        return {"type": kind, "spec_version": "2.1", "id": id, "created": when, "modified": when, **more}

    def link(kind: str, one: str, other: str) -> dict[str, Any]:
        return new("relationship", relationship_type=kind, source_ref=one, target_ref=other)

    middle = new("campaign", name="Middle")
    near = [new("malware", name=f"Near {k}", is_family=False) for k in range(60)]
    far = [
        new(made.choice(("tool", "infrastructure", "attack-pattern", "threat-actor")), name=f"Far {k}")
        for k in range(nodes - 61)
    ]
    joined = [link("uses", middle["id"], one["id"]) for one in near]
    joined += [link("related-to", made.choice(near)["id"], one["id"]) for one in far]
    while len(joined) < links:
        joined.append(link("related-to", made.choice(near)["id"], made.choice(far)["id"]))
    objects = [middle, *near, *far, *joined]
    file.write_text(
        json.dumps(
            {"type": "bundle", "id": f"bundle--{uuid.UUID(int=made.getrandbits(128), version=4)}", "objects": objects}
        )
    )
    return str(middle["id"])


@contextmanager
def browser(url: str, link: str) -> Iterator[Any]:
    """A page of somebody who is logged in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from playwright.sync_api import sync_playwright

        from tests.browser.chromium import CHROMIUM

        with sync_playwright() as playwright:
            started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(GRAPHICS))
            page = started.new_page()
            page.goto(f"{url}/login/{link}")
            yield page
            started.close()


def seen(page: Any, url: str, path: str) -> tuple[int, list[float]]:
    """How many nodes are drawn, and the seconds until they are, each time it is asked for."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        page.goto(url + path)
        page.locator("[data-drawn]").wait_for(state="attached", timeout=120_000)
        took.append(time.perf_counter() - began)
    return int(page.locator("[data-drawn]").first.get_attribute("data-drawn") or 0), took


def pages(page: Any, url: str, id: str) -> Iterator[Row]:
    """When pages first show something, and the bytes of each with all that it loads, where nothing was loaded before."""
    addresses = {
        "Picture": "/", "Objects": "/objects", "an object": f"/objects/{id}", "Release": "/release", "Partners": "/partners",
    }  # fmt: skip
    for name, path in addresses.items():
        shown = []
        for _ in range(RUNS + 1):
            page.goto(url + path, wait_until="networkidle")
            shown.append(page.evaluate(FIRST) / 1000)
        fresh = page.context.browser.new_context(storage_state=page.context.storage_state())
        first = fresh.new_page()
        first.goto(url + path, wait_until="networkidle")
        sizes = "['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind)).map(one => one.encodedBodySize)"
        weighs = sum(first.evaluate(sizes)) / 1000
        fresh.close()
        note = f"with all it loads {weighs:.0f} kB of {HEAVIEST}, packed" + (
            ", the map's land in it" if path == "/" else ""
        )
        yield Row(
            f"{name}: first contentful paint", "seeded, 5,000 nodes", statistics.median(shown), "s", PAINTED, note=note
        )


def weight() -> float:
    """Kilobytes of every script, style and map, packed."""
    folder = ROOT / "src/kizuna/web/static"
    return (
        sum(
            len(gzip.compress(file.read_bytes())) for file in folder.iterdir() if file.suffix in (".js", ".css", ".svg")
        )
        / 1000
    )
