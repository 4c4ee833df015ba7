"""What the index keeps of one object, each piece with the label of the property it came from."""

from __future__ import annotations

from typing import Any, NamedTuple

from kizuna.labels import Label, Marked, property_label
from kizuna.stix import BUILTIN, edges, marking_refs, observed_values, places, times
from kizuna.store.words import index_text, texts


class Extract(NamedTuple):
    """Index rows of one object. A label of None means the object's own."""

    edges: list[tuple[str, str, Label | None]]  # target id, path, label
    values: list[tuple[str, str, Label | None]]  # value, kind, label
    places: list[tuple[str, str, Label | None]]  # kind, value, label
    times: list[tuple[str, int, int | None, Label | None]]  # path, first and last in microseconds, label
    docs: list[tuple[str, Label | None]]  # text cut for the index, label


def extract(data: dict[str, Any], marked: Marked) -> Extract:
    """Read edges, observed values, places, times and text out of a valid object."""
    if marked.granular:
        return _extract_marked(data, marked)
    words = index_text("\n".join([text for _, text in texts(data)]))
    links: list[tuple[str, str, Label | None]]
    links = [(target, path, None) for path, target in edges(data) if target not in BUILTIN]
    links += [(target, path, None) for path, target in marking_refs(data) if target not in BUILTIN]
    return Extract(
        links,
        [(seen.value, seen.kind, None) for seen in observed_values(data)],
        [(kind, value, None) for kind, value, _ in places(data)],
        [(path, first, last, None) for path, first, last in times(data)],
        [(words, None)] if words else [],
    )


def _extract_marked(data: dict[str, Any], marked: Marked) -> Extract:
    links = [(path, target) for path, target in (*edges(data), *marking_refs(data)) if target not in BUILTIN]

    def label(path: str) -> Label:
        return property_label(marked, path)

    by_label: dict[Label, list[str]] = {}
    for path, text in texts(data):
        by_label.setdefault(label(path), []).append(text)
    documents = [(index_text("\n".join(parts)), of) for of, parts in by_label.items()]
    return Extract(
        [(target, path, label(path)) for path, target in links],
        [(seen.value, seen.kind, label(seen.path)) for seen in observed_values(data)],
        [(kind, value, label(path)) for kind, value, path in places(data)],
        [(path, first, last, label(path)) for path, first, last in times(data)],
        [(words, of) for words, of in documents if words],
    )
