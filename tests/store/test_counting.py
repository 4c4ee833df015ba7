"""Facets and counts: what they say is what a search through all pages finds, for everybody, whatever was done before."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from kizuna.errors import NotFound, Refused
from kizuna.labels import format_label, parse_label
from kizuna.stix import sco_id
from kizuna.store import Partner, Source, Store, Stored, View
from kizuna.store.columns import Several
from kizuna.store.confidence import BANDS, band_of
from kizuna.store.domains import domain_of
from kizuna.store.model import Span
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, items, report

CERT = "CERT Tokyo (fictional)"
WORDS = ("storm", "quiet", "攻撃")
AREAS = ("cyber-defence", "emerging-technologies", "nowhere")
COUNTRIES = {"own": "JPN", "partner:Brussels": "BEL", "partner:Kyiv": "UKR"}
LABELS = ("TLP:CLEAR", "TLP:RED persons=ann", "TLP:RED persons=bob", "TLP:AMBER")


def bring(store: Store, source: Source, *objects: dict[str, Any], **more: Any) -> None:
    """Import, whatever becomes of it."""
    list(store.writer(source, **more).add(items(*objects)))


def everything(view: View, **asked: Any) -> list[Stored]:
    """What all pages of a search show."""
    found: list[Stored] = []
    cursor = None
    while True:
        page = view.search(**asked, limit=3, cursor=cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


def as_counted(view: View, spans: Sequence[Span] = (), **asked: Any) -> dict[str, Any]:
    """What facets say, to be compared."""
    facets = view.facets(**asked, spans=spans)
    return {
        "objects": facets.objects,
        "types": {c.value: c.count for c in facets.types},
        "areas": {c.value: c.count for c in facets.areas},
        "sources": {c.value: c.count for c in facets.sources},
        "labels": Counter({format_label(c.value) + c.value.originator: c.count for c in facets.labels}),
        "domains": {c.value: c.count for c in facets.domains},
        "countries": {c.value: c.count for c in facets.countries},
        "confidences": {c.value: c.count for c in facets.confidences},
        "spans": facets.spans,
    }


def as_found(view: View, spans: Sequence[Span] = (), **asked: Any) -> Any:
    """The same, by looking through everything."""

    def but(*fields: str) -> list[Stored]:
        return everything(view, **{field: value for field, value in asked.items() if field not in fields})

    return {
        "objects": len(but()),
        "types": Counter(one.type for one in but("types")),
        "areas": Counter(one.area for one in but("area")),
        "sources": Counter(one.source for one in but("source")),
        "labels": Counter(format_label(one.label) + one.label.originator for one in but("label")),
        "domains": _some(domain_of(one.area, one.type, one.source) for one in but("domain")),
        "countries": _some(COUNTRIES.get(one.source) for one in but("countries")),
        "confidences": Counter(band_of(msgspec.json.decode(one.raw)) for one in but("confidence")),
        "spans": [
            sum((since or 0) <= one.added < (until or 2**62) for one in but("since", "until")) for since, until in spans
        ],
    }


def _some(values: Iterable[str | None]) -> Counter[str]:
    return Counter(value for value in values if value is not None)


class Days:
    """A store to which all sorts of things happen."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        store.put_partner(
            Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR", "TLP:AMBER"))
        )
        store.put_partner(Partner(name="Kyiv", organisation="K", country="UKR", default_label="TLP:CLEAR"))
        self.sources = [store.own_source(), store.partner_source("Brussels"), store.partner_source("Kyiv")]
        self.ids: set[str] = set()

    def step(self) -> None:
        """Something happens."""
        chance = self.random.random()
        if chance < 0.7 or not self.ids:
            self._bring()
        elif chance < 0.85:
            self._relabel()
        else:
            with suppress(NotFound):
                self.store.hide(self.random.choice(sorted(self.ids)), by="ann")

    def _bring(self) -> None:
        pick = self.random.choice
        text = f"{pick(WORDS)} {pick(WORDS)}"
        if pick((True, False)):
            mark = pick((CLEAR, GREEN, AMBER, RED))
            one = campaign(
                f"c{pick('12345')}",
                modified=f"2026-0{pick('123')}-01T00:00:00.000Z",
                description=text,
                object_marking_refs=[mark],
                confidence=pick((0, 29, 30, 69, 70, 100)),
            )
            if pick((True, False, False)):
                one["granular_markings"] = [{"marking_ref": RED, "selectors": [pick(("description", "confidence"))]}]
        else:
            # An id that follows from the value: every source may bring it, each with words of its own.
            number = pick("12")
            one = {"type": "ipv4-addr", "spec_version": "2.1", "value": f"192.0.2.{number}", "x_note": text,
                   "id": ""}  # fmt: skip
            one["id"] = _id_of(one)
        label = parse_label(pick(LABELS), originator=CERT)
        bring(self.store, pick(self.sources), one, label=pick((label, None)), area=pick((None, *AREAS)))
        if self.store.custodian().get(one["id"]) is not None:
            self.ids.add(one["id"])

    def _relabel(self) -> None:
        label = parse_label(self.random.choice(LABELS), originator=CERT)
        with suppress(Refused, NotFound):  # some may only be tightened, and some were deleted
            self.store.relabel(self.random.choice(sorted(self.ids)), label, by="ann")


