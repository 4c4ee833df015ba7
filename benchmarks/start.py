"""How soon a person gets an answer: `kizuna --help`, and the demo to its first printed line; and what three nodes weigh.

Memory is of the three serving processes, ten seconds after the last printed line; the note tells the most seen in that time with their
parent and the processes that fetch a partner's whole feed the first time. RSS counts a page once for each process that shares it, PSS once.

    python -m benchmarks start
"""

from __future__ import annotations

import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import Corpus, kizuna
from benchmarks.table import Row

HELPS = 10
NODES = 3
STEP = 100
WATCHED_SECONDS = 10.0
_LINE = re.compile(r"^(Rss|Pss): +(\d+) kB$", re.MULTILINE)


class Memory(NamedTuple):
    """Megabytes (10⁶ bytes)."""

    rss: float
    pss: float


class Started(NamedTuple):
    """Seconds to the first line and to the last; megabytes of the nodes in the end, and of all processes at most."""

    first: float
    last: float
    nodes: Memory
    most: Memory


def help_seconds() -> list[float]:
    """Wall clock of `kizuna --help`, several times."""
    found = []
    for _ in range(HELPS):
        began = time.perf_counter()
        subprocess.run([kizuna(), "--help"], check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - began)
    return found


def free_ports() -> int:
    """A port whose neighbours at +100 and +200 are free too."""
    for _ in range(1000):
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            port: int = probe.getsockname()[1]
        if port + STEP * (NODES - 1) < 65536 and all(_is_free(port + STEP * i) for i in range(NODES)):
            return port
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def children(pid: int) -> list[int]:
    """The processes a process has started."""
    found: list[int] = []
    with suppress(OSError):
        for tasks in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (tasks / "children").read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """A process and all that came of it."""
    found = [pid]
    for one in found:
        found += children(one)
    return found


def memory(processes: Iterable[int]) -> Memory:
    """What some processes take together."""
    sums = {"Rss": 0, "Pss": 0}
    for one in processes:
        with suppress(OSError):  # it may just have ended
            for name, kilobytes in _LINE.findall(Path(f"/proc/{one}/smaps_rollup").read_text()):
                sums[name] += int(kilobytes)
    return Memory(sums["Rss"] * 1024 / 1e6, sums["Pss"] * 1024 / 1e6)


def demo(folder: Path) -> Started:
    """Start the demo on a folder, watch it a while, and end it by SIGTERM."""
    command = [kizuna(), "demo", "--json", "--no-browser", "--data", str(folder), "--port", str(free_ports())]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        moments = []
        for _ in range(NODES):
            assert process.stdout.readline(), "the demo ended before its nodes were ready"
            moments.append(time.perf_counter() - began)
        most = _most(process.pid)
        return Started(moments[0], moments[-1], memory(children(process.pid)), most)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _most(pid: int) -> Memory:
    most = Memory(0.0, 0.0)
    ends = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < ends:
        now = memory(family(pid))
        most = Memory(max(most.rss, now.rss), max(most.pss, now.pss))
        time.sleep(0.5)
    return most


def rows(corpora: Sequence[Corpus]) -> Iterator[Row]:
    """Every line of starting; it needs no corpus."""
    del corpora
    helps = help_seconds()
    yield Row("`kizuna --help`, median of 10", "", statistics.median(helps), "s", 0.3, note=f"best {min(helps):.2f} s")
    with tempfile.TemporaryDirectory() as name:
        for which, target in (("very first start", 10.0), ("warm", 5.0)):
            started = demo(Path(name) / "demo")
            note = f"third node after {started.last:.1f} s"
            yield Row(f"`kizuna demo` to the first address, {which}", "demo", started.first, "s", target, note=note)
            most = f"at most {started.most.rss:.0f} RSS, {started.most.pss:.0f} PSS with parent and first fetches"
            yield Row(f"three nodes, {which}, RSS", "demo", started.nodes.rss, "MB", 300, note=most)
            yield Row(
                f"three nodes, {which}, PSS", "demo", started.nodes.pss, "MB", 300, note="shared pages counted once"
            )
