"""Take what covers new ground into the corpus: `python -m tests.fuzz.keep CORPUS FOUND TARGET...`"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.fuzz.targets import TARGETS, Target

MOST_BYTES = 120_000
"""Of one target's corpus: all together stay well below a megabyte."""
MOST_SECONDS = 2.0
"""That one input may take while it is traced."""

Arc = tuple[CodeType, int, int]


def covered(target: Target, data: bytes) -> set[Arc]:
    """The steps from line to line in our code, and in that which reads YAML for it, that an input takes."""
    found: set[Arc] = set()
    last: dict[FrameType, int] = {}

    def step(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            found.add((frame.f_code, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        elif event == "return":
            last.pop(frame, None)
        return step

    def call(frame: FrameType, _event: str, _: object) -> Any:
        return step if any(part in frame.f_code.co_filename for part in ("/kizuna/", "/yaml/")) else None

    sys.settrace(call)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return found


def kept(target: Target, here: list[bytes], found: list[bytes]) -> Iterator[bytes]:
    """What is here already, and of what was found each input that takes a step which none before it takes, the smallest first."""
    seen: set[Arc] = set()
    left = MOST_BYTES
    for data in [*here, *sorted(set(found) - set(here), key=lambda one: (len(one), one))]:
        began = time.monotonic()
        steps = covered(target, data)
        if data not in here and (steps <= seen or len(data) > left or time.monotonic() - began > MOST_SECONDS):
            continue
        seen |= steps
        left -= len(data)
        yield data


def inputs(folder: Path) -> list[bytes]:
    """The inputs in a folder, the smallest first."""
    return sorted((file.read_bytes() for file in folder.iterdir()), key=len) if folder.is_dir() else []


def main() -> None:
    """Add to each target's corpus what covers more."""
    corpus, found, *targets = sys.argv[1:]
    for name in targets:
        here, there = inputs(Path(corpus, name)), inputs(Path(found, name))
        chosen = {hashlib.sha256(data).hexdigest()[:16]: data for data in kept(TARGETS[name], here, there)}
        for digest, data in chosen.items():
            (Path(corpus, name) / digest).write_bytes(data)
        print(f"{name}: {len(chosen) - len(here)} of {len(there)} added, {sum(map(len, chosen.values()))} bytes")


if __name__ == "__main__":
    main()
