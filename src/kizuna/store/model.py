"""What the store hands out and takes in: plain frozen structs, the same for every backend."""

from __future__ import annotations

from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from kizuna.labels import Label, Principal
from kizuna.stix import Problem

T = TypeVar("T")
Span = tuple[int | None, int | None]
"""From a moment on, and before another (microseconds); None is open."""
SourceKind = Literal["own", "pack", "partner"]
Unstated = Literal["rendition", "whole"]
"""How what states less than its label leaves: as a rendition that states it, or whole, since the partner knows it otherwise."""


class Source(msgspec.Struct, frozen=True):
    """Where rows come from.

    `organisation` originates them; `default` labels objects that state none (None: own organisation only).
    """

    name: str
    kind: SourceKind
    organisation: str
    default: Label | None = None


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation this node exchanges with.

    `name` is its short key; `receives` lists TLP levels and areas it is addressed by; `default_label` is the text form of the
    label for what it sends unmarked; `url` is its TAXII discovery address and `token` the file, in the node's folder
    or absolute, that holds ours there; by default `NAME.token` in lower case. Quotas are for what it sends in an hour; None is the
    node's own setting. `unstated` is how it gets what states less than its label: partners from before there was a choice get it whole.
    """

    name: str
    organisation: str
    country: str
    public_key: str | None = None
    identity: str | None = None
    receives: tuple[str, ...] = ()
    default_label: str | None = None
    clients: tuple[str, ...] = ()
    url: str | None = None
    token: str | None = None
    added: int = 0
    last_exchange: int | None = None
    quota_objects: int | None = None
    quota_bytes: int | None = None
    unstated: Unstated = "whole"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one item of a batch; `version` in microseconds, None where it states none."""

    index: int | None
    id: str | None
    status: Literal["imported", "unchanged", "failed"]
    problems: tuple[Problem, ...] = ()
    version: int | None = None


class Row(NamedTuple):
    """One stored version as a reader gets it; `position` orders the reading, `added` and `version` are microseconds."""

    position: int
    added: int
    id: str
    version: int | None
    raw: bytes


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a shelf a reader wants; empty means no restriction. Times are microseconds.

    `versions` holds microseconds or the words first, last, all; several are united. `after` is exclusive, on `added`.
    """

    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[int | str, ...] = ("last",)
    spec_versions: tuple[str, ...] = ()
    after: int | None = None


class Page(msgspec.Struct, frozen=True):
    """Some rows in order and whether more follow the last one's position."""

    rows: list[Row]
    more: bool


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One object as a person sees it: the bytes they may see, whose word it is, and its label."""

    id: str
    type: str
    version: int | None
    added: int
    raw: bytes
    label: Label
    source: str
    area: str | None
    cut: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Reported(NamedTuple):
    """One row of an object: who brought it, when, which version, and its label there; times in microseconds."""

    source: str
    version: int | None
    added: int
    label: Label


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """What a search is narrowed to; None, like no types, is no restriction. `label` is the text form of one, whoever made it.

    `countries` are those of the organisations whose word it is, `confidence` is a band; from `since` on, and before `until`, an object
    came in (microseconds).
    """

    types: tuple[str, ...] = ()
    area: str | None = None
    source: str | None = None
    label: str | None = None
    domain: str | None = None
    countries: tuple[str, ...] | None = None
    confidence: str | None = None
    since: int | None = None
    until: int | None = None


class Found(msgspec.Struct, frozen=True):
    """A page of objects, newest first; `cursor` fetches the next page, None at the end."""

    items: list[Stored]
    cursor: int | None


class Neighbour(msgspec.Struct, frozen=True):
    """One step from an object: by which object and property, in which direction, to what."""

    id: str
    type: str
    via: str
    path: str
    direction: Literal["out", "in"]


class Stats(msgspec.Struct, frozen=True):
    """Counts over what a reader may see: distinct ids, rows, ids by type."""

    objects: int
    versions: int
    by_type: dict[str, int]


class Count(msgspec.Struct, Generic[T], frozen=True):
    """How many objects have this."""

    value: T
    count: int


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """How many objects were found, and how many of them by type, area, source, label and what else `Within` knows; the most first.

    `countries` are those of the organisations whose word they are; `spans` counts what came in within each span that was asked for.
    """

    objects: int
    types: list[Count[str]]
    areas: list[Count[str]]
    sources: list[Count[str]]
    labels: list[Count[Label]]
    domains: list[Count[str]]
    countries: list[Count[str]]
    confidences: list[Count[str]]
    spans: list[int]


class AreaTraffic(msgspec.Struct, frozen=True):
    """Objects of one programme area: held here, given to partners, got from partners; `last` is when one went or came last."""

    area: str
    held: int
    given: int
    got: int
    last: int | None


class Change(msgspec.Struct, frozen=True):
    """What an act did: rows it touched and feed rows it opened and ended, by partner name."""

    touched: int
    opened: dict[str, int]
    ended: dict[str, int]


__all__ = [
    "AreaTraffic", "Change", "Count", "Facets", "Found", "Neighbour", "Outcome", "Page", "Partner", "Principal", "Problem", "Query",
    "Reported", "Row", "Source", "SourceKind", "Span", "Stats", "Stored", "Within",
]  # fmt: skip
Json = dict[str, Any]
