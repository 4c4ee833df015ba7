"""What is cut for a partner: suggested, shown exactly as it would leave, and stored by nobody's word but a person's."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.labels import Form, parse_label
from kizuna.release.sanitising import Shown, Wish, apply, everybody, show
from kizuna.release.suggesting import subject, suggest
from kizuna.stix import check
from kizuna.stix.selectors import SELECTOR, resolve
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.outgoing import Outgoing
from kizuna.store.releasing import Releases
from kizuna.store.standing import Named, Rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, definition, identity, items, relationship, report, sdo


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo, with a partner that receives CLEAR and one that receives AMBER as well; a rule sends what is CLEAR, parts too.

    What it sends is not looked through: whoever does not cut what is suggested sees that it leaves.
    """
    object.__setattr__(store, "settings", msgspec.structs.replace(store.settings, scan=False))
    for name, receives in (("Kyiv", ("TLP:CLEAR",)), ("Brussels", ("TLP:CLEAR", "TLP:AMBER"))):
        store.put_partner(Partner(name=name, organisation=f"CERT {name} (fictional)", country="UKR", receives=receives))
    Accounts(store).add_user("aoki", ("releaser",), by="test")
    rule = msgspec.convert({"name": "parts", "act": "send", "parts": True, "labels": ["TLP:CLEAR"]}, Named)
    Rules(store).put([rule], by="test")
    Releases(store).grant("parts", by="aoki")
    return store


def put(store: Store, *objects: dict[str, Any], **more: Any) -> None:
    assert {o.status for o in store.writer(store.own_source(), **more).add(items(*objects))} == {"imported"}


def label(store: Store, text: str) -> Any:
    return parse_label(text, originator=store.organisation)


def shown(
    store: Store, one: dict[str, Any], *cuts: str, to: str | None = None, keep: str | None = None, partner: str = "Kyiv"
) -> Shown:
    wish = Wish(cuts or None, None if to is None else label(store, to), None if keep is None else label(store, keep))
    with store.database.snapshot() as reader:
        return show(store, reader, everybody(store, reader), partner, one["id"], wish)


def suggested(store: Store, one: dict[str, Any], partner: str = "Kyiv") -> list[tuple[str, str]]:
    with store.database.snapshot() as reader:
        outgoing = Outgoing(store, reader, partner)
        return [(s.selector, s.code) for s in suggest(outgoing, subject(outgoing, one["id"]))]


def fed(store: Store, partner: str = "Kyiv") -> list[dict[str, Any]]:
    assert list(verify(store)) == []
    return [json.loads(row.raw) for row in store.feed(partner).read(Query(), 0, 1_000).rows]


VICTIM = identity("Harbour Board", object_marking_refs=[RED])
ONE = campaign(
    "Amber Lantern",
    description="Harbour Board was hit first.",
    objective="berth schedules",
    object_marking_refs=[AMBER],
)


def test_it_is_shown_and_then_exactly_that_leaves(tokyo: Store) -> None:
    put(tokyo, VICTIM, ONE, relationship(ONE, "targets", VICTIM, object_marking_refs=[RED]))
    assert ("description", "victim") in suggested(tokyo, ONE)
    found = shown(tokyo, ONE, "description", to="TLP:CLEAR")
    assert (found.form, found.redacted, found.told) == (Form.RENDITION, ("description",), ())
    assert found.rendition is not None
    assert fed(tokyo) == []
    apply(tokyo, found, by="test")
    (sent,) = fed(tokyo)
    rows = tokyo.feed("Kyiv").read(Query(), 0, 10).rows
    assert [row.raw for row in rows] == [found.rendition.raw]
    assert "Harbour" not in json.dumps(sent)
    assert ONE["id"] not in json.dumps(sent)
    assert [one["id"] for one in fed(tokyo, "Brussels")] == [ONE["id"]]


def test_nothing_is_stored_by_showing(tokyo: Store) -> None:
    put(tokyo, VICTIM, ONE)
    before = tokyo.custodian().history(ONE["id"]).items, tokyo.audit_trail()
    for to in (None, "TLP:CLEAR", "TLP:GREEN", "TLP:RED"):
        shown(tokyo, ONE, "description", to=to)
    assert (tokyo.custodian().history(ONE["id"]).items, tokyo.audit_trail()) == before


def test_without_a_label_it_is_as_if_the_rest_might_leave(tokyo: Store) -> None:
    put(tokyo, ONE)
    found = shown(tokyo, ONE, "description")
    assert (found.form, found.draft, found.rendition, found.effects) == (Form.RENDITION, None, None, [])
    assert "description" not in found.remaining
    assert "objective" in found.remaining
    assert found.why_not
    with pytest.raises(Refused, match="nothing of it would leave"):
        apply(tokyo, found, by="test")


