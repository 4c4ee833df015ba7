"""Lines of a log: one for each fact, for people on a terminal and JSON elsewhere, written to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Literal, TextIO

import msgspec

from kizuna.clock import to_text
from kizuna.events import Fact, Level

Form = Literal["json", "console"]
LEVELS: dict[Level, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_COLOURS: dict[Level, str] = {"debug": "2", "info": "32", "warning": "33", "error": "31;1"}
_encode = msgspec.json.Encoder().encode


def form_for(setting: str, stream: TextIO) -> Form:
    """Lines for people on a terminal, JSON elsewhere, unless the setting says."""
    if setting in ("json", "console"):
        return "json" if setting == "json" else "console"
    return "console" if stream.isatty() else "json"


class Lines:
    """Takes facts and writes each as a line, in order. What is below `level` is passed over."""

    def __init__(self, form: Form, level: Level, write: Callable[[bytes], object] | None = None) -> None:
        self._level = LEVELS[level]
        self._render = json_line if form == "json" else console_line
        self._write = write or _write
        self._kept: list[bytes] = []

    def add(self, at: int, level: Level, event: str, facts: Mapping[str, Fact]) -> None:
        """Keep a line until the next `flush`."""
        if LEVELS[level] >= self._level:
            self._kept.append(self._render(to_text(at), level, event, facts))

    def flush(self) -> None:
        """Write what is kept."""
        if self._kept:
            data = b"".join(self._kept)
            self._kept.clear()
            self._write(data)


def _write(data: bytes) -> None:
    # To the descriptor itself: what is printed meanwhile goes on in lines of its own.
    try:
        while data:
            data = data[os.write(sys.stderr.fileno(), data) :]
    except (AttributeError, OSError, ValueError):  # nobody reads it any more, or there never was anything to write to
        return


def json_line(at: str, level: Level, event: str, facts: Mapping[str, Fact]) -> bytes:
    """One line of JSON."""
    return _encode({"at": at, "level": level, "event": event, **facts}) + b"\n"


def console_line(at: str, level: Level, event: str, facts: Mapping[str, Fact]) -> bytes:
    """One line for people: time, level, event, then facts."""
    told = " ".join(f"{name}={_shown(value)}" for name, value in facts.items() if value is not None)
    mark = f"{level:<7}" if os.environ.get("NO_COLOR") else f"\x1b[{_COLOURS[level]}m{level:<7}\x1b[0m"
    return f"{at[11:23]} {mark} {_shown(event, spaced=True):<10} {told}\n".encode("utf-8", "replace")


def _shown(value: Fact, *, spaced: bool = False) -> str:
    """Quoted and escaped where it would not be one word: whatever is in it, it stays on its line and moves no cursor."""
    text = ",".join(value) if isinstance(value, list) else str(value)
    if text.isprintable() and (spaced or " " not in text):
        return text
    return '"' + "".join(c if c.isprintable() and c != '"' else c.encode("unicode_escape").decode() for c in text) + '"'
