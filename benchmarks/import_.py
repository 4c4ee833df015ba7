"""Import into SQLite: durable, validated, with edges, values, labels and the search index; as a whole process.

No peer imports STIX into an indexed store from a file; the TAXII servers' rate of storing (benchmarks/taxii.py) stands beside it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.data import attack_enterprise, corpus_file, kizuna


def measure(file: Path, runs: int = 3) -> tuple[float, dict[str, float]]:
    """Objects a second by the wall clock of the whole process, best of some runs, and that run's last line."""
    best: tuple[float, dict[str, float]] = (0.0, {})
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            base = [kizuna(), "init", "--data", folder, "--name", "B", "--org", "Bench", "--country", "JPN"]
            subprocess.run(base, check=True, stdout=subprocess.DEVNULL)
            began = time.perf_counter()
            done = subprocess.run(
                [kizuna(), "import", str(file), "--data", folder, "--json"], check=False, capture_output=True, text=True
            )
            seconds = time.perf_counter() - began
            last = json.loads(done.stdout.splitlines()[-1])
            rate = last["imported"] / seconds
            if rate > best[0]:
                best = (rate, last)
    return best


def main() -> None:
    """Print the table."""
    print("| import into SQLite (whole process, wall clock) | objects | obj/s | target |")
    print("|---|---|---|---|")
    for name, file in (("ATT&CK Enterprise 18.1", attack_enterprise()), ("seeded corpus", corpus_file())):
        rate, last = measure(file)
        print(f"| {name} | {last['imported']:,.0f} | {rate:,.0f} | 18,000 |")


if __name__ == "__main__":
    main()
