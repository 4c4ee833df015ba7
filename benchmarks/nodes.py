"""A Kizuna node to be measured: made with one partner, filled from a file, and served by `kizuna up` as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import kizuna
from benchmarks.peers import Service
from kizuna.formats.stix import bring_in
from kizuna.labels import parse_label
from kizuna.settings import Settings, save
from kizuna.store import Partner, Store, create_store
from kizuna.store.accounts import Accounts
from kizuna.store.keys import make_key

ROOT = "/taxii2/real/collections"
LEVELS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER")


class Node(NamedTuple):
    """A served node: its partner's feed and inbox, and how many objects are in the feed."""

    feed: Service
    inbox: Service
    objects: int


def make(
    folder: Path, file: Path | None, *, receives: tuple[str, ...] = LEVELS, label: str | None = "TLP:CLEAR"
) -> tuple[Store, str]:
    """A node with one partner and a file imported under a label."""
    settings = Settings(
        name="Bench", organisation="Bench", country="JPN", identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
    )
    save(folder, settings)
    make_key(folder)
    store = create_store(folder, settings)
    store.put_partner(Partner(name="Reader", organisation="Reader", country="BEL", receives=receives))
    token, _ = Accounts(store).create_token(by="bench", partner="Reader", scopes=("read", "write"))
    if file is not None:
        joined = parse_label(label, originator="Bench") if label else None
        for _ in bring_in(store.writer(store.own_source(), label=joined), str(file), settings.limits):
            pass
    return store, token


@contextmanager
def up(folder: Path, store: Store, token: str, **environment: str) -> Iterator[Node]:
    """The node served by `kizuna up`."""
    command = [kizuna(), "up", "--data", str(folder), "--port", "0", "--poll-seconds", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        feed, inbox = (Service(f"{url}{ROOT}/{name}/", f"Bearer {token}") for name in ("feed", "inbox"))
        yield Node(feed, inbox, store.feed("Reader").count())
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def node(file: Path | None, *, label: str | None = "TLP:CLEAR", **environment: str) -> Iterator[Node]:
    """A fresh node, served."""
    with tempfile.TemporaryDirectory() as name:
        store, token = make(Path(name), file, label=label)
        try:
            with up(Path(name), store, token, **environment) as served:
                yield served
        finally:
            store.close()
