"""Served nodes that are killed and started again on the same ports, what is known of their trouble, and what they take of the machine."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.commands import free_port
from tests.faults.conftest import Faulty

PATIENCE = 120.0
"""Seconds within which a node is well again after whatever was done to it."""
ENOUGH = 15
"""Samples of a quarter of a life, fewer tell nothing."""


class Sample(NamedTuple):
    """What a process held at a moment (seconds): bytes of memory, open files, threads."""

    at: float
    memory: int
    files: int
    threads: int


class Server:
    """One `kizuna up` on a port of its own, through several lives."""

    def __init__(self, folder: Path, log: Path, poll_seconds: float) -> None:
        self.port = free_port(neighbours=0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._arguments = ["up", "--data", str(folder), "--port", str(self.port), "--poll-seconds", str(poll_seconds)]
        self.announced: dict[str, str] = {}
        self.samples: list[Sample] = []
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        environment = {"KIZUNA_LOG": "json", "KIZUNA_LOG_LEVEL": "warning", "KIZUNA_ADMIN_PORT": "0"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kizuna", *self._arguments, "--json"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **environment},
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-3_000:]
        self.announced = json.loads(line)
        self.samples = []

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def process_ended(self) -> None:
        """See to it that no process is left, whatever happened."""
        if self.process.poll() is None:
            self.kill()

    def sample(self) -> None:
        """Note what it holds now."""
        place = Path(f"/proc/{self.process.pid}")
        try:
            pages = int((place / "statm").read_text().split()[1])
            files, threads = len(list((place / "fd").iterdir())), len(list((place / "task").iterdir()))
        except OSError:
            return
        if pages:
            self.samples.append(Sample(time.monotonic(), pages * resource.getpagesize(), files, threads))


class Node:
    """A node served by some processes, and what is being done to it."""

    def __init__(self, name: str, faulty: Faulty, servers: list[Server]) -> None:
        self.name = name
        self.folder = faulty.folder
        self.tokens = {"owner": faulty.owner, "Brussels": faulty.brussels}
        self.servers = servers
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._troubles = 0
        self._well_since = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """While it lasts, and until every process is ready again, requests may go unanswered or be told to come later."""
        with self._lock:
            self._troubles += 1
        try:
            yield
            self.wait_until_well()
        finally:
            with self._lock:
                self._troubles -= 1
                self._well_since = time.monotonic()

    def excused(self, began: float) -> bool:
        """Whether something was being done to it since a request began."""
        with self._lock:
            return self._troubles > 0 or self._well_since >= began

    def wait_until_well(self) -> None:
        """Wait until every process answers that it is ready."""
        deadline = time.monotonic() + PATIENCE
        for server in self.servers:
            while not _is_ready(server):
                assert server.process.poll() is None, f"{self.name} ended: {server.log.read_text()[-3_000:]}"
                assert time.monotonic() < deadline, f"{self.name} is not well again: {server.log.read_text()[-3_000:]}"
                time.sleep(0.1)

    def note(self, answer: str, *, wrong: str = "") -> None:
        """Count an answer, and keep what is wrong with it."""
        with self._lock:
            self.answers[answer] += 1
            if wrong:
                self.wrong.append(wrong)


def _is_ready(server: Server) -> bool:
    try:
        return httpx.get(f"{server.url}/readyz", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def steady(samples: list[Sample], memory: int) -> dict[str, Any]:
    """The medians of the second and the last quarter of one life, and whether that is flat: 10 % and so many bytes more at most."""
    quarter = len(samples) // 4
    found: dict[str, Any] = {"samples": len(samples), "flat": True}
    if quarter < ENOUGH:
        return found
    for what, more in (("memory", memory), ("files", 12), ("threads", 8)):
        before, after = (
            statistics.median(getattr(one, what) for one in part)
            for part in (samples[quarter : 2 * quarter], samples[-quarter:])
        )
        found[what] = [before, after]
        found["flat"] = found["flat"] and after <= before * 1.1 + more
    return found