def test_a_label_that_keeps_it_is_told_and_not_applied(tokyo: Store) -> None:
    put(tokyo, ONE)
    found = shown(tokyo, ONE, "description", to="TLP:AMBER", keep="TLP:RED")
    assert (found.form, found.rendition) == (Form.WITHHELD, None)
    with pytest.raises(Refused, match="nothing of it would leave"):
        apply(tokyo, found, by="test")


def test_it_is_told_for_whom_else_it_opens(tokyo: Store) -> None:
    put(tokyo, ONE)
    found = shown(tokyo, ONE, "description", to="TLP:CLEAR")
    assert [(e.partner, e.before, e.after) for e in found.effects] == [
        ("Brussels", Form.WHOLE, Form.WHOLE),
        ("Kyiv", Form.WITHHELD, Form.RENDITION),
    ]
    found = shown(tokyo, ONE, "description", to="TLP:CLEAR", keep="TLP:RED")
    assert [(e.before, e.after) for e in found.effects] == [
        (Form.WHOLE, Form.RENDITION), (Form.WITHHELD, Form.RENDITION)
    ]  # fmt: skip


def test_what_is_cut_is_cut_wherever_it_stands(tokyo: Store) -> None:
    one = campaign("One", description="Hit: Harbour Board", objective="Get into HARBOUR-BOARD", aliases=["Harbour Board", "Paper"],
                   object_marking_refs=[AMBER])  # fmt: skip
    put(tokyo, one)
    found = shown(tokyo, one, "aliases.[0]", to="TLP:CLEAR")
    assert [(cut.selector, cut.told_elsewhere) for cut in found.cuts] == [
        ("aliases.[0]", False), ("description", True), ("objective", True)
    ]  # fmt: skip
    apply(tokyo, found, by="test")
    (sent,) = fed(tokyo)
    assert (sent["aliases"], "description" in sent, "objective" in sent) == (["Paper"], False, False)


def test_a_name_that_is_cut_takes_all_of_it(tokyo: Store) -> None:
    one = campaign("Harbour Board", description="About Harbour Board", object_marking_refs=[AMBER])
    put(tokyo, one)
    found = shown(tokyo, one, "description", to="TLP:CLEAR")
    assert found.form is Form.RENDITION  # a description is looked for by its sentences, not by its words
    found = shown(tokyo, one, "name", to="TLP:CLEAR")
    assert found.form is Form.WITHHELD
    assert {"required-property"} <= {reason.code for reason in found.reasons}


def test_what_it_refers_to_is_cut_with_it(tokyo: Store) -> None:
    open_one = campaign("Open", object_marking_refs=[CLEAR])
    about = report("About", [VICTIM, open_one], description="what happened", object_marking_refs=[AMBER])
    put(tokyo, VICTIM, open_one, about)
    assert ("object_refs.[0]", "withheld-reference") in suggested(tokyo, about)
    found = shown(tokyo, about, "description", to="TLP:CLEAR")
    assert found.redacted == ("description", "object_refs")
    apply(tokyo, found, by="test")
    (sent,) = [one for one in fed(tokyo) if one["type"] == "report"]
    assert sent["object_refs"] == [open_one["id"]]


def test_labels_of_several_parts_and_of_ours(tokyo: Store) -> None:
    put(tokyo, ONE)
    to = shown(tokyo, ONE, "description", to="TLP:AMBER to=UKR", keep="TLP:AMBER+STRICT to=JPN")
    assert to.rendition is not None
    assert to.draft is not None
    assert len(to.draft.definitions) == 2
    apply(tokyo, to, by="test")
    assert {one["type"] for one in fed(tokyo)} == {"marking-definition"}  # no rule sends it: that is for people
    acted = Releases(tokyo).approve("Kyiv", [ONE["id"]], by="aoki")
    assert acted.failed == ()
    sent = [one for one in tokyo.feed("Kyiv").read(Query(), 0, 10).rows if one.id.startswith("campaign")]
    assert [row.raw for row in sent] == [to.rendition.raw]


