"""Where benchmarks find their data and programs: KIZUNA_BENCH_DATA, by default ../shared/data beside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".bench"
SEEDED = 100_000


class Corpus(NamedTuple):
    """What is measured with: a name for the table and a bundle file."""

    name: str
    file: Path

    def objects(self) -> list[dict[str, Any]]:
        """Every object, decoded."""
        found: list[dict[str, Any]] = json.loads(self.file.read_bytes())["objects"]
        return found


def corpora(objects: int | None = None) -> tuple[Corpus, Corpus]:
    """ATT&CK Enterprise and the seeded corpus, whole or, to try the programs out, so many objects of each."""
    seeded = min(objects or SEEDED, SEEDED)
    return (
        Corpus("ATT&CK Enterprise" + (f", {objects:,} of it" if objects else ""), attack_enterprise(objects)),
        Corpus(f"seeded {seeded:,}", corpus_file(seeded)),
    )


def data_folder() -> Path:
    """The folder of real data; ends the program with a sentence when it is not there."""
    folder = Path(os.environ.get("KIZUNA_BENCH_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        sys.exit(f"benchmarks: no data in {folder}; set KIZUNA_BENCH_DATA")
    return folder


def once(name: str, make: Callable[[Path], object]) -> Path:
    """A file of the cache, made when it is missing; one that was cut short by an interrupt never takes its name."""
    CACHE.mkdir(exist_ok=True)
    target, partial = CACHE / name, CACHE / f"{name}.{os.getpid()}.part"
    if not target.exists():
        try:
            make(partial)
            partial.replace(target)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()
    return target


def unpacked(name: str) -> Path:
    """A Zstandard file of the data folder, unpacked once into the cache."""
    source = data_folder() / name

    def unpack(target: Path) -> None:
        subprocess.run(["zstd", "-dqf", str(source), "-o", str(target)], check=True)

    return once(Path(name).stem, unpack)


def attack_enterprise(objects: int | None = None) -> Path:
    """ATT&CK Enterprise 18.1, 24,771 objects, or so many of them."""
    whole = unpacked("stix/attack-enterprise-18.1.json.zst")
    if objects is None:
        return whole

    def cut(target: Path) -> None:
        bundle = json.loads(whole.read_bytes())
        target.write_text(json.dumps(bundle | {"objects": closed(bundle["objects"], objects or 0)}, ensure_ascii=False))

    return once(f"attack-enterprise-18.1-{objects}.json", cut)


def closed(objects: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Some objects that name nothing outside themselves: a partner's feed holds no object that does."""
    # Identities and marking definitions name one another, and everything else names them.
    found = [one for one in objects if one["type"] in ("identity", "marking-definition")]
    known = {one["id"] for one in found}
    rest, before = [one for one in objects if one["id"] not in known], -1
    while len(found) < count and before < len(found):
        before, left = len(found), []
        for one in rest:
            if len(found) < count and known.issuperset(_references(one)):
                found.append(one)
                known.add(one["id"])
            else:
                left.append(one)
        rest = left
    return found


def _references(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _references(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part, key)
    elif key.endswith(("_ref", "_refs")):
        yield str(value)


def corpus_file(objects: int = SEEDED) -> Path:
    """The seeded corpus as a bundle file."""
    from benchmarks.corpus import write

    return once(f"corpus-{objects}.json", lambda target: write(target, objects))


def kizuna() -> str:
    """The command under test."""
    return str(ROOT / ".venv" / "bin" / "kizuna")
