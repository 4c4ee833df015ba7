"""What lies around an object, drawn: from following a link to a drawing of all its nodes on the screen, in a headless Chromium
whose graphics are made by the processor alone. OpenCTI's own figure is 500 nodes in two seconds (its issue 13098).

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
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.data import ROOT, Corpus
from benchmarks.nodes import make, up
from benchmarks.table import Row
from kizuna.store.accounts import Accounts

SIZES = ((5_000, 8_478, 3.0), (20_000, 33_885, 6.0))  # nodes, links, seconds wanted
RUNS, SEED = 4, 11
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
                shown, took = seen(url, link, f"/objects/{first}/graph?steps=2&most={nodes}")
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


def seen(url: str, link: str, path: str) -> tuple[int, list[float]]:
    """How many nodes are drawn, and the seconds until they are, each time it is asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from playwright.sync_api import sync_playwright

        from tests.browser.chromium import CHROMIUM

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(GRAPHICS))
            page, took = browser.new_page(), []
            page.goto(f"{url}/login/{link}")
            for _ in range(RUNS):
                began = time.perf_counter()
                page.goto(url + path)
                page.locator("[data-drawn]").wait_for(state="attached", timeout=120_000)
                took.append(time.perf_counter() - began)
            shown = int(page.locator("[data-drawn]").first.get_attribute("data-drawn") or 0)
            browser.close()
    return shown, took


def weight() -> float:
    """Kilobytes of every script, style and map, packed."""
    folder = ROOT / "src/kizuna/web/static"
    return (
        sum(
            len(gzip.compress(file.read_bytes())) for file in folder.iterdir() if file.suffix in (".js", ".css", ".svg")
        )
        / 1000
    )