def test_a_copyright_stays_and_marks_that_stand_stay(tokyo: Store) -> None:
    statement = {**definition("copyright"), "definition_type": "statement", "definition": {"statement": "ours"}}
    del statement["extensions"]
    one = campaign("Marked", description="x y z", objective="o", object_marking_refs=[AMBER, statement["id"]],
                   granular_markings=[{"marking_ref": RED, "selectors": ["objective"]}])  # fmt: skip
    put(tokyo, {**statement, "object_marking_refs": [CLEAR]}, one)
    assert ("objective", "marked-stricter") in suggested(tokyo, one)
    found = shown(tokyo, one, "description", to="TLP:CLEAR")
    assert found.draft is not None
    assert found.draft.data["object_marking_refs"] == [CLEAR, statement["id"]]
    assert found.redacted == ("description", "objective")
    apply(tokyo, found, by="test")
    (sent,) = [one for one in fed(tokyo) if one["type"] == "campaign"]
    assert (sent["object_marking_refs"], "objective" in sent) == ([CLEAR, statement["id"]], False)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"created_by_ref": VICTIM["id"]}, "only its maker"),
        ({"revoked": True}, "revoked"),
    ],
)
def test_who_may_not_make_a_version(tokyo: Store, change: dict[str, Any], why: str) -> None:
    one = {**ONE, **change}
    put(tokyo, VICTIM, one)
    assert shown(tokyo, one, "description").form is Form.RENDITION
    with pytest.raises(Refused, match=why):
        shown(tokyo, one, "description", to="TLP:CLEAR")


def test_of_others_nothing_is_loosened(tokyo: Store) -> None:
    assert [o.status for o in tokyo.writer(tokyo.partner_source("Brussels")).add(items(ONE))] == ["imported"]
    assert shown(tokyo, ONE, "description").form is Form.RENDITION
    with pytest.raises(Refused, match="only its owner"):
        shown(tokyo, ONE, "description", to="TLP:CLEAR")
    put_again = list(tokyo.writer(tokyo.own_source()).add(items(ONE)))  # the same bytes, brought by one's own people
    assert [o.status for o in put_again] == ["imported"]
    with pytest.raises(Refused, match="only its owner"):
        shown(tokyo, ONE, "description", to="TLP:CLEAR")


def test_what_is_no_version_and_what_is_wrong(tokyo: Store) -> None:
    address = {"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
               "value": "10.1.2.3", "object_marking_refs": [AMBER]}  # fmt: skip
    put(tokyo, ONE, address)
    assert suggested(tokyo, address) == [("value", "internal-address")]
    with pytest.raises(Refused, match="no versions"):
        shown(tokyo, address, "value", to="TLP:CLEAR")
    for wrong in ("descr", "aliases.[0]", "description.x", "labels.[99999999999999]", "\0", "object marking"):
        with pytest.raises(UsageError):
            shown(tokyo, ONE, wrong, to="TLP:CLEAR")
    with pytest.raises(UsageError, match="stricter"):
        shown(tokyo, ONE, "description", to="TLP:CLEAR", keep="TLP:CLEAR")
    with pytest.raises(NotFound):
        shown(tokyo, campaign("none"), "name")


def test_what_is_another_by_now_is_not_done(tokyo: Store) -> None:
    put(tokyo, ONE)
    found = shown(tokyo, ONE, "description", to="TLP:CLEAR")
    tokyo.relabel(ONE["id"], label(tokyo, "TLP:RED"), by="test")
    with pytest.raises(Conflict):
        apply(tokyo, found, by="test")
    again = shown(tokyo, ONE, "description", to="TLP:CLEAR")
    tokyo.put_partner(Partner(name="Seoul", organisation="CERT Seoul (fictional)", country="KOR"))
    put(
        tokyo,
        campaign("Amber Lantern", modified="2026-02-01T00:00:00.000Z", object_marking_refs=[AMBER], description="new"),
    )
    with pytest.raises(Conflict):
        apply(tokyo, again, by="test")
    assert len(tokyo.custodian().history(ONE["id"]).items) == 2
    assert fed(tokyo) == []


TEXTS = {
    "email": "write to a.sato@cert-tokyo.example today",
    "account": r"logged in as HARBOUR\svc_backup at night",
    "internal-address": "from 10.20.30.40 and [fd00::1]",
    "internal-host": "on db01.berths.internal, then quiet",
    "position": "the sensor stands at 35.6762, 139.6503",
}


@pytest.mark.parametrize("code", TEXTS)
def test_what_a_text_tells(tokyo: Store, code: str) -> None:
    put(tokyo, {**ONE, "description": TEXTS[code]})
    assert ("description", code) in suggested(tokyo, ONE)


