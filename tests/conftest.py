"""What every test may use: a node in a temporary folder, and builders of valid objects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

import hypothesis
import pytest

from kizuna.settings import Settings, save
from kizuna.store import Store
from kizuna.store.keys import make_key
from tests.postgres import Cluster, programs
from tests.stores import Databases

# The same examples at every run, so that a red run is about the change; KIZUNA_RANDOM=1 looks for new ones.
# How long an example takes is no property of what is tested: on a busy machine any of them takes a while.
hypothesis.settings.register_profile("new", deadline=None)
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
if os.environ.get("KIZUNA_FIRST_EXAMPLE"):  # `scripts/mutants` asks only whether one fails, not for the smallest
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, phases=phases)
hypothesis.settings.load_profile("new" if os.environ.get("KIZUNA_RANDOM") else "steady")


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


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str | None]]:
    """The address of a new store: one suite, every database. None is the usual file in the node's folder.

    A test that is about SQLite's own ways says so: `@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)`.
    """
    if request.param == "sqlite":
        yield lambda: None
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(cluster.database(cluster.template()))


@pytest.fixture
def make_store(tmp_path: Path, clock: Clock, new_database: Callable[[], str | None]) -> Iterator[Callable[..., Store]]:
    """Make stores of fictional nodes; closed at the end."""
    made: list[Store] = []

    def make(
        name: str = "Tokyo",
        organisation: str = "CERT Tokyo (fictional)",
        country: str = "JPN",
        identity: str = "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
        **more: object,
    ) -> Store:
        folder = tmp_path / f"{name}-{len(made)}"
        folder.mkdir()
        settings = Settings(
            name=name,
            organisation=organisation,
            country=country,
            identity=identity,
            store=new_database(),
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


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """This worker's PostgreSQL, started when the first test asks for it."""
    if programs() is None:
        if os.environ.get("KIZUNA_NEED_POSTGRES"):
            pytest.fail("no PostgreSQL server on this machine, and KIZUNA_NEED_POSTGRES is set")
        pytest.skip("no PostgreSQL server on this machine; `KIZUNA_APT=1 make test` installs one")
    made = Cluster()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def make_database(cluster: Cluster) -> Iterator[Callable[[], str]]:
    """Make empty databases, dropped at the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(cluster.database())


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Stores for a while, for tests that share a node or make many: each a context that gives its address."""
    if request.param == "sqlite":
        return nullcontext
    cluster: Cluster = request.getfixturevalue("cluster")
    return lambda: cluster.database(cluster.template())
