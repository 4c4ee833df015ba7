"""A node with partners of different eyes, and objects of many shapes to bring into it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kizuna.stix import sco_id
from kizuna.store import Partner, open_store
from kizuna.store.accounts import Accounts
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, relationship, report, sdo
from tests.commands import kizuna

from . import disk


class Faulty(msgspec.Struct, frozen=True):
    """A node's folder and the tokens of its owner and of the partner Brussels."""

    folder: Path
    owner: str
    brussels: str


@pytest.fixture(scope="session")
def disk_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What makes a disk watched or full for the programs that a test starts."""
    return disk.built(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def faulty(tmp_path: Path, request: pytest.FixtureRequest) -> Faulty:
    """A node with two partners: Brussels gets GREEN, Kyiv only CLEAR. On a file, unless a test asks for every store (`EVERYWHERE`)."""
    shared = getattr(request, "param", "sqlite") == "postgres"
    return founded(tmp_path / "node", request.getfixturevalue("make_database")() if shared else None)


def founded(folder: Path, store_url: str | None, name: str = "Tokyo", country: str = "JPN") -> Faulty:
    """Found that node on a store."""
    given = [] if store_url is None else ["--store", store_url]
    made = kizuna("init", "--data", folder, "--name", name, "--org", f"CERT {name}", "--country", country, *given)
    assert made.code == 0, made.err
    store = open_store(folder)
    for partner, where, receives in (("Brussels", "BEL", ("TLP:CLEAR", "TLP:GREEN")), ("Kyiv", "UKR", ("TLP:CLEAR",))):
        store.put_partner(
            Partner(
                name=partner,
                organisation=f"CERT {partner}",
                country=where,
                receives=receives,
                default_label="TLP:CLEAR",
            )
        )
    accounts = Accounts(store)
    owner, _ = accounts.create_token(by="test", user="owner", scopes=("read", "write", "release"))
    brussels, _ = accounts.create_token(by="test", partner="Brussels", scopes=("read", "write"))
    store.close()
    return Faulty(folder, owner, brussels)


EVERYWHERE = pytest.mark.parametrize("faulty", ["sqlite", "postgres"], indirect=True)


def corpus(seed: int, count: int, prefix: str) -> list[dict[str, Any]]:
    """So many objects: values, texts, marks of parts, relationships back and forward, reports that close circles."""
    return list(_corpus(random.Random(seed), count, prefix))


def _corpus(choice: random.Random, count: int, prefix: str) -> Iterator[dict[str, Any]]:
    marks = [CLEAR, CLEAR, GREEN, AMBER, RED]
    names = [f"{prefix}{seed:06d}" for seed in range(count)]
    for number, name in enumerate(names):
        mark = [choice.choice(marks)]
        long = " ".join(choice.choices(["観測", "beacon", "Störung", "сервер", "relay", "orbit"], k=60))
        kind = number % 6
        near = campaign(names[choice.randrange(0, count) // 6 * 6])
        if kind == 0:
            granular = [{"marking_ref": choice.choice(marks), "selectors": ["description"]}] if number % 18 == 0 else []
            more: dict[str, Any] = {"granular_markings": granular} if granular else {}
            yield campaign(name, description=long, object_marking_refs=mark, **more)
        elif kind == 1:
            pattern = f"[ipv4-addr:value = '198.51.100.{number % 250}']"
            yield sdo(
                "indicator", name, pattern=pattern, pattern_type="stix", valid_from="2026-01-01T00:00:00Z",
                description=long, object_marking_refs=mark,
            )  # fmt: skip
        elif kind == 2:
            value: dict[str, Any] = {"type": "domain-name", "spec_version": "2.1", "value": f"{name}.example.net"}
            yield {**value, "id": str(sco_id(value)), "object_marking_refs": mark}
        elif kind == 3:
            yield {**relationship(near, "related-to", campaign(names[number - 3])), "description": long}
        elif kind == 4:
            refs = [near, campaign(names[number - 4])]
            yield report(name, refs, description=long, object_marking_refs=[CLEAR])
        else:
            yield sdo("location", name, country="JP", latitude=35.0, longitude=139.0, object_marking_refs=mark)
