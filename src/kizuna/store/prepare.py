"""From one received item to everything the store writes about it, before any transaction begins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from kizuna.clock import from_text
from kizuna.labels import (
    MOST_MARKINGS,
    MOST_SELECTORS,
    MOST_TEXT,
    Label,
    Marked,
    least_label,
    mark,
    own_label_of_definition,
    states,
    text_of,
)
from kizuna.stix import BUILTIN, Item, Problem, canonical, errors_of, is_20, lift_all
from kizuna.store.areas import area_of
from kizuna.store.extract import Extract, extract
from kizuna.store.skim import skim

KnownLabels = dict[tuple[str, ...], Marked]
"""Labels of objects of one source without granular marks, by their object markings."""

# Bounds on what is kept of one source, whatever it marks with.
_MOST_KNOWN = 1_000
_FEW_REFS = 8
_SHORT_TEXT = 4_096

Definitions = Callable[[str], dict[str, Any] | None]


# RFC 3339 knows the year 0000; calendars, and so the store, do not.
_NOT_AS_BUILT_IN = Problem(
    "not-as-built-in", "error", "id", "a definition of the standard, with other content", "Kizuna"
)
_DATELESS = Problem("version-out-of-range", "error", "modified", "dated outside the years 1 to 9999", "Kizuna")
_TOO_WIDE = Problem(
    "too-many-markings",
    "error",
    "$",
    f"marked with more than {MOST_MARKINGS} definitions, {MOST_SELECTORS} selectors or {MOST_TEXT} bytes of them",
    "Kizuna",
)


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """One version ready to be written. `raw` is what is served, `original` the STIX 2.0 text it was lifted from.

    `label` is the object's, `least` what it takes to see anything of it, `whole` to see all of it; `unstated` is whether its bytes
    state less than that.
    """

    index: int | None
    id: str
    type: str
    version: int | None
    digest: bytes
    raw: bytes
    original: bytes | None
    label: Label
    least: Label
    whole: Label
    area: str | None
    rows: Extract
    problems: tuple[Problem, ...] = ()
    unstated: bool = False


class Refused(msgspec.Struct, frozen=True):
    """One item that does not come in, with every reason."""

    index: int | None
    id: str | None
    raw: bytes
    problems: tuple[Problem, ...]
    version: int | None = None


class Labelling:
    """How the objects of one source are labelled: what they state, a default, and whom to ask for definitions.

    `joined` (from `import --label`) is the label of objects that state none, and is joined with a stated one. `known` are
    answers by object markings; new ones are added while the definitions are those they rest on.
    """

    def __init__(
        self,
        originator: str,
        definitions: Definitions,
        *,
        default: Label | None,
        joined: Label | None,
        community: str | None,
        known: KnownLabels | None = None,
    ):
        self._originator = originator
        self._definitions = definitions
        self._default = default
        self._joined = joined
        self._community = community
        self._known: KnownLabels = {} if known is None else known
        self._unstated: dict[tuple[str, ...], bool] = {}

    def of(self, data: dict[str, Any]) -> Marked:
        """The labels of an object; objects with the same object markings and no granular ones share the answer."""
        refs = data.get("object_marking_refs") or ()
        if "granular_markings" in data or data["type"] == "marking-definition":
            return self._mark(data)
        key = tuple(refs)
        marked = self._known.get(key)
        if marked is None:
            marked = self._mark(data)
            if len(key) <= _FEW_REFS and text_of(marked.label.parts) <= _SHORT_TEXT:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[key] = marked
        return marked

    def forget(self) -> None:
        """A definition came in: labels that rested on it are worked out again, and are nobody else's."""
        self._known = {}
        self._unstated = {}

    def unstated(self, data: dict[str, Any], marked: Marked) -> bool:
        """Whether an object's bytes state less than the labels it was given; those that are marked alike share the answer."""
        refs = data.get("object_marking_refs") or ()
        if refs and self._joined is None:
            return False  # it has the labels that it states
        if data["type"] == "marking-definition":
            return False
        if "granular_markings" in data:
            return not self._states(data, marked)
        key = tuple(refs)
        found = self._unstated.get(key)
        if found is None:
            found = not self._states(data, marked)
            if len(key) <= _FEW_REFS and len(self._unstated) < _MOST_KNOWN:
                self._unstated[key] = found
        return found

    def _states(self, data: dict[str, Any], marked: Marked) -> bool:
        worded = mark(data, self._definitions, originator=self._originator, community=self._community)
        return states(data, marked, worded)

    def _mark(self, data: dict[str, Any]) -> Marked:
        default = self._joined or self._default
        if data["type"] == "marking-definition" and not data.get("object_marking_refs"):
            # Who may see what a definition marks may see the definition.
            default = own_label_of_definition(data, originator=self._originator, community=self._community) or default
        return mark(
            data,
            self._definitions,
            originator=self._originator,
            default=default,
            community=self._community,
            joined=self._joined,
        )


