"""Where benchmarks find their data and programs: KIZUNA_BENCH_DATA, by default ../shared/data beside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench"


def data_folder() -> Path:
    """The folder of real data; ends the program with a sentence when it is not there."""
    folder = Path(os.environ.get("KIZUNA_BENCH_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        sys.exit(f"benchmarks: no data in {folder}; set KIZUNA_BENCH_DATA")
    return folder


def unpacked(name: str) -> Path:
    """A Zstandard file of the data folder, unpacked once into the cache."""
    CACHE.mkdir(exist_ok=True)
    target = CACHE / Path(name).stem
    if not target.exists():
        with target.open("wb") as out:
            subprocess.run(["zstd", "-dqc", str(data_folder() / name)], check=True, stdout=out)
    return target


def attack_enterprise() -> Path:
    """ATT&CK Enterprise 18.1: 24,771 objects."""
    return unpacked("stix/attack-enterprise-18.1.json.zst")


def corpus_file(objects: int = 100_000) -> Path:
    """The seeded corpus as a bundle file."""
    from benchmarks.corpus import write

    CACHE.mkdir(exist_ok=True)
    target = CACHE / f"corpus-{objects}.json"
    if not target.exists():
        write(target, objects)
    return target


def kizuna() -> str:
    """The command under test."""
    return str(ROOT / ".venv" / "bin" / "kizuna")
