"""The log: what each event becomes, and what of an error is told."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from kizuna.events import Act, Batch, Event, Fed, Job, Poll, Request, Said, Told, Waited
from kizuna.observe.lines import Lines
from kizuna.observe.logs import Handler, Logs
from kizuna.trace import Trace

TRACE = Trace()
ASKED = Request("GET", "/api/v1/search", 200, 0.0123456, 812, "person", "192.0.2.1", TRACE)


def lines_of(*told: Told, **options: bool) -> list[dict[str, Any]]:
    """What is written of events."""
    written: list[bytes] = []
    logs = Logs(Lines("json", "debug", written.append), **options)
    for one in told:
        logs(one)
    logs.flush()
    return [json.loads(line) for line in b"".join(written).splitlines()]


def line_of(event: Event, trace: Trace | None = None, **options: bool) -> dict[str, Any]:
    """The line of one event, without its moment."""
    (line,) = lines_of(Told(1_795_392_000_000_000, trace, event), **options)
    assert line.pop("at") == "2026-11-23T00:00:00.000000Z"
    return line


def test_a_request_is_told_by_its_pattern() -> None:
    assert line_of(ASKED, TRACE) == {
        "level": "info", "event": "request", "method": "GET", "route": "/api/v1/search", "status": 200, "ms": 12.346,
        "bytes": 812, "caller": "person", "trace_id": TRACE.id,
    }  # fmt: skip


def test_a_job_is_told_by_its_kind_and_how_it_ended() -> None:
    assert line_of(Job("export", "done", 2, 0.5)) == {
        "level": "info", "event": "job", "kind": "export", "state": "done", "attempt": 2, "ms": 500.0,
    }  # fmt: skip
    assert line_of(Job("poll", "failed", 1, 0.5, "peer-failed"))["error"] == "peer-failed"


def test_where_it_came_from_is_told_if_the_settings_say_so() -> None:
    assert "192.0.2.1" not in str(line_of(ASKED, TRACE))
    assert line_of(ASKED, TRACE, addresses=True)["remote"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (ASKED._replace(status=503), "error"), (ASKED._replace(status=404), "info"), (ASKED._replace(route="/healthz"), "debug"),
        (Waited(0.1), "debug"), (Waited(6.0), "warning"), (Poll("Kyiv", 1, 0, 0.1), "info"),
        (Poll("Kyiv", 1, 0, 0.1, news=False), "debug"), (Poll("Kyiv", 1, 3, 0.1, news=False), "info"),
        (Poll("Kyiv", 1, 0, 0.1, "peer-failed", "away"), "warning"),
        (Poll("Kyiv", 1, 0, 0.1, "peer-failed", "away", news=False), "debug"),
        (Job("import", "done", 1, 0.1), "info"), (Job("import", "failed", 5, 0.1, "internal"), "warning"),
    ],
)  # fmt: skip
def test_what_is_news_stands_out(event: Event, level: str) -> None:
    assert line_of(event)["level"] == level


def test_acts_and_transactions_are_told_in_numbers() -> None:
    assert line_of(Batch("partner", 3, 2, 1, 0.5)) == {
        "level": "info", "event": "stored", "source": "partner", "imported": 3, "unchanged": 2, "failed": 1, "ms": 500.0,
    }  # fmt: skip
    assert line_of(Fed(4, 1)) == {"level": "info", "event": "feeds", "opened": 4, "ended": 1}
    assert line_of(Act("relabel"), TRACE) == {"level": "info", "event": "act", "act": "relabel", "trace_id": TRACE.id}
    assert line_of(Said("info", "start", {"version": "1"})) == {"level": "info", "event": "start", "version": "1"}


@pytest.fixture
def said() -> tuple[logging.Logger, list[Said]]:
    """A logger of ours, and what its handler hands on."""
    heard: list[Any] = []
    logger = logging.Logger("kizuna.test")
    logger.addHandler(Handler(heard.append))
    return logger, heard


def test_an_error_is_told_by_kind_and_place_and_never_by_its_message(said: tuple[logging.Logger, list[Said]]) -> None:
    logger, heard = said
    try:
        try:
            raise KeyError("content of an object")
        except KeyError as error:
            raise ValueError("more content") from error
    except ValueError:
        logger.exception("a request failed", extra={"trace_id": TRACE.id})
    (line,) = (line_of(one) for one in heard)
    assert (line["level"], line["event"], line["error"], line["trace_id"]) == (
        "error",
        "a request failed",
        "ValueError",
        TRACE.id,
    )
    assert line["frames"][-1].startswith("test_logs.py:")
    assert "content" not in str(line)


def test_what_a_library_says_is_not_repeated() -> None:
    heard: list[Any] = []
    for name, text in (("asyncio", "a library reports"), ("uvicorn.error", "Exception in ASGI application")):
        logger = logging.Logger(name)
        logger.addHandler(Handler(heard.append))
        logger.error("Exception in ASGI application\ncontent")
        assert heard.pop() == Said("error", text, {"logger": name})
