"""Whatever is planted in objects, labels, ids, secrets, headers, bodies, paths and queries: no line, metric or span tells it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kizuna.observe.lines import Lines, console_line
from kizuna.observe.logs import Handler, Logs
from kizuna.observe.metrics import Metrics
from kizuna.observe.observer import Observer
from kizuna.observe.traces import Spans
from kizuna.store import View
from kizuna.web.exits import EXITS, SILENT
from tests.behaviour.asgi import asked, portal
from tests.behaviour.canaries import WORD, sings_in_words
from tests.behaviour.worlds import TAXII, World, made, sweep
from tests.builders import campaign, named

ROUTES = [*((exit.method, exit.path) for exit in EXITS), *sorted(SILENT)]
ID = f"campaign--c0ffee00-beef-4bad-8bad-{0:012x}"
NAMED = (b"Brussels", b"Kyiv", b"Tokyo", b"CERT", b"owner", b"colleague", b"192.0.2.1", b"node.example")
_OBJECT = re.compile(rb"[a-z]--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def loop() -> Iterator[BlockingPortal]:
    """One event loop for all."""
    with portal() as started:
        yield started


class Watched:
    """A node and everything that can be seen of it from inside."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._lines: list[bytes] = []
        self._exporter = InMemorySpanExporter()
        self._spans = Spans(self._exporter)
        self._metrics = Metrics(world.store)
        self.observer = Observer()
        for render in ("json", "console"):
            logs = Logs(Lines("json" if render == "json" else "console", "debug", self._lines.append))
            self.observer.add(logs, logs.flush)
        self.observer.add(self._metrics)
        self.observer.add(self._spans)
        self.handler = Handler(self.observer)
        world.store.listen(self.observer)

    def log(self) -> bytes:
        """All lines up to now, in both forms."""
        self.observer.settle()
        return b"".join(self._lines)

    def seen(self) -> bytes:
        """All there is."""
        log = self.log()
        self._spans.close()
        spans = [span.to_json() for span in self._exporter.get_finished_spans()]
        assert spans
        return log + self._metrics.page() + "\n".join(spans).encode()


@contextmanager
def watched(folder: Path, loop: BlockingPortal) -> Iterator[Watched]:
    """A world whose every request is watched."""
    world = World(folder)
    watched = Watched(world)
    logging.getLogger().addHandler(watched.handler)
    try:
        with asked(world.store, loop) as client:
            world.client = client
            yield watched
    finally:
        logging.getLogger().removeHandler(watched.handler)
        world.close()


def flood(world: World) -> None:
    """Ask every route with a canary wherever one fits, as everybody and as nobody."""
    bad = {"User-Agent": WORD, "X-Forwarded-For": WORD, "Referer": f"http://{WORD}/", "Cookie": f"{WORD}={WORD}",
           "traceparent": WORD, "tracestate": f"{WORD}=1", "Idempotency-Key": WORD, "If-Match": WORD}  # fmt: skip
    secrets = [{"Authorization": f"Bearer {token}"} for token in (*world.tokens.values(), f"kzn_{WORD}")]
    for method, pattern in ROUTES:
        for place in (WORD, ID, f"{WORD}%2F%0A{WORD}"):
            path = re.sub(r"\{\w+\}", place, pattern)
            for who in (*secrets, {}):
                for body in (b"", f'{{"objects":[{{"{WORD}":"{WORD}"'.encode()):
                    world.client.ask(
                        method, f"{path}?{WORD}={WORD}&q={WORD}", headers={**bad, **who, "Accept": TAXII}, body=body
                    )
    for method in ("GET", WORD.upper(), "OPTIONS"):
        for path in (
            f"/{WORD}",
            f"/taxii2/{WORD}/{WORD}/",
            f"/taxii2/real/collections/{WORD}/{WORD}/",
            f"/static/{WORD}",
        ):
            world.client.ask(method, path, headers=bad)


def test_nothing_that_anybody_brings_is_told(tmp_path: Path, loop: BlockingPortal) -> None:
    with watched(tmp_path, loop) as watch:
        world = watch.world
        label = f"TLP:RED persons=owner,{WORD}"
        secret = campaign(f"secret {WORD}", description=WORD, aliases=[WORD]) | {"id": ID}
        assert world.bring("owner", secret, label=label).status == 200
        assert (
            world.post("Brussels", "inbox", made("campaign", "b", [], WORD, 1), {"type": WORD, "id": WORD}).status
            == 202
        )
        assert world.bring("owner", {**campaign(WORD), "confidence": WORD}).status == 200
        assert world.relabel("owner", ID, f"{label},x").status == 200
        for who in ("colleague", "Brussels", None):
            sweep(world, who, [ID, named("campaign", "b"), named("campaign", "none")])
        flood(world)
        assert world.delete("owner", ID).status in (200, 404)
        seen = watch.seen()
    sign = sings_in_words(seen)
    assert sign is None, seen[max(seen.find(sign or b"") - 300, 0) :][:600]
    for token in world.tokens.values():
        assert token.encode() not in seen
    assert not [name for name in NAMED if name in seen]
    assert _OBJECT.findall(seen) == []
    # It was all there to be told.
    for _, pattern in ROUTES:
        assert pattern.encode() in seen, pattern
    for act in (
        b"relabel",
        b"import",
        b"delete",
        b"login.failed",
        b'caller="partner"',
        b'caller="none"',
        b'method="other"',
    ):
        assert act in seen, act


def test_an_error_of_the_node_is_found_by_its_number_and_tells_no_content(
    tmp_path: Path, loop: BlockingPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"cannot read {WORD}")

    stated = "4bf92f3577b34da6a3ce929d0e0e4736"
    with watched(tmp_path, loop) as watch:
        world = watch.world
        monkeypatch.setattr(View, "stats", broken)
        monkeypatch.setattr(View, "read", broken)
        traced = {"traceparent": f"00-{stated}-00f067aa0ba902b7-01"}
        reply = world.ask("owner", "GET", "/api/v1/stats", headers=traced)
        assert (reply.status, reply.json()["trace_id"]) == (500, stated)
        assert re.fullmatch(rf"00-{stated}-[0-9a-f]{{16}}-01", reply.header("traceparent"))
        own = world.ask("owner", "GET", "/api/v1/stats")
        assert own.header("traceparent") == ""
        path = "/taxii2/real/collections/everything/objects/"
        taxii = world.ask("owner", "GET", path, headers={"Accept": TAXII})
        assert taxii.status == 500
        log = watch.log()
    assert WORD.encode() not in log
    for number in (stated, own.json()["trace_id"], taxii.json()["error_id"].replace("-", "")):
        lines = [line for line in log.splitlines() if number.encode() in line]
        # The request and its error, in both forms of the log.
        assert len(lines) == 4, (number, lines)
        assert any(b"RuntimeError" in line and b"test_observed.py:" in line for line in lines)


def test_the_console_shows_what_happened_to_people() -> None:
    line = console_line("2026-11-25T09:24:00.123456Z", "info", "request", {"route": "/api/v1/search", "status": 200})
    assert line.endswith(b"route=/api/v1/search status=200\n")
