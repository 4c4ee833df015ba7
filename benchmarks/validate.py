"""Decoding and full validation, beside stix2.parse and stix2-validator in one run, as ratios.

In-process rates are of one core, first sight of the data: the peers parse the same bytes, Kizuna also finds repeated
keys, numbers no double holds, and reports every problem with its place. stix2-validator gets every Nth object only,
for it needs minutes for all.

    python -m benchmarks validate
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from benchmarks.data import Corpus, kizuna
from benchmarks.peers import Unavailable, environment
from benchmarks.table import Row

RUNS = 5
SAMPLE = 400

_KIZUNA = """
import sys, time
from kizuna.stix.validation import reports
text = open(sys.argv[1], "rb").read()
began = time.perf_counter()
count = sum(1 for report in reports(text))
print(count, time.perf_counter() - began)
"""
_STIX2 = """
import sys, time, stix2
text = open(sys.argv[1]).read()
began = time.perf_counter()
bundle = stix2.parse(text, allow_custom=True, version="2.1")
print(len(bundle.objects), time.perf_counter() - began)
"""
_VALIDATOR = """
import sys, time, stix2validator
objects = __import__("json").load(open(sys.argv[1]))
options = stix2validator.ValidationOptions(version="2.1", silent=True)
began = time.perf_counter()
for one in objects:
    stix2validator.validate_instance(one, options)
print(len(objects), time.perf_counter() - began)
"""


def rate(program: str, argument: str, runs: int, python: str = sys.executable) -> float:
    """Objects a second inside a fresh process, the best of some."""
    best = 0.0
    for _ in range(runs):
        done = subprocess.run([python, "-c", program, argument], check=True, capture_output=True, text=True)
        count, seconds = done.stdout.split()
        best = max(best, float(count) / float(seconds))
    return best


def wall(command: list[str], runs: int) -> float:
    """Seconds of a whole process, the best of some."""
    best = float("inf")
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - began)
    return best


def by_validator(corpus: Corpus) -> tuple[float | None, str]:
    """Objects a second of stix2-validator on some objects, taken evenly, and a note."""
    objects = corpus.objects()
    some = objects[:: max(1, len(objects) // SAMPLE)][:SAMPLE]
    try:
        python = str(environment("stix2-validator") / "python")
    except Unavailable as error:
        return None, str(error)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(some, file)
        file.flush()
        return rate(_VALIDATOR, file.name, 1, python), f"the peer {len(some):,} objects, taken evenly"


def rows(corpora: Sequence[Corpus]) -> Iterator[Row]:
    """One core beside both peers, and whole processes, for each corpus."""
    for corpus in corpora:
        name, file = corpus.name, str(corpus.file)
        ours, theirs = rate(_KIZUNA, file, RUNS), rate(_STIX2, file, 2)
        row = Row("decode + full validation, one core", name, ours, "obj/s", 60_000, "stix2.parse", theirs)
        yield row
        checked, note = by_validator(corpus)
        yield row._replace(peer="stix2-validator", theirs=checked, note=note)
        whole = wall([kizuna(), "validate", file, "--json"], RUNS)
        peer = wall([sys.executable, "-c", _STIX2, file], 2)
        work = "`kizuna validate FILE --json`, whole process"
        yield Row(work, name, whole, "s", None, "stix2.parse", peer, "aim 10", wanted_ratio=8)
