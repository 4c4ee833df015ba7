"""What the index keeps of one object, each piece with the label of the property it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from kizuna.labels import Label, Marked, PropertyLabels, join
from kizuna.stix import BUILTIN, edges, marking_refs, mentions, observed_values, places, times
from kizuna.stix.times import END_OF
from kizuna.store.confidence import stated
from kizuna.store.keyed import keyed
from kizuna.store.skim import Skimmed, skim
from kizuna.store.words import index_text, texts

# A point is made of two properties: whoever may not see one of them does not see the point.
_WITH = {"latitude": "longitude"}

MENTION = "*"
"""The path of an id that stands in the text of an object: no relation, but what a feed must not give away."""

_encode = msgspec.json.Encoder().encode


class Extract(NamedTuple):
    """Index rows of one object. A label of None means the object's own."""

    edges: list[tuple[str, str, Label | None]]  # target id, path, label
    values: list[tuple[str, str, Label | None]]  # value, kind, label
    places: list[tuple[str, str, Label | None]]  # kind, value, label
    times: list[tuple[str, int, int | None, Label | None]]  # path, first and last in microseconds, label
    docs: list[tuple[str, Label | None]]  # what is kept of a text that was cut for the index, label
    confidences: list[tuple[int, Label | None]]  # how sure somebody is, 0 to 100: one or none, label


def extract(
    data: dict[str, Any],
    marked: Marked,
    skimmed: Skimmed | None = None,
    text: bytes | None = None,
    kept: Callable[[str], str] = str,
) -> Extract:
    """Read edges, observed values, places, times and text out of a valid object.

    `text` is its JSON, where that is at hand; `kept` what is kept of a text for search.
    """
    text = _encode(data) if text is None else text
    if marked.granular:
        return _extract_marked(data, marked, text, kept)
    skimmed = skimmed or skim(data)
    words = index_text("\n".join(skimmed.texts))
    links = _named(data, skimmed.links)
    return Extract(
        [(target, path, None) for path, target in links if target not in BUILTIN] + _mentioned(data, links, text),
        [(keyed(seen.value), seen.kind, None) for seen in observed_values(data)],
        [(kind, keyed(value), None) for kind, value, _ in places(data)],
        [(path, first, last, None) for path, first, last in times(data)],
        [(kept(words), None)] if words else [],
        [] if (sure := stated(data)) is None else [(sure, None)],
    )


def named(data: dict[str, Any]) -> list[tuple[str, str, Label | None]]:
    """The edges of an object in which nothing is marked by itself."""
    links = _named(data, edges(data))
    targets: list[tuple[str, str, Label | None]] = [(t, path, None) for path, t in links if t not in BUILTIN]
    return targets + _mentioned(data, links, _encode(data))


def _named(data: dict[str, Any], links: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Everything an object names by id: its references, markings and extensions."""
    if "object_marking_refs" in data or "granular_markings" in data:
        links = links + marking_refs(data)
    if "extensions" in data:
        links = links + [("extensions", key) for key in data["extensions"] if key[:11] == "extension-d" and "--" in key]
    return links


def _mentioned(data: dict[str, Any], links: list[tuple[str, str]], text: bytes) -> list[tuple[str, str, Label | None]]:
    """Ids that stand in its text besides."""
    if text.count(b"--") == len(links) + 1:  # each that is named brings one, and so does its own: there can be no other
        return []
    found = mentions(text, [data["id"], *(target for _, target in links)])
    return [(id, MENTION, None) for id in found if id not in BUILTIN]


def _extract_marked(data: dict[str, Any], marked: Marked, text: bytes, kept: Callable[[str], str]) -> Extract:
    labels = PropertyLabels(marked)
    links = _named(data, edges(data))

    def label(path: str, other: str | None = None) -> Label:
        of = labels.of(path)
        return of if other is None else join(of, labels.of(other))

    by_label: dict[Label, list[str]] = {}
    for path, words in texts(data):
        by_label.setdefault(label(path), []).append(words)
    documents = [(index_text("\n".join(parts)), of) for of, parts in by_label.items()]
    return Extract(
        [(target, path, label(path)) for path, target in links if target not in BUILTIN]
        + _mentioned(data, links, text),
        [(keyed(seen.value), seen.kind, label(seen.path)) for seen in observed_values(data)],
        [(kind, keyed(value), label(path, _WITH.get(path))) for kind, value, path in places(data)],
        [(path, first, last, label(path, END_OF.get(path))) for path, first, last in times(data)],
        [(kept(words), of) for words, of in documents if words],
        [] if (sure := stated(data)) is None else [(sure, label("confidence"))],
    )
