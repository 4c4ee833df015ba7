"""Lines: one fact, one line, whatever is in it."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.events import Fact
from kizuna.observe.lines import Lines, console_line, form_for, json_line

AT = "2026-11-25T09:24:00.123456Z"
facts = st.dictionaries(
    st.sampled_from(["a", "b"]), st.none() | st.booleans() | st.integers(-9, 9) | st.text() | st.lists(st.text())
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("setting", "terminal", "form"),
    [
        ("auto", True, "console"), ("auto", False, "json"), ("json", True, "json"), ("console", False, "console"),
        ("off", False, "json"),
    ],
)  # fmt: skip
def test_the_form_follows_the_terminal_unless_it_is_set(setting: str, terminal: bool, form: str) -> None:
    assert form_for(setting, Terminal() if terminal else io.StringIO()) == form


@given(st.text(), facts)
def test_a_fact_is_one_line(event: str, given: dict[str, Fact]) -> None:
    line = json_line(AT, "info", event, given)
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"at": AT, "level": "info", "event": event, **given}
    shown = console_line(AT, "info", event, given).decode()
    assert shown.endswith("\n")
    # The colour of the level is ours; nothing else moves a cursor or begins a line.
    rest = shown[:-1].replace("\x1b[32m", "", 1).replace("\x1b[0m", "", 1)
    assert rest.isprintable()


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert console_line(AT, "error", "poll", {"partner": "Kyiv", "reason": "not there", "ms": None}) == (
        b'09:24:00.123 error   poll       partner=Kyiv reason="not there"\n'
    )


def test_what_is_below_the_level_is_passed_over_and_the_rest_comes_at_once() -> None:
    written: list[bytes] = []
    lines = Lines("json", "warning", written.append)
    for level in ("debug", "info", "warning", "error"):
        lines.add(0, level, level, {})
    assert written == []
    lines.flush()
    lines.flush()
    assert [json.loads(line)["event"] for line in b"".join(written).splitlines()] == ["warning", "error"]
    assert len(written) == 1
