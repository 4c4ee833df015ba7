"""The demo's three processes: made ready a few at a time, watched, and stopped together whatever happens."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kizuna.errors import KizunaError

NODES = ("Tokyo", "Brussels", "Kyiv")
NOTES = "demo.json"
STORES = "KIZUNA_DEMO_STORES"
STEP = 100  # from one node's port to the next
STOP_SECONDS = 10.0
POLL_SECONDS = 3
# How long a signal may go unnoticed: Python restarts the wait after its handler (PEP 475).
TURN_SECONDS = 0.1


class Child:
    """One node's process. It ends when its standard input closes, so it never outlives this one."""

    def __init__(self, name: str, folder: Path, port: int) -> None:
        self.name = name
        self.folder = folder
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self._output = -1
        self._pending = b""

    def start(self) -> int:
        """Start it in a session of its own: Ctrl-C reaches it through this process alone. Gives its output's number."""
        self.process = _python("kizuna.cli.scene", "serve", str(self.folder), self.name, str(self.port))
        self._output = self.process.stdout.fileno() if self.process.stdout else -1
        return self._output

    def read(self) -> list[bytes]:
        """The whole lines it has printed since. Raises KizunaError when it has ended."""
        block = os.read(self._output, 65536)
        if not block and self.process is not None:
            code = self.process.wait()
            raise KizunaError(f"{self.name} ended by itself (exit {code}); the reason is above")
        *lines, self._pending = (self._pending + block).split(b"\n")
        return lines


class Children:
    """The three nodes of a demo folder."""

    def __init__(self, folder: Path, port: int, stores: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._stores = json.dumps(dict(stores or {}))
        self._children = [Child(name, folder, port + STEP * i) for i, name in enumerate(NODES)]
        self._port = port
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._selector.close()

    def ready(self, ends: float | None, stopped: list[int]) -> Iterator[dict[str, Any]]:
        """Found the nodes, start them, and give what each says of itself once it serves. Raises KizunaError."""
        self._found(stopped)
        if stopped:
            return
        secrets = notes(self._folder)["nodes"]
        # As many at once as there are processors: the first address comes sooner than if all three competed.
        waiting = list(self._children)
        for _ in range(os.cpu_count() or 1):
            self._start_one(waiting)
        missing = len(self._children)
        for child, line in self._lines(ends, stopped):
            self._start_one(waiting)
            yield {"node": child.name, **json.loads(line), **secrets[child.name]}
            missing -= 1
            if not missing:
                return

    def watch(self, ends: float | None, stopped: list[int]) -> None:
        """Return when time is over or a signal came. Raises KizunaError when a node ended by itself."""
        for _ in self._lines(ends, stopped):
            pass

    def _found(self, stopped: list[int]) -> None:
        with _python("kizuna.cli.scene", "found", str(self._folder), str(self._port), stores=self._stores) as process:
            while process.poll() is None:
                if stopped:
                    process.terminate()
                time.sleep(0.01)
        if process.returncode and not stopped:
            raise KizunaError("the nodes could not be made; the reason is above")

    def _start_one(self, waiting: list[Child]) -> None:
        if waiting:
            child = waiting.pop(0)
            self._selector.register(child.start(), selectors.EVENT_READ, child)

    def _lines(self, ends: float | None, stopped: list[int]) -> Iterator[tuple[Child, bytes]]:
        """What the children print, line by line, until time is over or a signal came."""
        while not stopped and (ends is None or time.monotonic() < ends):
            for key, _ in self._selector.select(TURN_SECONDS):
                child: Child = key.data
                yield from ((child, line) for line in child.read())


def notes(folder: Path) -> dict[str, Any]:
    """What the founding wrote down for this process: the nodes' secrets, and which label to loosen."""
    found: dict[str, Any] = json.loads((folder / NOTES).read_text(encoding="utf-8"))
    return found


def _python(module: str, *arguments: str, stores: str = "") -> subprocess.Popen[bytes]:
    # Addresses may hold passwords: anybody on the machine can read arguments, but not the environment.
    # What three nodes log would hide what the demo says; who wants it says so.
    environment = {"KIZUNA_LOG": "off", **os.environ} | ({STORES: stores} if stores else {})
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", module, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
