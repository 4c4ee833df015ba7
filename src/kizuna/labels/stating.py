"""Whether an object's own bytes state its label: who gets them knows nothing else of it."""

from __future__ import annotations

from typing import Any

from kizuna.labels.join import join, restricts
from kizuna.labels.marks import Marked

Json = dict[str, Any]


def states(data: Json, marked: Marked, worded: Marked) -> bool:
    """Whether an object says of all of it what its labels ask; `worded` are those that its markings state without a default.

    What keeps nothing from anybody needs no words, and marking definitions are the words: without them no label could be stated.
    """
    if data.get("type") == "marking-definition":
        return True
    if restricts(marked.label):
        said = worded.label
        if not data.get("object_marking_refs") or join(said, marked.label) != said:
            return False
    return not marked.granular or states_parts(marked, worded)


def states_parts(marked: Marked, worded: Marked) -> bool:
    """Whether the granular marks of an object ask for all that its parts do, where something states its own label."""
    said = worded.with_label(marked.label).whole
    return join(said, marked.whole) == said
