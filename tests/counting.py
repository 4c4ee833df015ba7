"""Work measured by what is done, not by a clock: the same on every machine and under any load."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs in this thread; what was traced before is traced again after."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def database_steps(connection: object, call: Callable[[], object]) -> int:
    """How many hundreds of instructions SQLite's machine runs on a connection during a call."""
    assert isinstance(connection, sqlite3.Connection)
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 100)
    try:
        call()
    finally:
        connection.set_progress_handler(None, 0)
    return count
