"""Run the benchmarks beside their peers and print one table.

python -m benchmarks [PART...] [--objects N] [--write FILE]
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import air, graph, import_, million, patterns, release, scan, start, taxii, validate, window
from benchmarks.data import ROOT, Corpus, corpora
from benchmarks.table import HEADER, Row, show
from kizuna import __version__

Rows = Callable[[Sequence[Corpus]], Iterator[Row]]
PARTS: dict[str, Rows] = {
    "validate": validate.rows,
    "patterns": patterns.rows,
    "import": import_.rows,
    "taxii": taxii.rows,
    "start": start.rows,
    "million": million.rows,
    "release": release.rows,
    "scan": scan.rows,
    "air": air.rows,
    "window": window.rows,
    "graph": graph.rows,
}


def machine() -> str:
    """What the figures were measured on: nothing that names the machine."""
    found = re.search(r"^model name\s*: (.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    model = found[1] if found else platform.machine()
    memory = re.search(r"^MemTotal: +(\d+) kB$", _text("/proc/meminfo"), re.MULTILINE)
    size = f", {int(memory[1]) / 2**20:.0f} GiB" if memory else ""
    load = f"{os.getloadavg()[0]:.1f}"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, Kizuna {__version__}, {os.cpu_count()} cores of {model}{size}, "
        f"{platform.system()}, {platform.python_implementation()} {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}; load before the run {load}."
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def page(about: str, rows: Sequence[Row]) -> str:
    """The page of the reference."""
    return "\n".join((
        "# Benchmarks", "",
        "Measured by `make bench`, side by side with the peers in one run, by the wall clock, over loopback; the best of some runs",
        "or, for latencies, the median. Each peer is installed with pinned versions and runs as the real thing; where it is too slow",
        "for the whole corpus it gets a part, which the note says. “Times better” is Kizuna's figure beside that of the peer.", "",
        about, "", HEADER, *(row.line() for row in rows), "",
    ))  # fmt: skip


def main() -> None:
    """Print the table, and write the page of the reference when asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which: {', '.join(PARTS)}; all by default")
    parser.add_argument(
        "--objects", type=int, metavar="N", help="so many objects of each corpus, to try the programs out"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of the reference too")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    # As set-up leaves it: since then code was changed, and where Python keeps no byte code each process would compile it again.
    compileall.compile_dir(ROOT / "src", quiet=1)
    about, used = machine(), corpora(given.objects)
    print(about + "\n")
    chosen = (part for name, part in PARTS.items() if name in (given.parts or PARTS))
    rows = list(show((row for part in chosen for row in part(used)), lambda line: print(line, flush=True)))
    if given.write:
        given.write.write_text(page(about, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