def test_what_is_around_an_object(tokyo: Store) -> None:
    place = sdo("location", "Quay", latitude=35.1, longitude=139.2, object_marking_refs=[RED])
    person = sdo("identity", "Aoki Hanako", identity_class="individual", object_marking_refs=[CLEAR])
    sensor = identity("Sensor Seven", contact_information="ops@sensor.example", object_marking_refs=[RED])
    hidden = campaign("Secret Kraken", object_marking_refs=[RED])
    about = report("About", [hidden, person], description="Secret Kraken, says Aoki Hanako, near Sensor Seven.",
                   object_marking_refs=[AMBER], created_by_ref=sensor["id"], x_grid="4711",
                   external_references=[{"source_name": "wiki", "url": "https://wiki/page"}])  # fmt: skip
    sighting = sdo("sighting", "seen", sighting_of_ref=hidden["id"], where_sighted_refs=[place["id"], sensor["id"]],
                   description="Quay, by Sensor Seven", object_marking_refs=[AMBER])  # fmt: skip
    del sighting["name"]
    put(tokyo, place, person, sensor, hidden, about, sighting)
    assert set(suggested(tokyo, about)) == {
        ("created_by_ref", "maker-withheld"), ("description", "withheld-text"), ("description", "person"),
        ("external_references.[0]", "internal-source"), ("object_refs.[0]", "withheld-reference"), ("object_refs.[1]", "person"),
        ("x_grid", "custom-property"),
    }  # fmt: skip
    assert {("where_sighted_refs.[0]", "position"), ("where_sighted_refs.[1]", "observer"), ("description", "observer"),
            ("description", "withheld-text")} <= set(suggested(tokyo, sighting))  # fmt: skip
    assert {("latitude", "position"), ("longitude", "position")} <= set(suggested(tokyo, place))
    assert {("contact_information", "contact"), ("contact_information", "email")} <= set(suggested(tokyo, sensor))


PIECES = (
    "Harbour Board",
    "a.sato@cert.example",
    "10.9.8.7",
    "db.berths.internal",
    "Secret Kraken",
    "plain words",
    "35.6762, 139.6503",
)


def test_whatever_is_cut_is_gone(tokyo: Store) -> None:
    """Many objects, each with the same texts in many places: what is cut stands nowhere in what leaves, nor what is withheld."""
    kraken = campaign("Secret Kraken", object_marking_refs=[RED])
    put(tokyo, VICTIM, kraken, open_one := campaign("Open", object_marking_refs=[CLEAR]))
    left = 0
    for number in range(24):
        piece, other = PIECES[number % 7], PIECES[number * 3 % 7]
        one = report(f"Report {number}", [VICTIM, kraken, campaign("Amber Lantern"), open_one], description=f"It was {piece} and that.",
                     x_note=[other, "kept"], labels=[piece, "free"], object_marking_refs=[GREEN if number % 2 else AMBER],
                     external_references=[{"source_name": "own", "description": f"as told: {other}"}])  # fmt: skip
        put(tokyo, one) if number else put(tokyo, ONE, one)
        found = suggested(tokyo, one)
        for selector, _ in found:
            assert SELECTOR.fullmatch(selector)
            resolve(one, selector)
        cuts = ("labels.[0]", "external_references.[0]") if number % 3 == 0 else ()
        shows = shown(tokyo, one, *cuts, to="TLP:CLEAR", keep="TLP:AMBER+STRICT")
        if shows.form is not Form.RENDITION:
            assert shows.rendition is None
            continue
        left += 1
        apply(tokyo, shows, by="test")
        assert shows.rendition is not None
        text = shows.rendition.raw.decode()
        for cut in shows.cuts:
            if cut.selector.startswith(("labels", "x_note.")):
                assert json.dumps(resolve(one, cut.selector)) not in text
        gone = [VICTIM["id"][10:], kraken["id"][10:], ONE["id"][10:], one["id"][8:]]
        if any(cut.selector == "labels.[0]" for cut in shows.cuts):
            gone.append(piece)
        for hidden in gone:
            assert hidden not in text
        sent = {row.raw for row in tokyo.feed("Kyiv").read(Query(), 0, 1_000).rows}
        assert shows.rendition.raw in sent
        assert [p for p in check(json.loads(text)) if p.severity == "error"] == []
    assert left >= 8
    assert list(verify(tokyo)) == []


def test_what_stands_in_too_many_places_is_cut_by_the_property(tokyo: Store) -> None:
    aliases = [VICTIM["name"], *(f"the {VICTIM['name']} {n}" for n in range(1_001))]
    one = campaign("many", aliases=aliases, object_marking_refs=[AMBER])
    put(tokyo, one)
    with tokyo.database.snapshot() as reader:
        with pytest.raises(UsageError, match="more than 1000 places"):
            show(tokyo, reader, everybody(tokyo, reader), "Kyiv", one["id"], Wish(("aliases.[0]",), None, None))
        shown = show(tokyo, reader, everybody(tokyo, reader), "Kyiv", one["id"], Wish(("aliases",), None, None))
    assert [cut.selector for cut in shown.cuts] == ["aliases"]
