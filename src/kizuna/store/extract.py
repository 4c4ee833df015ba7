"""What the index keeps of one object, each piece with the label of the property it came from."""

from __future__ import annotations

from typing import Any, NamedTuple

from kizuna.labels import Label, Marked, PropertyLabels, join
from kizuna.stix import BUILTIN, edges, marking_refs, observed_values, places, times
from kizuna.stix.times import END_OF
from kizuna.store.skim import Skimmed, skim
from kizuna.store.words import index_text, texts

# A point is made of two properties: whoever may not see one of them does not see the point.
_WITH = {"latitude": "longitude"}


class Extract(NamedTuple):
    """Index rows of one object. A label of None means the object's own."""

    edges: list[tuple[str, str, Label | None]]  # target id, path, label
    values: list[tuple[str, str, Label | None]]  # value, kind, label
    places: list[tuple[str, str, Label | None]]  # kind, value, label
    times: list[tuple[str, int, int | None, Label | None]]  # path, first and last in microseconds, label
    docs: list[tuple[str, Label | None]]  # text cut for the index, label


def extract(data: dict[str, Any], marked: Marked, skimmed: Skimmed | None = None) -> Extract:
    """Read edges, observed values, places, times and text out of a valid object."""
    if marked.granular:
        return _extract_marked(data, marked)
    skimmed = skimmed or skim(data)
    words = index_text("\n".join(skimmed.texts))
    links: list[tuple[str, str, Label | None]] = [
        (target, path, None) for path, target in skimmed.links if target not in BUILTIN
    ]
    if "object_marking_refs" in data or "granular_markings" in data or "extensions" in data:
        links += [(target, path, None) for path, target in _named(data)]
    return Extract(
        links,
        [(seen.value, seen.kind, None) for seen in observed_values(data)],
        [(kind, value, None) for kind, value, _ in places(data)],
        [(path, first, last, None) for path, first, last in times(data)],
        [(words, None)] if words else [],
    )


def _links(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Everything an object names by id, but what is built in."""
    return [link for link in edges(data) if link[1] not in BUILTIN] + _named(data)


def _named(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Its markings and the definitions of its extensions."""
    found = [link for link in marking_refs(data) if link[1] not in BUILTIN]
    if "extensions" in data:
        found += [("extensions", key) for key in data["extensions"] if key[:11] == "extension-d" and key not in BUILTIN]
    return found


def _extract_marked(data: dict[str, Any], marked: Marked) -> Extract:
    labels = PropertyLabels(marked)

    def label(path: str, other: str | None = None) -> Label:
        of = labels.of(path)
        return of if other is None else join(of, labels.of(other))

    by_label: dict[Label, list[str]] = {}
    for path, text in texts(data):
        by_label.setdefault(label(path), []).append(text)
    documents = [(index_text("\n".join(parts)), of) for of, parts in by_label.items()]
    return Extract(
        [(target, path, label(path)) for path, target in _links(data)],
        [(seen.value, seen.kind, label(seen.path)) for seen in observed_values(data)],
        [(kind, value, label(path, _WITH.get(path))) for kind, value, path in places(data)],
        [(path, first, last, label(path, END_OF.get(path))) for path, first, last in times(data)],
        [(words, of) for words, of in documents if words],
    )
