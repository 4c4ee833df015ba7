"""Putting listeners together: what is asked for, and what is missing."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest

from kizuna.errors import InvalidInput, NodeBusy
from kizuna.events import nobody
from kizuna.node import open_socket
from kizuna.observe import observed
from kizuna.observe.setup import spans_wanted
from kizuna.settings import Settings
from kizuna.store import Store

MakeStore = Callable[..., Store]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def without_otel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where the extra is not installed."""
    monkeypatch.delitem(sys.modules, "kizuna.observe.traces", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)


def lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines()]


def test_it_starts_and_stops_with_a_line(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    before = list(logging.getLogger().handlers)
    with observed(store, open_socket) as observer:
        assert store.tell is observer
        assert observer.metrics_url is None
        store.audit("x", "export")
        logging.getLogger("kizuna.x").error("trouble")
        logging.getLogger("kizuna.x").info("chatter")
    assert logging.getLogger().handlers == before
    assert [line["event"] for line in lines(capfd.readouterr().err)] == ["start", "act", "trouble", "stop"]


def test_switched_off_nobody_is_told_but_of_errors(make_store: MakeStore, capfd: pytest.CaptureFixture[str]) -> None:
    store = make_store(log="off")
    with observed(store, open_socket) as observer:
        assert observer.quiet
        assert store.tell is nobody
        logging.getLogger("kizuna.x").error("trouble")
    assert [line["event"] for line in lines(capfd.readouterr().err)] == ["trouble"]


def test_a_taken_port_of_the_metrics_is_an_error(make_store: MakeStore) -> None:
    with open_socket("127.0.0.1", 0) as taken:
        store = make_store(admin_port=taken.getsockname()[1])
        with pytest.raises(NodeBusy, match="in use"), observed(store, open_socket):
            pass


@pytest.mark.parametrize(
    ("setting", "environment", "wanted"),
    [
        (False, {}, False), (True, {}, True), (False, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
        (True, {"OTEL_SDK_DISABLED": "true"}, False), (True, {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)  # fmt: skip
def test_spans_are_made_when_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch, setting: bool, environment: dict[str, str], wanted: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told = Settings(name="T", organisation="A", country="JPN", identity="x", traces=setting)
    assert spans_wanted(told) is wanted


@pytest.mark.usefixtures("without_otel")
def test_without_the_libraries_the_setting_is_an_error_and_the_environment_a_remark(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidInput, match="pip install"), observed(make_store(traces=True), open_socket):
        pass
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with observed(make_store(), open_socket):
        pass
    assert "kizuna[otel] is not installed" in capfd.readouterr().err
