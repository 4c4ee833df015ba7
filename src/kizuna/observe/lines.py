"""Lines of a log: rendered where something happens, written to standard error by a thread of their own.

A request costs some microseconds, and a terminal or pipe that nobody reads holds up nothing but the log.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal, TextIO

import msgspec

from kizuna.clock import now_us, to_text

Form = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]
LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
Field = str | int | float | bool | list[str] | None

# Beyond this many unwritten lines new ones are counted and not kept.
WAITING = 10_000
# What comes within this is written at once.
PAUSE_SECONDS = 0.1
END_SECONDS = 2.0
_encode = msgspec.json.Encoder().encode
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31;1"}


def form_for(setting: str, stream: TextIO) -> Form:
    """Lines for people on a terminal, JSON elsewhere, unless the setting says."""
    if setting in ("json", "console"):
        return "json" if setting == "json" else "console"
    return "console" if stream.isatty() else "json"


class Lines:
    """Takes facts and writes each as a line, in order. What is below `level` is passed over."""

    def __init__(self, form: Form, level: str, write: Callable[[bytes], object] | None = None) -> None:
        self.level = LEVELS[level]
        self._render = json_line if form == "json" else console_line
        self._write = write or _write
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._some = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def add(self, level: Level, event: str, facts: Mapping[str, Field]) -> None:
        """Keep a line to be written soon."""
        if LEVELS[level] < self.level:
            return
        if len(self._waiting) >= WAITING:
            self._dropped += 1
            return
        self._waiting.append(self._render(to_text(now_us()), level, event, facts))
        if not self._some.is_set():
            self._some.set()

    def close(self) -> None:
        """Write what is left, if it can be written."""
        self._ended = True
        self._some.set()
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not (self._ended and not self._waiting):
            self._some.wait()
            if not self._ended:
                time.sleep(PAUSE_SECONDS)
            self._some.clear()
            self._drain()

    def _drain(self) -> None:
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        dropped, self._dropped = self._dropped, 0
        if dropped:
            lines.append(self._render(to_text(now_us()), "warning", "lines dropped", {"count": dropped}))
        if lines:
            self._write(b"".join(lines))


def _write(data: bytes) -> None:
    # To the descriptor itself: what is printed meanwhile goes on in lines of its own.
    try:
        while data:
            data = data[os.write(sys.stderr.fileno(), data) :]
    except (AttributeError, OSError, ValueError):  # nobody reads it any more, or there never was anything to write to
        return


def json_line(at: str, level: Level, event: str, facts: Mapping[str, Field]) -> bytes:
    """One line of JSON."""
    return _encode({"at": at, "level": level, "event": event, **facts}) + b"\n"


def console_line(at: str, level: Level, event: str, facts: Mapping[str, Field]) -> bytes:
    """One line for people: time, level, event, then facts."""
    told = " ".join(f"{name}={_shown(value)}" for name, value in facts.items() if value is not None)
    mark = f"\x1b[{_COLOURS[level]}m{level:<7}\x1b[0m" if not os.environ.get("NO_COLOR") else f"{level:<7}"
    return f"{at[11:23]} {mark} {event:<10} {told}\n".encode("utf-8", "replace")


def _shown(value: Field) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    text = str(value)
    # As JSON where it would not be one word: whatever is in it, it stays on its line and moves no cursor.
    return text if text.isalnum() or (text.isprintable() and " " not in text) else _encode(text).decode()
