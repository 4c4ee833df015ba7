"""What of one object may leave in part: cut by its marks, and by what it refers to or mentions that does not leave whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any

import msgspec

from kizuna.labels.marks import Marked
from kizuna.labels.model import Label
from kizuna.labels.policies import own_only
from kizuna.labels.redaction import redact
from kizuna.stix import BUILTIN, canonical, edges, marking_refs, mentions

Json = dict[str, Any]
_INDEX = re.compile(r"(?<!\.)\[")
_TOP = re.compile(r"[.\[]")
_ANY_UUID = re.compile(r"(?=([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}))")
_OURS = frozenset({"created_by_ref", "object_marking_refs"})
"""What a rendition states anew: whose it is and its label."""
_DEFINITION = "extension-definition--"
_STATED = frozenset({"id", "type", "spec_version", "granular_markings"})
_MARKING = frozenset({"lang", "marking_ref", "selectors"})


class Form(IntEnum):
    """How something leaves; the more, the higher."""

    WITHHELD = 0
    RENDITION = 1
    WHOLE = 2


Standing = Callable[[str], Form | None]
"""How the object of an id leaves; None when this node holds nothing of it."""


class Rendered(msgspec.Struct, frozen=True):
    """`data` is what remains, with the references it keeps, None when nothing can leave, for the reason `withheld`.

    `cut` are top-level properties that STIX defines and of which something is missing; `entire` is whether nothing is, of any.
    """

    data: Json | None
    cut: tuple[str, ...] = ()
    withheld: str | None = None
    entire: bool = False


def render(data: Json, marked: Marked, allows: Callable[[Label], bool], standing: Standing) -> Rendered:
    """Cut from an object what its marks close, references to what does not leave, and properties whose text tells such an id.

    Text is never edited. A reference to what leaves as a rendition stays here: it gets that rendition's id when it is sent.
    """
    data = _plainly_marked(data)
    closed = list(_closed(data, standing))
    # What only the originator's own organisation may see stands for what is closed to this reader, whatever it may see.
    shut = own_only(marked.label.originator)
    marks = tuple((selector, label) for selector, label in marked.granular if not allows(label))
    found = redact(
        data,
        Marked(marked.label, (*marks, *((selector, shut) for selector in closed))),
        lambda label: label is not shut and allows(label),
    )
    if found.data is not None and closed and any(_closed(found.data, standing)):
        # No selector reaches it: a name with a dot, of an object that a pack keeps with its problems.
        return Rendered(None, found.cut, "indivisible-property")
    return Rendered(found.data, found.cut, found.withheld, found.data is data)


def _plainly_marked(data: Json) -> Json:
    """The object with nothing in its granular markings but what the standard knows: what else stands there nothing could select."""
    marks = data.get("granular_markings")
    if marks is None:
        return data
    kept = [
        {key: value for key, value in one.items() if key in _MARKING}
        for one in (marks if isinstance(marks, list) else ())
        if isinstance(one, dict) and _are_texts(one.get("selectors"))
    ]
    return data if kept == marks else {**data, "granular_markings": kept}


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _closed(data: Json, standing: Standing) -> Iterator[str]:
    """Selectors of what may not stand in a rendition."""
    links = edges(data)
    for path, target in links:
        if path not in _OURS and target not in BUILTIN and not standing(target):
            yield _INDEX.sub(".[", path)
    extensions = data.get("extensions")
    defined = [key for key in (extensions if isinstance(extensions, dict) else ()) if key.startswith(_DEFINITION)]
    for key in defined:
        if key not in BUILTIN and standing(key) is not Form.WHOLE:
            yield f"extensions.{key}"
    for one in data.get("granular_markings") or ():
        ref = one.get("marking_ref")
        if isinstance(ref, str) and ref not in BUILTIN and standing(ref) is not Form.WHOLE:
            yield from one["selectors"]  # what nobody there can tell the label of
    yield from _telling(data, links + [(f"extensions.{key}", key) for key in defined], standing)


def _telling(data: Json, links: list[tuple[str, str]], standing: Standing) -> Iterator[str]:
    """Top-level properties that hold an id which does not leave as it is, its own among them, other than as a reference.

    An id is known by its UUID, whatever is written before it and however.
    """
    text = msgspec.json.encode(data)
    own, named = str(data["id"]), Counter(target for _, target in (*links, *marking_refs(data)))
    told = {_uuid(id) for id in named if id not in BUILTIN and standing(id) is not Form.WHOLE} | {_uuid(own)}
    if text.count(b"--") > sum(named.values()) + 1:  # each that is named brings one, and so does its own
        found = mentions(canonical(data), [own, *named])
        told |= {_uuid(id) for id in found if standing(id) in (Form.WITHHELD, Form.RENDITION)}
    elif len(told) == 1 and text.lower().count(_uuid(own).encode()) == 1:
        return
    referring = Counter(_TOP.split(path, maxsplit=1)[0] for path, id in links if _uuid(id) in told)
    for key, value in data.items():
        if key in _OURS or key in _STATED:
            continue
        written = msgspec.json.encode({key: value}).decode()
        if sum(uuid.lower() in told for uuid in _ANY_UUID.findall(written)) > referring[key]:
            yield key


def _uuid(id: str) -> str:
    return id.rpartition("--")[2].lower()