def _id_of(one: dict[str, Any]) -> str:
    found = sco_id(one)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(3))
def test_facets_say_what_a_search_finds(store: Store, seed: int) -> None:
    days = Days(store, seed)
    views = [store.custodian(), *(store.view(store.principal_of_person(who)) for who in ("ann", "bob", None))]
    moments: list[int] = []
    for _ in range(6):
        for _ in range(4):
            days.step()
            moments.append(
                max((one.added for one in everything(store.custodian())), default=1) + days.random.choice((0, 1))
            )
        spans: list[Span] = [(None, None), (moments[0], None), (moments[-2], moments[-1]), (None, moments[2])]
        asked: dict[str, Any] = {
            "text": days.random.choice((None, *WORDS)),
            "value": days.random.choice((None, None, "192.0.2[.]1")),
            "types": days.random.choice(((), ("campaign",), ("ipv4-addr", "campaign"), ("note",))),
            "area": days.random.choice((None, None, *AREAS)),
            "source": days.random.choice((None, None, *(one.name for one in days.sources), "nobody")),
            "label": days.random.choice((None, None, *LABELS)),
            "domain": days.random.choice((None, None, "cyber", "air", "none such")),
            "countries": days.random.choice((None, None, ("JPN",), ("BEL", "UKR"), ())),
            "confidence": days.random.choice((None, None, *BANDS, "none such")),
            "since": days.random.choice((None, None, *moments)),
            "until": days.random.choice((None, None, *moments)),
        }
        for view in views:
            assert as_counted(view, spans, **asked) == as_found(view, spans, **asked), asked
            stats, seen = view.stats(), everything(view)
            assert (stats.objects, stats.by_type) == (len(seen), dict(sorted(Counter(o.type for o in seen).items())))
            assert {area.area: area.held for area in view.traffic()} == Counter(one.area for one in seen)
            for one in seen:
                assert view.get(one.id) == one
                assert view.history(one.id).items[0].raw == one.raw


def test_of_contents_that_came_in_turns_the_newest_is_shown(store: Store) -> None:
    days = Days(store, 0)
    one = {"type": "ipv4-addr", "spec_version": "2.1", "value": "192.0.2.7", "x_note": "a"}
    one["id"] = _id_of(one)
    own, brussels, _ = days.sources
    bring(store, own, one)
    bring(store, own, {**one, "x_note": "b"})
    bring(store, brussels, one)
    view = store.custodian()
    found = view.get(one["id"])
    assert found is not None
    assert b'"b"' in found.raw
    assert view.facets().objects == 1
    assert [stored.id for stored in everything(view)] == [one["id"]]


def test_counts_follow_without_reading_all_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    view = store.custodian()
    bring(store, store.own_source(), *(campaign(f"n{i}", description="storm") for i in range(20)))
    assert view.facets("storm").objects == 20
    asked: list[list[int]] = []
    order: Callable[..., None] = Several._order

    def ordered(several: Several, connection: Any, idents: list[int]) -> None:
        asked.append(idents)
        order(several, connection, idents)

    monkeypatch.setattr(Several, "_order", ordered)
    bring(store, store.own_source(), campaign("other", description="storm"))
    assert view.facets("storm").objects == 21
    assert asked == []
    store.hide(campaign("n3")["id"], by="ann")
    assert view.facets("storm").objects == 20
    bring(store, store.own_source(), campaign("other", description="calm", modified="2026-05-01T00:00:00.000Z"))
    assert (view.facets("storm").objects, view.facets("calm").objects, len(asked)) == (19, 1, 1)


def test_nothing_is_counted_where_there_is_nothing(store: Store) -> None:
    view = store.view(store.principal_of_person("ann"))
    questions: tuple[dict[str, Any], ...] = (
        {},
        {"text": "storm"},
        {"text": "…"},
        {"value": "192.0.2.1"},
        {"area": "cyber"},
    )
    for asked in questions:
        facets = view.facets(**asked)
        assert (facets.objects, facets.types, facets.areas, facets.sources, facets.labels) == (0, [], [], [], [])
    secret = report("s", [campaign("n")], object_marking_refs=[RED])
    bring(store, store.own_source(), campaign("n", object_marking_refs=[RED]), secret)
    assert view.facets().objects == 0
    assert store.custodian().facets().objects == 2
