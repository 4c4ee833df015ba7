"""What every test may use: a node in a temporary folder, and builders of valid objects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from kizuna.settings import Settings, save
from kizuna.store import Store
from kizuna.store.keys import make_key

# The same examples at every run, so that a red run is about the change; KIZUNA_RANDOM=1 looks for new ones.
hypothesis.settings.register_profile("steady", derandomize=True)
if not os.environ.get("KIZUNA_RANDOM"):
    hypothesis.settings.load_profile("steady")


class Clock:
    """A clock that stands still until it is moved; microseconds."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1_000_000)


@pytest.fixture
def clock() -> Clock:
    """2026-11-23T00:00:00Z."""
    return Clock(1_795_392_000_000_000)


@pytest.fixture
def make_store(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Store]]:
    """Make stores of fictional nodes; closed at the end."""
    made: list[Store] = []

    def make(
        name: str = "Tokyo", organisation: str = "CERT Tokyo (fictional)", country: str = "JPN", **more: object
    ) -> Store:
        folder = tmp_path / f"{name}-{len(made)}"
        folder.mkdir()
        settings = Settings(
            name=name,
            organisation=organisation,
            country=country,
            identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
            **more,  # type: ignore[arg-type]
        )
        save(folder, settings)
        make_key(folder)
        store = Store(folder, settings, clock)
        made.append(store)
        return store

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """A node's store."""
    return make_store()
