"""The lattice laws of labels, and the decision table of TLP 2.0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import UsageError
from kizuna.labels import (
    Category,
    Consent,
    Label,
    Part,
    Principal,
    decide,
    exceeds,
    format_label,
    join,
    least_label,
    mark,
    parse_label,
    redact,
    to_markings,
    worded_by,
)
from kizuna.stix import BUILTIN
from kizuna.stix.builtin import LABEL_EXTENSION, TLP_1, TLP_2
from tests.builders import AMBER, CLEAR, RED, campaign, identity, named, report

NOW = 1_795_392_000_000_000
ORGANISATIONS = ("A", "B", "C")
GROUPS = ("EU", "NATO")

organisations = st.sampled_from(ORGANISATIONS)
moments = st.none() | st.sampled_from([NOW - 1, NOW, NOW + 1])
categories = st.builds(
    Category,
    st.just("Releasable To"),
    st.sampled_from(["permissive", "restrictive", "informative"]),
    st.lists(st.sampled_from((*ORGANISATIONS, *GROUPS, "JPN", "BEL")), min_size=1, max_size=2).map(tuple),
)
parts = st.builds(
    Part,
    st.just("TLP"),
    st.sampled_from(["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED", "ODD"]),
    st.lists(categories, max_size=2).map(tuple),
    st.none() | st.sampled_from(GROUPS),
    st.lists(st.sampled_from(["ann", "ben", "ann@A", "ben@B", ("ann", "C")]), max_size=2).map(tuple),
    st.none(),
    moments,
    moments,
) | st.sampled_from(
    [
        Part("PUBLIC", "PUBLIC"),
        Part("PUBLIC", "SECRET"),
        Part("OWN", "OWN"),
        Part("KIZUNA-EXAMPLE", "GUARDED"),
        Part("X", "Y"),
    ]
)
labels = st.builds(Label, organisations, st.lists(parts, max_size=3).map(tuple))
principals = st.builds(
    Principal,
    organisations,
    st.none() | st.sampled_from(["ann", "ben"]),
    st.sampled_from(["JPN", "BEL", "UKR"]),
    st.sampled_from([(), (("KIZUNA-EXAMPLE", "GUARDED"),), (("KIZUNA-EXAMPLE", "SEALED"),)]),
    st.lists(st.tuples(st.sampled_from(GROUPS), moments, moments), max_size=2).map(tuple),
    st.lists(organisations, max_size=1).map(tuple),
)
consents = st.lists(
    st.builds(
        Consent,
        organisations,
        st.sampled_from(
            ["TLP:AMBER", "TLP:AMBER+STRICT", "TLP:AMBER to=B", "campaign--6c285cd9-8254-46dd-ad98-e0024c91931a"]
        ),
        organisations,
        moments,
    ),
    max_size=2,
)


@given(labels, labels, principals, principals, consents)
def test_the_join_allows_exactly_what_both_allow(
    a: Label, b: Label, recipient: Principal, holder: Principal, given_: list[Consent]
) -> None:
    def allowed(label: Label) -> bool:
        return decide(label, recipient, holder=holder, at=NOW, consents=given_).allowed

    assert allowed(join(a, b)) == (allowed(a) and allowed(b))


@given(labels, labels, labels, principals, principals)
def test_the_order_of_joining_does_not_matter(
    a: Label, b: Label, c: Label, recipient: Principal, holder: Principal
) -> None:
    def verdict(label: Label) -> bool:
        return decide(label, recipient, holder=holder, at=NOW).allowed

    assert verdict(join(a, b)) == verdict(join(b, a))
    assert verdict(join(join(a, b), c)) == verdict(join(a, join(b, c)))
    assert join(a, a) == a


@given(labels, principals, principals)
def test_without_parts_a_label_means_own_organisation_only(
    other: Label, recipient: Principal, holder: Principal
) -> None:
    nothing = Label("A", ())
    own = recipient.organisation == holder.organisation
    assert decide(nothing, recipient, holder=holder, at=NOW).allowed == own
    both = decide(join(nothing, other), recipient, holder=holder, at=NOW).allowed
    assert both == (own and decide(other, recipient, holder=holder, at=NOW).allowed)
    (stated,) = to_markings(nothing)
    again = mark(campaign("c", object_marking_refs=[stated["id"]]), lambda _id: stated, originator="Z").label
    assert decide(again, recipient, holder=holder, at=NOW).allowed == own


@given(labels, st.sampled_from(["ann", "ben", "ann@A"]), organisations, organisations, principals)
def test_a_person_of_another_organisation_with_the_same_name_is_somebody_else(
    label: Label, person: str, home: str, other: str, holder: Principal
) -> None:
    named = Label(label.originator, (Part("TLP", "RED", persons=((person, home),)),))  # type: ignore[arg-type]
    stranger = Principal(other, person)
    if decide(named, stranger, holder=holder, at=NOW).allowed:
        assert (other, person) in {(home, person), (label.originator, f"{person}@{home}")}
    bare = Label(label.originator, (Part("TLP", "RED", persons=(person,)),))
    if decide(bare, stranger, holder=holder, at=NOW).allowed:
        assert (other, person) in {(label.originator, person), ("A", "ann")}


def test_names_in_a_stated_label_keep_their_organisation_elsewhere() -> None:
    (stated,) = to_markings(parse_label("TLP:RED persons=ann,bob@B", originator="A"))
    assert stated["extensions"][LABEL_EXTENSION]["persons"] == ["ann@A", "bob@B"]
    for broken in ("ann", [["ann", "A"]], [1]):
        bent = {**stated, "extensions": {LABEL_EXTENSION: {**stated["extensions"][LABEL_EXTENSION], "persons": broken}}}
        label = mark(campaign("c", object_marking_refs=[stated["id"]]), lambda _id, b=bent: b, originator="A").label  # type: ignore[misc]
        assert format_label(label) == "OWN"


def test_bare_names_of_whoever_words_a_label_are_its_own_people() -> None:
    label = worded_by(parse_label("TLP:RED persons=ann,bob@B", originator="Z"), "A")
    assert label.parts[0].persons == ("ann@A", "bob@B")
    mine = parse_label("TLP:RED persons=ann", originator="A")
    assert worded_by(mine, "A") == mine


OWN = Principal("A", "ann", "JPN", memberships=(("EU", None, None),), clients=("CLIENT",))
OTHER = Principal("B", None, "BEL")
CLIENT = Principal("CLIENT", None, "BEL")
MEMBER = Principal("M", None, "FRA", memberships=(("EU", None, None),))
MINE, THEIRS = "A", "Z"  # the holder's own, and somebody else's that it holds


@pytest.mark.parametrize(
    ("text", "originator", "recipient", "allowed"),
    [
        ("TLP:CLEAR", THEIRS, OTHER, True), ("PUBLIC", THEIRS, OTHER, True), ("PUBLIC:X", THEIRS, OTHER, False),
        ("TLP:GREEN", THEIRS, OTHER, False), ("TLP:GREEN", THEIRS, OWN, True), ("TLP:GREEN community=EU", THEIRS, MEMBER, True),
        ("TLP:GREEN community=EU", THEIRS, OTHER, False), ("TLP:GREEN", MINE, OTHER, False), ("TLP:GREEN to=BEL", MINE, OTHER, True),
        ("TLP:GREEN to=BEL", THEIRS, OTHER, False), ("TLP:GREEN to=FRA community=EU", THEIRS, MEMBER, True),
        ("TLP:AMBER", THEIRS, OWN, True), ("TLP:AMBER", THEIRS, CLIENT, True), ("TLP:AMBER", THEIRS, OTHER, False),
        ("TLP:AMBER", MINE, OTHER, True), ("TLP:AMBER to=BEL", MINE, OTHER, True), ("TLP:AMBER to=FRA", MINE, OTHER, False),
        ("TLP:AMBER to=BEL", THEIRS, OTHER, False), ("TLP:AMBER+STRICT", THEIRS, CLIENT, False),
        ("TLP:AMBER+STRICT", THEIRS, OWN, True), ("TLP:RED", THEIRS, OWN, False), ("TLP:RED persons=ann@A", THEIRS, OWN, True),
        ("TLP:RED persons=ann", THEIRS, OWN, False), ("TLP:RED persons=ann@B", MINE, OWN, False), ("TLP:RED persons=ann", MINE, OWN, True),
        ("TLP:RED persons=bob@B", MINE, Principal("B", "bob"), True), ("TLP:RED persons=bob", MINE, Principal("B", "bob"), False),
        ("TLP:RED persons=bob@B", MINE, Principal("C", "bob@B"), False), ("TLP:RED persons=bob@B", THEIRS, Principal("B", "bob"), False),

        ("TLP:RED persons=ben", MINE, OWN, False), ("TLP:RED persons=ann", MINE, OTHER, False), ("OWN", THEIRS, OWN, True),
        ("OWN", MINE, OTHER, False), ("KIZUNA-EXAMPLE:GUARDED", MINE, OTHER, False), ("SOME:LEVEL", MINE, OTHER, False),
        ("TLP:CLEAR until=2026-01-01", MINE, OTHER, False), ("TLP:CLEAR until=2026-01-01", MINE, OWN, True),
        ("TLP:CLEAR until=2026-01-01", THEIRS, OWN, True), ("TLP:CLEAR until=2026-01-01", "B", OTHER, True),
        ("TLP:CLEAR until=2026-01-01", THEIRS, OTHER, False), ("TLP:RED until=2026-01-01", MINE, OWN, False),
        ("IEP:AMBER until=2026-01-01", MINE, OWN, True), ("IEP:AMBER until=2026-01-01", MINE, OTHER, False),
        ("TLP:CLEAR from=2026-01-01", MINE, OTHER, True),
    ],
)  # fmt: skip
def test_who_may_have_what(text: str, originator: str, recipient: Principal, *, allowed: bool) -> None:
    label = (
        Label(originator, (Part("PUBLIC", "X"),)) if text == "PUBLIC:X" else parse_label(text, originator=originator)
    )
    assert decide(label, recipient, holder=OWN, at=NOW).allowed == allowed


def test_consent_of_the_originator_opens_amber_to_the_one_it_names() -> None:
    label = parse_label("TLP:AMBER", originator=THEIRS)

    def allowed(consent: Consent) -> bool:
        return decide(label, OTHER, holder=OWN, at=NOW, consents=(consent,)).allowed

    assert allowed(Consent(THEIRS, "TLP:AMBER", "B", NOW + 1))
    assert not allowed(Consent(THEIRS, "TLP:AMBER", "B", NOW))
    assert not allowed(Consent(THEIRS, "TLP:AMBER", "C", None))
    assert not allowed(Consent("B", "TLP:AMBER", "B", None))
    assert not allowed(Consent(THEIRS, "TLP:AMBER to=identity--x", "B", None))
    assert not allowed(Consent(THEIRS, "TLP:AMBER", "B", "some day"))


@pytest.mark.parametrize(
    ("start", "end", "inside"), [(NOW, None, True), (NOW + 1, None, False), (None, NOW, False), (None, NOW + 1, True)]
)
def test_membership_begins_inclusive_and_ends_exclusive(start: int | None, end: int | None, *, inside: bool) -> None:
    member = Principal("B", None, "BEL", memberships=(("EU", start, end),))
    label = parse_label("TLP:GREEN community=EU", originator="A")
    assert decide(label, member, holder=OWN, at=NOW).allowed == inside


@pytest.mark.parametrize(
    "text",
    [
        "PUBLIC", "OWN", "TLP:CLEAR", "TLP:GREEN community=EU", "TLP:AMBER to=JPN,NATO", "TLP:AMBER to=JPN to=NATO", "TLP:AMBER+STRICT",
        "TLP:RED 'persons=Ann Ö,ben'", "KIZUNA-EXAMPLE:SEALED restrictive:Project=X", "PUBLIC & TLP:AMBER",
    ],
)  # fmt: skip
def test_the_text_form_is_read_back(text: str) -> None:
    label = parse_label(text, originator="A")
    assert parse_label(format_label(label), originator="A") == label


@pytest.mark.parametrize(
    "text", ["", "TLP:BLUE", "TLP:AMBER to", "TLP:AMBER odd=1", "NONSENSE", "TLP:RED persons=a persons=b", "'"]
)
def test_what_is_no_label_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        parse_label(text, originator="A")


def test_both_families_of_tlp_are_equal() -> None:
    for one, two in (("WHITE", "CLEAR"), ("GREEN", "GREEN"), ("AMBER", "AMBER"), ("RED", "RED")):
        old = next(d["id"] for d in TLP_1.values() if d["name"] == f"TLP:{one}")
        new = next(d["id"] for d in TLP_2.values() if d["name"] == f"TLP:{two}")
        first, second = (
            mark(campaign("c", object_marking_refs=[id]), BUILTIN.get, originator="A").label for id in (old, new)
        )
        assert first == second


def test_a_forged_definition_does_not_loosen() -> None:
    forged = {**BUILTIN[RED], "extensions": BUILTIN[CLEAR]["extensions"]}
    label = mark(campaign("c", object_marking_refs=[RED]), lambda _id: forged, originator="A").label
    assert format_label(label) == "TLP:RED"


@given(labels)
def test_what_a_label_states_in_stix_means_the_same(label: Label) -> None:
    for part in label.parts:
        (definition,) = to_markings(Label("A", (part,)))
        data = campaign("c", object_marking_refs=[definition["id"]])
        again = mark(data, lambda _id, d=definition: d, originator="A").label  # type: ignore[misc]
        for recipient in (OWN, OTHER, MEMBER, CLIENT):
            before = decide(Label("A", (part,)), recipient, holder=OWN, at=NOW).allowed
            assert not decide(again, recipient, holder=OWN, at=NOW).allowed or before


def test_ceilings() -> None:
    amber = parse_label("TLP:AMBER", originator="A")
    assert exceeds(parse_label("TLP:RED", originator="A"), amber)
    assert not exceeds(parse_label("TLP:AMBER", originator="A"), amber)
    assert not exceeds(parse_label("PUBLIC", originator="A"), amber)


def test_redaction() -> None:
    def cut(*selectors: str, **more: object) -> dict[str, object] | None:
        marks = [
            {"marking_ref": RED, "selectors": list(selectors)},
            {"marking_ref": AMBER, "selectors": ["aliases.[2]"]},
        ]
        data = campaign(
            "c", aliases=["a", "b", "c"], description="d", granular_markings=marks, object_marking_refs=[CLEAR], **more
        )
        marked = mark(data, BUILTIN.get, originator="A")
        return redact(data, marked, lambda label: "RED" not in format_label(label)).data

    first = cut("aliases.[0]", "description")
    assert first is not None
    assert first["aliases"] == ["b", "c"]
    assert "description" not in first
    assert first["granular_markings"] == [{"marking_ref": AMBER, "selectors": ["aliases.[1]"]}]
    everything = cut("aliases.[0]", "aliases.[1]", "aliases.[2]")
    assert everything is not None
    assert "aliases" not in everything
    assert "granular_markings" not in everything
    assert cut("name") is None
    who = identity("who", granular_markings=[{"marking_ref": RED, "selectors": ["identity_class"]}])
    assert redact(who, mark(who, BUILTIN.get, originator="A"), lambda _label: False).data is None


def test_what_it_takes_to_see_anything_of_an_object() -> None:
    def least(marks: list[tuple[str, str]]) -> str:
        granular = [{"marking_ref": ref, "selectors": [selector]} for ref, selector in marks]
        refs = [named("campaign", str(n)) for n in range(2)]
        data = report("r", refs, object_marking_refs=[CLEAR], granular_markings=granular)
        return format_label(least_label(data, mark(data, BUILTIN.get, originator="A")))

    assert least([(RED, "object_refs.[0]")]) == "TLP:CLEAR"
    assert least([(RED, "name")]) == "TLP:CLEAR & TLP:RED"
    assert least([(RED, "object_refs.[0]"), (RED, "object_refs.[1]")]) == "TLP:CLEAR & TLP:RED"
    assert least([(RED, "object_refs.[0]"), (AMBER, "object_refs.[1]")]) == "TLP:AMBER & TLP:CLEAR & TLP:RED"


def test_only_properties_that_stix_defines_are_named_as_cut() -> None:
    data = campaign("c", description="d", x_agent="a", object_marking_refs=[CLEAR], granular_markings=[
        {"marking_ref": RED, "selectors": ["description", "x_agent"]},
    ])  # fmt: skip
    redacted = redact(data, mark(data, BUILTIN.get, originator="A"), lambda label: "RED" not in format_label(label))
    assert redacted.cut == ("description",)
    assert redacted.data is not None
    assert "x_agent" not in redacted.data


def test_an_observables_identifying_property_is_not_cut_out_of_its_id() -> None:
    address = {
        "type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", "value": "198.51.100.3",
        "object_marking_refs": [CLEAR], "granular_markings": [{"marking_ref": RED, "selectors": ["value"]}],
    }  # fmt: skip
    redacted = redact(
        address, mark(address, BUILTIN.get, originator="A"), lambda label: "RED" not in format_label(label)
    )
    assert (redacted.data, redacted.withheld) == (None, "id-contributing-property")


@pytest.mark.parametrize(("version", "served"), [("4", True), ("5", False)])
def test_an_own_observable_with_a_derived_id_is_not_cut(version: str, *, served: bool) -> None:
    data = {
        "type": "x-own-observable", "spec_version": "2.1", "id": f"x-own-observable--00000000-0000-{version}000-8000-000000000000",
        "value_seen": "a", "other_value": "b", "object_marking_refs": [CLEAR],
        "granular_markings": [{"marking_ref": RED, "selectors": ["value_seen"]}],
    }  # fmt: skip
    redacted = redact(data, mark(data, BUILTIN.get, originator="A"), lambda label: "RED" not in format_label(label))
    assert (redacted.data is not None, redacted.cut) == (served, ())
