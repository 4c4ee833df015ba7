"""Reading objects out of what was received: bundles, lists, TAXII envelopes and single objects, good and bad.

The bytes of every object are kept exactly as received. Nothing here raises for bad input: each object is an Item, and
what kept it from being decoded is among its problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from .i_json import Bounds, decode_all
from .problem import Problem

MiB = 1 << 20

Source = bytes | str | Path | BinaryIO

_BATCH = 128
_BATCH_BYTES = MiB


class ReadLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on reading; sizes in bytes. Sources above `split_above` are read in pieces, never held as a whole."""

    object: int = 16 * MiB
    split_above: int = 64 * MiB
    depth: int = 100
    values: int = 1_000_000


class Container(msgspec.Struct):
    """What the objects came in. `kind` is bundle, envelope (TAXII) or list.

    `header` has the members other than `objects`; it and `problems` (repeated keys, say) are complete only when the
    last item has been taken, since members may follow the objects.
    """

    kind: str
    header: dict[str, Any]
    problems: list[Problem]


class Item(msgspec.Struct, frozen=True, gc=False):
    """One object as received: `raw` its bytes, `data` the decoded object, None when `problems` kept it from being one.

    `index` counts from 0; it is None when the source is no container at all. A place in a container where
    something is wrong that belongs to no object (it ends too early, say) is an item too. `raw` of an object above the
    limit is only its beginning. `container` is None for a single object.
    """

    index: int | None
    raw: bytes
    data: dict[str, Any] | None
    problems: tuple[Problem, ...] = ()
    container: Container | None = None


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def iter_objects(
    source: Source, *, limits: ReadLimits = ReadLimits(), on_container: Callable[[Container], None] | None = None
) -> Iterator[Item]:
    """The objects of a bundle, a JSON list, a TAXII envelope, or one object by itself.

    `on_container` is called once, after the last item, when there was a container. Raises OSError alone: when the
    source cannot be read.
    """
    text = _whole(source)
    bounds = Bounds(limits.object, limits.depth, limits.values)
    container: Container | None = None
    raws: list[bytes] = [text]
    try:
        if text.lstrip()[:1] == b"[":
            raws, container = [bytes(raw) for raw in _list(text)], Container("list", {}, [])
        else:
            members = _members(text)
            if members.get("type") is None or bytes(members["type"]) == b'"bundle"':
                raws = [bytes(raw) for raw in _list(members.pop("objects", b"[]"))]
                header = {key: msgspec.json.decode(raw) for key, raw in members.items()}
                container = Container("bundle" if "type" in header else "envelope", header, [])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    for start in range(0, len(raws), _BATCH):
        batch = raws[start : start + _BATCH]
        for index, (raw, (value, problems)) in enumerate(zip(batch, decode_all(batch, bounds), strict=True), start):
            yield Item(index, raw, value, problems, container)
    if container is not None and on_container is not None:
        on_container(container)


def _whole(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    return source.read_bytes() if isinstance(source, Path) else source.read()
