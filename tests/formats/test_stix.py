"""STIX files from disk: plain, packed, broken, and bombs."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput, KizunaError, NotFound, TooLarge
from kizuna.formats.stix import APART_ABOVE, RATIO_FREE, Unpacked, bring_in, read_file
from kizuna.labels import format_label
from kizuna.settings import Limits
from kizuna.store import Store
from tests.builders import campaign, definition
from tests.commands import bundle

CONTENT = bundle(campaign("Aurora"), campaign("Borealis"))


def names(file: Path) -> list[str]:
    """The names of the objects read."""
    return [item.data["name"] for item in read_file(str(file), Limits()) if item.data is not None]


def test_packed_reads_as_plain(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.json", tmp_path / "b.json"
    plain.write_bytes(CONTENT)
    packed.write_bytes(gzip.compress(CONTENT))  # known by its content, not by its name
    assert names(plain) == names(packed) == ["Aurora", "Borealis"]


def test_what_is_not_there_and_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        names(tmp_path / "none")
    with pytest.raises(InvalidInput, match="folder"):
        names(tmp_path)


@pytest.mark.parametrize("cut", [3, 11, 40, -5])
def test_a_packed_file_that_ends_too_early(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "cut.json.gz"
    file.write_bytes(gzip.compress(CONTENT)[:cut])
    with pytest.raises(InvalidInput, match="broken gzip"):
        names(file)


def test_a_bomb_is_given_up_at_the_first_excess(tmp_path: Path) -> None:
    file = tmp_path / "bomb.gz"
    with gzip.open(file, "wb") as handle:
        handle.write(b'{"type":"bundle","id":"bundle--5b7cd0a4-7a35-4a0b-9a55-4c1b2a0a7d11","objects":[')
        for _ in range(4):
            handle.write(b" " * RATIO_FREE)
    with pytest.raises(TooLarge, match="100 times"):
        names(file)


def test_unpacking_stops_long_before_the_end() -> None:
    packed = io.BytesIO(gzip.compress(bytes(8 * RATIO_FREE)))
    unpacked = Unpacked(packed, "bomb", 100)
    for _ in range(RATIO_FREE >> 20):
        assert unpacked.read(1 << 20)
    with pytest.raises(TooLarge):
        unpacked.read(1 << 20)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_damage_raises_only_our_own_errors(noise: bytes, at: int) -> None:
    packed = gzip.compress(CONTENT)
    damaged = packed[:at] + noise + packed[at + len(noise) :]
    unpacked = io.BufferedReader(Unpacked(io.BytesIO(damaged), "damaged", 100))
    try:
        content = unpacked.read()
    except KizunaError:
        return
    assert isinstance(content, bytes)


@pytest.mark.parametrize("kind", ["bundle", "list", "packed", "broken"])
def test_a_definition_labels_what_names_it_wherever_it_stands(store: Store, tmp_path: Path, kind: str) -> None:
    green = definition("green", community="EU")
    objects = [campaign(f"c{i}", description="x" * 1_000, object_marking_refs=[green["id"]]) for i in range(2_200)]
    objects.insert(1_500, green)  # in the second reader's part, with parts of both before and behind
    text = bundle(*objects)
    if kind == "list":
        text = msgspec.json.encode(objects)
    if kind == "broken":
        text = text.replace(b"c700", b"c70\0", 1)
    assert len(text) > APART_ABOVE
    file = tmp_path / "large"
    file.write_bytes(gzip.compress(text, 1) if kind == "packed" else text)
    failed = [one.index for one in bring_in(store.writer(store.own_source()), str(file), Limits()) if one.problems]
    assert failed == ([700] if kind == "broken" else [])
    view = store.custodian()
    labels = {format_label(one.label) for campaign in objects if (one := view.get(campaign["id"])) is not None}
    assert labels == {"TLP:GREEN community=EU"}
