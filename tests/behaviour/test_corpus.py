"""Every input that fuzzing kept, through its decoder: answers or errors of ours, and never much memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).resolve().parents[1] / "data" / "corpus"
MOST_MEMORY = 64 << 20
"""Bytes; no input has more than 20 thousand."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_does_no_harm(name: str) -> None:
    files = sorted((CORPUS / name).iterdir())
    assert files
    target = TARGETS[name]
    target(files[0].read_bytes())  # what is made once for all is not an input's
    tracemalloc.start()
    try:
        for file in files:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            target(file.read_bytes())
            assert tracemalloc.get_traced_memory()[1] - before < MOST_MEMORY, file
    finally:
        tracemalloc.stop()


def test_each_target_has_its_corpus_and_all_is_small() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    assert sum(file.stat().st_size for file in CORPUS.rglob("*")) < 1 << 20