def prepare(
    item: Item, labelling: Labelling, known_problems: Mapping[str, str], kept: Callable[[str], str]
) -> Iterator[Prepared | Refused]:
    """Check one item and work out its label, digest and index rows; a 2.0 item may become several objects.

    `kept` is what the store keeps of a text for search.
    """
    if item.data is None or item.problems:
        yield _refused(item.index, item.data, item.raw, tuple(item.problems))
        return
    if not is_20(item.data):
        yield _prepare(item.index, item.data, item.raw, None, labelling, known_problems, kept)
        return
    for data in lift_all(item.data):
        yield _prepare(item.index, data, msgspec.json.encode(data), item.raw, labelling, known_problems, kept)


def _prepare(
    index: int | None,
    data: dict[str, Any],
    raw: bytes,
    original: bytes | None,
    labelling: Labelling,
    known_problems: Mapping[str, str],
    kept: Callable[[str], str],
) -> Prepared | Refused:
    errors = tuple(errors_of(data))
    if errors and not (str(data.get("id")) in known_problems and data.get("id")):
        return _refused(index, data, raw, errors)
    moment = data.get("modified") or data.get("created")
    if moment and not isinstance(moment, str):  # cyber-observables have neither, and may call anything of their own so
        return _refused(index, data, raw, (_DATELESS,))
    try:
        version = from_text(moment) if moment else None
    except (ValueError, OverflowError):
        return _refused(index, data, raw, (_DATELESS,))
    if data["id"] in BUILTIN and data != BUILTIN[data["id"]]:
        return _refused(index, data, raw, (_NOT_AS_BUILT_IN,))
    marked = labelling.of(data)
    if marked.too_wide:
        return _refused(index, data, raw, (_TOO_WIDE,))
    skimmed = skim(data)
    text = canonical(data, simple=skimmed.simple)
    return Prepared(
        index,
        data["id"],
        data["type"],
        version,
        hashlib.sha256(text).digest(),
        raw,
        original,
        marked.label,
        least_label(data, marked) if marked.granular else marked.label,
        marked.whole,
        area_of(data),
        extract(data, marked, skimmed, text, kept),
        errors,
        labelling.unstated(data, marked),
    )


def _refused(index: int | None, data: object, raw: bytes, problems: tuple[Problem, ...]) -> Refused:
    """With what can be told of it, whatever it is."""
    if not isinstance(data, dict):
        return Refused(index, None, raw, problems)
    id, moment, version = data.get("id"), data.get("modified") or data.get("created"), None
    if isinstance(moment, str):
        with suppress(ValueError, OverflowError):
            version = from_text(moment)
    return Refused(index, id if isinstance(id, str) else None, raw, problems, version)


def definitions_from(known: Mapping[str, dict[str, Any]], stored: Definitions) -> Definitions:
    """Look a marking definition up among the built-in ones, then this batch's, then the stored ones."""

    def find(id: str) -> dict[str, Any] | None:
        return BUILTIN.get(id) or known.get(id) or stored(id)

    return find
