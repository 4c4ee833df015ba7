"""What of one object may leave in part: cut by its marks, and by what it refers to or mentions that does not leave whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any

import msgspec

from kizuna.labels import Label, Marked, redact
from kizuna.labels.policies import own_only
from kizuna.stix import BUILTIN, canonical, edges, marking_refs, mentions

Json = dict[str, Any]
_INDEX = re.compile(r"(?<!\.)\[")
_OURS = frozenset({"created_by_ref", "object_marking_refs"})
"""What a rendition states anew: whose it is and its label."""


class Form(IntEnum):
    """How something leaves; the more, the higher."""

    WITHHELD = 0
    RENDITION = 1
    WHOLE = 2


Standing = Callable[[str], Form | None]
"""How the object of an id leaves; None when this node holds nothing of it."""


class Rendered(msgspec.Struct, frozen=True):
    """`data` is what remains, with the references it keeps, None when nothing can leave, for the reason `withheld`.

    `cut` are top-level properties that STIX defines and of which something is missing.
    """

    data: Json | None
    cut: tuple[str, ...] = ()
    withheld: str | None = None


def render(data: Json, marked: Marked, allows: Callable[[Label], bool], standing: Standing) -> Rendered:
    """Cut from an object what its marks close, references to what does not leave, and properties whose text tells such an id.

    Text is never edited. A reference to what leaves as a rendition stays here: it gets that rendition's id when it is sent.
    """
    closed = list(_closed(data, standing))
    # What nobody is shown but the originator's own organisation stands for what is closed to this reader, whatever it may see.
    shut = own_only(marked.label.originator)
    marks = tuple((selector, label) for selector, label in marked.granular if not allows(label))
    found = redact(
        data,
        Marked(marked.label, (*marks, *((selector, shut) for selector in closed))),
        lambda label: label is not shut and allows(label),
    )
    return Rendered(found.data, found.cut, found.withheld)


def _closed(data: Json, standing: Standing) -> Iterator[str]:
    """Selectors of what may not stand in a rendition."""
    links = edges(data)
    for path, target in links:
        if path not in _OURS and target not in BUILTIN and not standing(target):
            yield _INDEX.sub(".[", path)
    for key in data.get("extensions") or ():
        if key.startswith("extension-definition--") and key not in BUILTIN and standing(key) is not Form.WHOLE:
            yield f"extensions.{key}"
    for one in data.get("granular_markings") or ():
        ref = one.get("marking_ref")
        if isinstance(ref, str) and ref not in BUILTIN and standing(ref) is not Form.WHOLE:
            yield from one.get("selectors") or ()  # what nobody there can tell the label of
    yield from _telling(data, links, standing)


def _telling(data: Json, links: list[tuple[str, str]], standing: Standing) -> Iterator[str]:
    """Top-level properties that hold an id which does not leave as it is, other than as a reference."""
    text = msgspec.json.encode(data).lower()  # an id is known in capitals, too
    named = Counter(target for _, target in (*links, *marking_refs(data)))
    told = {
        id
        for id, times in named.items()
        if id not in BUILTIN and standing(id) is not Form.WHOLE and text.count(id.lower().encode()) > times
    }
    if text.count(b"--") > sum(named.values()) + 1:  # each that is named brings one, and so does its own
        found = mentions(canonical(data), [str(data["id"]), *named])
        told |= {id for id in found if standing(id) in (Form.WITHHELD, Form.RENDITION)}
    if not told:
        return
    looked_for = {id.lower().encode() for id in told}
    for key, value in data.items():
        if key in _OURS or key in ("id", "type", "spec_version", "granular_markings"):
            continue
        written = msgspec.json.encode({key: value}).lower()
        referring = sum(id in told for path, id in links if path == key or path.startswith((f"{key}.", f"{key}[")))
        if sum(written.count(id) for id in looked_for) > referring:
            yield key
