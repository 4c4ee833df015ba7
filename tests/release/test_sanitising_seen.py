"""What is suggested and shown to one of one's own people is a function of what they see: of what is hidden from them nothing is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from kizuna.errors import KizunaError
from kizuna.labels import Principal, parse_label
from kizuna.release.sanitising import Wish, everybody, show
from kizuna.store import Partner, Store
from kizuna.store.outgoing import SeenOutgoing
from tests.builders import AMBER, CLEAR, RED, campaign, definition, identity, items, relationship, report, sdo
from tests.conftest import Clock

BOARD = identity("Harbour Board", object_marking_refs=[CLEAR])
PERSON = sdo("identity", "Aoki Hanako", identity_class="individual", object_marking_refs=[AMBER])
STATEMENT = {**definition("copyright"), "definition_type": "statement", "definition": {"statement": "ours"}}
del STATEMENT["extensions"]
ONE = campaign("Lantern", description="Harbour Board, Secret Kraken, Aoki Hanako", objective="Quay Seven", aliases=["Kraken", "10.2.2.2"],
               object_marking_refs=[AMBER, STATEMENT["id"]], created_by_ref="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01")  # fmt: skip
ABOUT = report("About", [ONE, BOARD, PERSON], description="Secret Kraken at Quay Seven", object_marking_refs=[AMBER])
SEEN = ({**STATEMENT, "object_marking_refs": [CLEAR]}, BOARD, PERSON, ONE, ABOUT)


def sighting(name: str, **more: Any) -> dict[str, Any]:
    made = sdo("sighting", name, sighting_of_ref=ONE["id"], **more)
    del made["name"]
    return made


KRAKEN = campaign("Secret Kraken", object_marking_refs=[RED])
QUAY = sdo("location", "Quay Seven", region="eastern-asia", object_marking_refs=[RED])
HIDDEN: dict[str, list[dict[str, Any]]] = {
    "a victim": [relationship(ONE, "targets", BOARD, object_marking_refs=[RED])],
    "a withheld name": [KRAKEN, relationship(ONE, "related-to", KRAKEN, object_marking_refs=[RED])],
    "an observer": [QUAY, sighting("hidden", where_sighted_refs=[QUAY["id"]], object_marking_refs=[RED])],
    "who is a victim": [identity("Harbour Board", roles=["victim"], modified="2026-02-01T00:00:00.000Z", object_marking_refs=[RED])],
    "a newer version": [{**ONE, "modified": "2026-03-01T00:00:00.000Z", "object_marking_refs": [RED]}],
    "many links": [relationship(campaign(f"x {n}"), "targets", ONE, object_marking_refs=[RED]) for n in range(600)],
}  # fmt: skip
WISHES: tuple[tuple[tuple[str, ...] | None, str | None, str | None], ...] = (
    (None, None, None), (None, "TLP:CLEAR", "TLP:RED"), (("description",), "TLP:CLEAR", None),
    (("aliases.[1]",), "TLP:GREEN to=UKR", "OWN"),
    (("name",), "TLP:CLEAR", None),
)  # fmt: skip


def told(store: Store, asker: Principal) -> list[Any]:
    """Everything that the asker is told of all that is seen, for both partners."""
    found: list[Any] = []
    for one in SEEN[1:]:
        for partner in ("Brussels", "Kyiv"):
            for cuts, *labels in WISHES:
                label, keep = (
                    None if text is None else parse_label(text, originator=store.organisation) for text in labels
                )
                with store.database.snapshot() as reader:

                    def look(name: str, reader: Any = reader) -> SeenOutgoing:
                        return SeenOutgoing(store, reader, name, asker)

                    try:
                        shown = show(store, reader, look, partner, one["id"], Wish(cuts, label, keep))
                    except KizunaError as error:
                        found.append((type(error), str(error)))
                        continue
                made = None if shown.rendition is None else shown.rendition.raw
                seen = (
                    shown.of.data,
                    shown.of.own,
                    shown.why_not,
                    shown.suggestions,
                    shown.cuts,
                    shown.form,
                    shown.reasons,
                )
                found.append((*seen, shown.redacted, shown.remaining, shown.told, made, shown.effects))
    return found


@pytest.fixture
def two(make_store: Callable[..., Store]) -> tuple[Store, Store]:
    """Two stores that hold the same, with one key."""
    stores = make_store(), make_store()
    shutil.copy2(stores[0].folder / "node.key", stores[1].folder / "node.key")
    for store in stores:
        for name, receives in (("Brussels", ("TLP:CLEAR", "TLP:AMBER")), ("Kyiv", ("TLP:CLEAR",))):
            country = "BEL" if name == "Brussels" else "UKR"
            store.put_partner(
                Partner(name=name, organisation=f"CERT {name} (fictional)", country=country, receives=receives)
            )
    return stores


@pytest.mark.parametrize("name", [*HIDDEN, "all of it"])
def test_what_is_hidden_is_as_if_it_were_not_here(two: tuple[Store, Store], clock: Clock, name: str) -> None:
    full, bare = two
    hidden = [one for some in HIDDEN.values() for one in some] if name == "all of it" else HIDDEN[name]
    for store in two:
        if store is full and name not in ("a newer version", "who is a victim", "all of it"):
            list(
                store.writer(store.own_source()).add(items(*hidden))
            )  # before what is seen, so that it comes first everywhere
        list(store.writer(store.own_source()).add(items(*SEEN)))
        if store is full:
            list(store.writer(store.own_source()).add(items(*hidden)))
    clock.forward(1)
    asker = full.principal_of_person("reader")
    ours, theirs = told(full, asker), told(bare, bare.principal_of_person("reader"))
    for one, other in zip(ours, theirs, strict=True):
        assert one == other
    assert any(line[0] is not None and len(line) > 2 and line[10] is not None for line in ours)


def test_who_sees_it_is_told(two: tuple[Store, Store]) -> None:
    """The keeper of the folder is told of a victim that a reader may not know to be one."""
    full, _ = two
    list(
        full.writer(full.own_source()).add(
            items(*SEEN, relationship(ONE, "targets", BOARD, object_marking_refs=[AMBER]))
        )
    )
    codes = {(one.selector, one.code) for one in told(full, full.principal_of_person("reader"))[10 * 2][3]}
    assert ("description", "victim") in codes


def test_a_link_in_a_part_that_is_not_seen_is_none(two: tuple[Store, Store]) -> None:
    full, bare = two
    other = campaign("Other", object_marking_refs=[CLEAR])
    link = sdo(
        "sighting",
        "in part",
        sighting_of_ref=other["id"],
        where_sighted_refs=[BOARD["id"]],
        object_marking_refs=[AMBER],
    )
    del link["name"]
    told_of = {
        **link,
        "x_about_ref": ONE["id"],
        "granular_markings": [{"marking_ref": RED, "selectors": ["x_about_ref"]}],
    }
    for store, one in ((full, told_of), (bare, link)):
        assert {o.status for o in store.writer(store.own_source()).add(items(*SEEN, other, one))} == {"imported"}
    assert told(full, full.principal_of_person("reader")) == told(bare, bare.principal_of_person("reader"))
    with full.database.snapshot() as reader:
        found = show(full, reader, everybody(full, reader), "Kyiv", ONE["id"], Wish())
    assert ("description", "observer") in {(one.selector, one.code) for one in found.suggestions}
