"""Objects of one source with the same id and version but other content (section 3.6), in bounded memory."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Set
from typing import Any

import msgspec

_KEPT_BYTES = 64 * 1024 * 1024
_KEPT_VERSIONS = 200_000
_SMALLEST_TABLE = 1 << 19

_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


class Duplicates:
    """Remembers each version it is shown; beyond 64 MB of text only 96 bits of each, still without forgetting any."""

    def __init__(self) -> None:
        self._texts: dict[int, bytes] = {}
        self._kept = 0
        self._table: _Table | None = None

    @property
    def versions(self) -> Set[int] | None:
        """The keys of the versions seen; None once only digests are kept."""
        return self._texts.keys() if self._table is None else None

    def conflicts(self, data: Mapping[str, Any], raw: bytes) -> bool:
        """Whether an earlier object has this id and version and other content; `raw` is the text of `data`."""
        key = _version_key(data)
        if key is None:
            return False
        if self._table is not None:
            return self._table.put(key, _digest(data)) is False
        earlier = self._texts.get(key)
        if earlier is not None:
            return earlier != raw and _digest(_decode(earlier)) != _digest(data)
        self._texts[key] = raw
        self._kept += len(raw)
        if self._kept > _KEPT_BYTES or len(self._texts) > _KEPT_VERSIONS:
            self._shrink()
        return False

    def _shrink(self) -> None:
        """Keep digests instead of texts from now on."""
        self._table = _Table(_SMALLEST_TABLE)
        for key, text in self._texts.items():
            self._table.put(key, _digest(_decode(text)))
        self._texts = {}


def _version_key(data: Mapping[str, Any]) -> int | None:
    """A number for id and version. Python's string hash is keyed anew in each process, so nobody can aim at it."""
    identifier, version = data.get("id"), data.get("modified")
    if version is None and data.get("type") == "marking-definition":
        version = ""  # a marking definition has no versions: two texts of one id always conflict
    if identifier.__class__ is not str or version.__class__ is not str:
        return None
    return hash((identifier, version))


def _digest(data: Mapping[str, Any]) -> int:
    return hash(_sorted(data)) & 0xFFFF_FFFF


class _Table:
    """An open-addressing map from 64-bit keys to 32-bit digests: 12 bytes a slot, at most two thirds of them used."""

    def __init__(self, slots: int) -> None:
        self._mask = slots - 1
        self._keys = array("Q", bytes(8 * slots))
        self._digests = array("I", bytes(4 * slots))
        self._used = 0

    def put(self, key: int, digest: int) -> bool | None:
        """None for a new key, else whether it was put with the same digest before."""
        key = key & 0xFFFF_FFFF_FFFF_FFFF or 1  # 0 is an empty slot
        slot = self._slot(key)
        if self._keys[slot]:
            return self._digests[slot] == digest
        self._keys[slot], self._digests[slot] = key, digest
        self._used += 1
        if self._used * 3 > self._mask * 2:
            self._grow()
        return None

    def _slot(self, key: int) -> int:
        slot, keys, mask = key & self._mask, self._keys, self._mask
        while keys[slot] and keys[slot] != key:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        keys, digests = self._keys, self._digests
        slots = 2 * (self._mask + 1)
        self._mask = slots - 1
        self._keys, self._digests = array("Q", bytes(8 * slots)), array(digests.typecode, bytes(4 * slots))
        for key, digest in zip(keys, digests, strict=True):
            if key:
                slot = self._slot(key)
                self._keys[slot], self._digests[slot] = key, digest
