"""What a search asks for: words, a value, and what it is narrowed to. Pages, the API and saved searches share it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal

import msgspec
from litestar.params import QueryParameter

from kizuna.clock import from_text, to_datetime
from kizuna.errors import UsageError
from kizuna.store import Store
from kizuna.store.model import Span
from kizuna.web.i18n import zone_of
from kizuna.web.regions import countries_of

Came = Literal["today", "week", "month", "year", "older"]
Domain = Literal["cyber", "information", "space", "air"]
Confidence = Literal["high", "medium", "low", "none", "unstated"]
CAME: tuple[Came, ...] = ("today", "week", "month", "year", "older")

Words = Annotated[
    str | None, QueryParameter(max_length=1000, description="Words the objects hold, in any language; all of them.")
]
Value = Annotated[
    str | None,
    QueryParameter(
        max_length=4096,
        description="A value observed or looked for: an address, a domain, a hash …, however it is spelled.",
    ),
]
Types = Annotated[list[str] | None, QueryParameter(name="type", max_items=50, description="Only these STIX types.")]
AreaName = Annotated[str | None, QueryParameter(max_length=100, description="Only this programme area.")]
SourceName = Annotated[
    str | None, QueryParameter(max_length=300, description="Only what came from this source, as facets name it.")
]
LabelOf = Annotated[
    str | None, QueryParameter(max_length=2000, description="Only what bears this label, in its text form.")
]
DomainName = Annotated[Domain | None, QueryParameter(description="Only this domain.")]
RegionName = Annotated[
    str | None,
    QueryParameter(max_length=100, description="Only what organisations of this region reported, as facets name it."),
]
ConfidenceIn = Annotated[
    Confidence | None, QueryParameter(description="Only what states a confidence of this band of STIX, or none at all.")
]
CameIn = Annotated[
    Came | None,
    QueryParameter(
        description="Only what came in today, in the last 7 or 30 days, this year or before it; days are the node's own."
    ),
]
CameFrom = Annotated[
    str | None,
    QueryParameter(
        name="from",
        max_length=40,
        description="Only what came in from this day or time (RFC 3339) on; days are the node's own.",
    ),
]
CameTo = Annotated[
    str | None,
    QueryParameter(
        name="to", max_length=40, description="Only what came in up to this day, or before this time (RFC 3339)."
    ),
]

_LONGEST = 10_000
_KEYS = {"types": "type", "since": "from", "until": "to"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; what is empty is not asked."""

    q: str | None = None
    value: str | None = None
    domain: str | None = None
    region: str | None = None
    came: Came | None = None
    since: str | None = None
    until: str | None = None
    types: tuple[str, ...] = ()
    area: str | None = None
    source: str | None = None
    label: str | None = None
    confidence: str | None = None

    @classmethod
    def of(cls, *, types: Sequence[str] | None, **asked: Any) -> Question:
        """As it stands in an address."""
        return cls(types=tuple(types or ()), **{key: value or None for key, value in asked.items()})

    @property
    def asked(self) -> dict[str, Any]:
        """By the names that an address has for it."""
        found = msgspec.structs.asdict(self)
        return {_KEYS.get(key, key): list(value) if key == "types" else value for key, value in found.items()}

    @property
    def empty(self) -> bool:
        """Whether nothing is asked."""
        return not any(self.asked.values())

    def bound(self, name: str) -> tuple[str, ...]:
        """What a cursor of this search is bound to: who asked, and what."""
        rest = (one or "" for key, one in msgspec.structs.asdict(self).items() if key != "types")
        return ("search", name, *sorted(self.types), "", *rest)

    def narrowed(self, store: Store) -> dict[str, Any]:
        """As a view takes it, but for the words. Raises UsageError for what is no time."""
        first, end = spans(store)[CAME.index(self.came)] if self.came else (None, None)
        zone = zone_of(store.settings.country)
        since = None if self.since is None else moment(self.since, zone, path="/query/from")
        until = None if self.until is None else moment(self.until, zone, path="/query/to", after=True)
        return {
            "value": self.value,
            "types": self.types,
            "area": self.area,
            "source": self.source,
            "label": self.label,
            "domain": self.domain,
            "countries": None if self.region is None else countries_of(self.region, set(store.countries().values())),
            "confidence": self.confidence,
            "since": max((one for one in (first, since) if one is not None), default=None),
            "until": min((one for one in (end, until) if one is not None), default=None),
        }


def question_of(one: Callable[[str], str], many: Callable[[str], list[str]]) -> Question:
    """The question that the fields of a form, or of an address, ask. Raises UsageError for what can be none."""
    told = {key: one(_KEYS.get(key, key)) or None for key in Question.__struct_fields__ if key != "types"}
    types = many("type")
    if len(types) > 50 or sum(len(text or "") for text in (*told.values(), *types)) > _LONGEST:
        raise UsageError("the question is too long")
    if told["came"] is not None and told["came"] not in CAME:
        raise UsageError("there is no such span of time", path="came")
    return Question(types=tuple(types), **told)  # type: ignore[arg-type]


def spans(store: Store) -> tuple[Span, ...]:
    """What `CAME` means now, in its order: today and this year are the node's own, the last days are whole ones with today."""
    zone = zone_of(store.settings.country)
    today = to_datetime(store.clock()).astimezone(zone).date()
    year = _midnight(today.replace(month=1, day=1), zone)
    week, month = (_midnight(today - timedelta(days=days - 1), zone) for days in (7, 30))
    return (_midnight(today, zone), None), (week, None), (month, None), (year, None), (None, year)


def days(store: Store, count: int) -> list[tuple[date, Span]]:
    """The last days of the node, today last, each from midnight to midnight."""
    zone = zone_of(store.settings.country)
    today = to_datetime(store.clock()).astimezone(zone).date()
    found = [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
    return [(day, (_midnight(day, zone), _midnight(day + timedelta(days=1), zone))) for day in found]


def moment(text: str, zone: tzinfo, *, path: str, after: bool = False) -> int:
    """A time (RFC 3339), or a day of a zone: its beginning, or with `after` its end, in microseconds. Raises UsageError."""
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return _midnight(day + timedelta(days=1) if after else day, zone)
        return from_text(text)
    except (ValueError, OverflowError):
        raise UsageError("neither a day, such as 2026-01-31, nor an RFC 3339 time", path=path) from None


def _midnight(day: date, zone: tzinfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


__all__ = [
    "CAME", "AreaName", "Came", "CameFrom", "CameIn", "CameTo", "Confidence", "ConfidenceIn", "Domain", "DomainName", "LabelOf",
    "Question", "RegionName", "SourceName", "Types", "Value", "Words", "days", "moment", "question_of", "spans",
]  # fmt: skip
