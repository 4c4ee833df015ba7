"""Decoding and full validation, beside stix2.parse and stix2-validator in one run, as ratios.

In-process rates are of one core, first sight of the data: the peers parse the same bytes, Kizuna also finds repeated
keys, numbers no double holds, and reports every problem with its place. stix2-validator gets every Nth object only,
for it needs a minute for all; it is left out when it is not installed (requirements/bench.txt).

    python -m benchmarks.validate
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.data import attack_enterprise, corpus_file, kizuna

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
objects = __import__("json").loads(sys.argv[1])
options = stix2validator.ValidationOptions(version="2.1", silent=True)
began = time.perf_counter()
for one in objects:
    stix2validator.validate_instance(one, options)
print(len(objects), time.perf_counter() - began)
"""


def rate(program: str, argument: str, runs: int) -> float:
    """Objects a second inside a fresh process, the best of some."""
    best = 0.0
    for _ in range(runs):
        done = subprocess.run([sys.executable, "-c", program, argument], check=True, capture_output=True, text=True)
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


def sampled(file: Path) -> str:
    """Some objects of a bundle, evenly, as JSON."""
    objects = json.loads(file.read_bytes())["objects"]
    return json.dumps(objects[:: max(1, len(objects) // SAMPLE)][:SAMPLE])


def main() -> None:
    """Print the table."""
    print("| decode + full validation | file | Kizuna | peer | ratio | wanted |")
    print("|---|---|---|---|---|---|")
    for name, file in (("ATT&CK Enterprise 18.1", attack_enterprise()), ("seeded corpus", corpus_file())):
        ours, theirs = rate(_KIZUNA, str(file), RUNS), rate(_STIX2, str(file), 1)
        print(f"| one core, stix2.parse | {name} | {ours:,.0f}/s | {theirs:,.0f}/s | {ours / theirs:.1f} | 60,000/s |")
        if importlib.util.find_spec("stix2validator"):
            checked = rate(_VALIDATOR, sampled(file), 1)
            print(f"| one core, stix2-validator | {name} | {ours:,.0f}/s | {checked:,.0f}/s | {ours / checked:.0f} | |")
        whole = wall([kizuna(), "validate", str(file), "--json"], RUNS)
        peer = wall([sys.executable, "-c", _STIX2, str(file)], 2)
        print(
            f"| whole process, stix2.parse | {name} | {whole:.2f} s | {peer:.2f} s | {peer / whole:.1f} | 8, aim 10 |"
        )


if __name__ == "__main__":
    main()
