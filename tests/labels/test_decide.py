"""Each refusal by its reason, each moment at its edge, and whom a label addresses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.labels import Category, Consent, Label, Part, Policy, Principal, addressed, decide, parse_label

NOW = 1_795_392_000_000_000  # 2026-11-23T00:00:00Z
HOLDER = Principal("A", "ann", "JPN", clients=("CLIENT",))
OTHER = Principal("B", "ben", "BEL")
MEMBER = Principal("M", None, "FRA", memberships=(("EU", None, None),))
CLIENT = Principal("CLIENT", None, "BEL")
GUARDED = Principal("B", None, "BEL", clearances=(("KIZUNA-EXAMPLE", "GUARDED"), ("TLP", "Orbit"), ("OTHER", "Y")))
OBJECT = "campaign--6c285cd9-8254-46dd-ad98-e0024c91931a"


def reasons(label: Label, recipient: Principal, *consents: Consent, at: int = NOW) -> list[tuple[str, ...]]:
    """Codes and parameters of every refusal."""
    decision = decide(label, recipient, holder=HOLDER, at=at, consents=consents)
    said = [(one.code, *one.parameters) for one in decision.reasons]
    assert decision.allowed == (said == [("allowed",)])
    return [] if decision.allowed else said


@pytest.mark.parametrize(
    ("text", "originator", "recipient", "said"),
    [
        ("TLP:AMBER", "Z", OTHER, [("tlp-amber-own-organisation",)]),
        ("TLP:AMBER", "Z", CLIENT, []),
        ("TLP:AMBER+STRICT", "Z", OTHER, [("tlp-amber-strict-own-organisation",)]),
        ("TLP:AMBER+STRICT", "Z", CLIENT, [("tlp-amber-strict-own-organisation",)]),
        ("TLP:AMBER+STRICT", "A", OTHER, []),
        ("TLP:AMBER", "B", OTHER, [("tlp-amber-own-organisation",)]),
        ("TLP:RED", "A", OTHER, [("tlp-red-not-named",)]),
        ("TLP:RED persons=ben@B", "A", OTHER, []),
        ("TLP:RED persons=ben@B", "Z", OTHER, [("tlp-red-own-organisation",)]),
        ("TLP:RED persons=ann@A", "Z", HOLDER, []),
        ("TLP:GREEN", "A", OTHER, [("tlp-green-not-member",)]),
        ("TLP:GREEN", "Z", HOLDER, []),
        ("TLP:GREEN community=EU", "Z", MEMBER, []),
        ("TLP:GREEN community=EU", "Z", OTHER, [("tlp-green-not-member", "EU")]),
        ("TLP:GREEN community=B", "Z", OTHER, []),
        ("TLP:GREEN community=BEL", "Z", OTHER, []),
        ("TLP:GREEN to=B", "A", OTHER, []),
        ("TLP:GREEN to=B", "Z", OTHER, [("tlp-green-not-member",)]),
        ("TLP:GREEN restrictive:Team=EU", "A", MEMBER, [("tlp-green-not-member",)]),
        ("TLP:CLEAR to=C", "A", OTHER, [("not-addressed", "Releasable To", "C")]),
        ("TLP:CLEAR to=C", "B", OTHER, []),
        ("TLP:CLEAR to=EU", "A", MEMBER, []),
        ("TLP:CLEAR to=FRA", "A", MEMBER, []),
        ("TLP:CLEAR restrictive:Team=Orbit,Sea", "A", GUARDED, [("lacks-category", "Team", "Sea")]),
        ("TLP:CLEAR restrictive:Team=Orbit", "A", GUARDED, []),
        ("TLP:CLEAR restrictive:Team=Y", "A", GUARDED, [("lacks-category", "Team", "Y")]),
        ("TLP:CLEAR restrictive:Team=EU", "A", MEMBER, []),
        ("TLP:CLEAR informative:Team=Sea", "A", OTHER, []),
        ("TLP:AMBER to=C", "Z", OTHER, [("not-addressed", "Releasable To", "C"), ("tlp-amber-own-organisation",)]),
        ("KIZUNA-EXAMPLE:OPEN", "A", OTHER, []),
        ("KIZUNA-EXAMPLE:GUARDED", "A", GUARDED, []),
        ("KIZUNA-EXAMPLE:SEALED", "A", GUARDED, [("not-cleared", "KIZUNA-EXAMPLE", "SEALED")]),
        ("KIZUNA-EXAMPLE:GUARDED", "A", OTHER, [("not-cleared", "KIZUNA-EXAMPLE", "GUARDED")]),
        ("KIZUNA-EXAMPLE:GUARDED", "A", HOLDER, [("not-cleared", "KIZUNA-EXAMPLE", "GUARDED")]),
        ("OWN", "Z", OTHER, [("own-organisation",)]),
        ("OWN", "Z", HOLDER, []),
        ("IEP:GREEN", "Z", OTHER, [("tlp-green-not-member",)]),
    ],
)  # fmt: skip
def test_every_refusal_has_its_reason(
    text: str, originator: str, recipient: Principal, said: list[tuple[str, ...]]
) -> None:
    assert reasons(parse_label(text, originator=originator), recipient) == said


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part("X", "Y"), ("unknown-policy", "X")),
        (Part("TLP", "BLUE"), ("unknown-classification", "TLP", "BLUE")),
        (Part("PUBLIC", "ODD"), ("unknown-policy", "PUBLIC")),
        (Part("KIZUNA-EXAMPLE", "ODD"), ("unknown-classification", "KIZUNA-EXAMPLE", "ODD")),
    ],
)
def test_what_is_not_known_stays_in_its_holders_organisation(part: Part, said: tuple[str, ...]) -> None:
    assert reasons(Label("Z", (part,)), HOLDER) == []
    assert reasons(Label("Z", (part,)), OTHER) == [said]
    assert reasons(Label("A", (part,)), OTHER) == [said]


def test_policies_are_those_that_are_given() -> None:
    label = Label("Z", (Part("X", "HIGH"),))
    cleared = Principal("B", clearances=(("X", "HIGH"), ("X", "LOW"), ("X", "ODD"), ("OTHER", "TOP")))
    for levels, allowed in ((("LOW", "HIGH", "TOP"), True), (("LOW", "TOP"), False), (("HIGH",), True)):
        decision = decide(label, cleared, holder=HOLDER, at=NOW, policies={"X": Policy("X", levels)})
        assert decision.allowed == allowed
    top = Label("Z", (Part("X", "TOP"),))
    assert not decide(top, cleared, holder=HOLDER, at=NOW, policies={"X": Policy("X", ("LOW", "HIGH", "TOP"))}).allowed


@given(st.integers(-2, 2), st.integers(-2, 2), st.integers(-2, 2))
def test_a_part_is_in_force_from_its_start_to_before_its_end(starts: int, ends: int, at: int) -> None:
    label = Label("Z", (Part("TLP", "CLEAR", starts=NOW + starts, ends=NOW + ends),))
    late, early = [("no-longer-valid", str(NOW + ends))], [("not-yet-valid", str(NOW + starts))]
    assert reasons(label, OTHER, at=NOW + at) == (early if at < starts else late if at >= ends else [])
    assert reasons(label, HOLDER, at=NOW + at) == reasons(label, Principal("Z"), at=NOW + at) == []


def test_a_moment_is_a_number_or_a_time_and_a_label_may_be_its_fields() -> None:
    label = Label("A", (Part("TLP", "CLEAR", ends=NOW),))
    for at, allowed in ((datetime(2026, 11, 22, tzinfo=UTC), True), (datetime(2026, 11, 23, tzinfo=UTC), False)):
        assert decide(label, OTHER, holder=HOLDER, at=at).allowed == allowed
        fields = (label.originator, label.parts)
        assert decide(fields, OTHER, holder=HOLDER, at=at).allowed == allowed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("consent", "opened"),
    [
        (Consent("Z", "TLP:AMBER", "B"), True), (Consent("Z", "TLP:AMBER", "B", NOW + 1), True),
        (Consent("Z", "TLP:AMBER", "B", NOW), False), (Consent("Z", "TLP:AMBER", "B", "soon"), False),
        (Consent("Z", "TLP:RED", "B"), False), (Consent("Z", "TLP:AMBER", "C"), False), (Consent("A", "TLP:AMBER", "B"), False),
        (Consent("Z", OBJECT, "B"), True), (Consent("Z", OBJECT + " ", "B"), False), (Consent("Z", "x " + OBJECT, "B"), False),
        (Consent("Z", OBJECT, "C"), False), (Consent("Y", OBJECT, "B"), False),
    ],
)  # fmt: skip
def test_a_consent_opens_what_its_originator_said_to_whom_it_said(consent: Consent, *, opened: bool) -> None:
    amber, red = parse_label("TLP:AMBER", originator="Z"), parse_label("TLP:RED persons=ben@B", originator="Z")
    assert (reasons(amber, OTHER, consent) == []) == opened
    assert reasons(amber, OTHER, Consent("Y", "TLP:AMBER", "B"), consent) == reasons(amber, OTHER, consent)
    about_red = Consent(consent.originator, consent.subject.replace("AMBER", "RED persons=ben@B"), consent.third_party)
    assert (reasons(red, OTHER, about_red) == []) == (opened or isinstance(consent.expires, int | str))


def test_whoever_made_a_part_speaks_for_it() -> None:
    """Of a joined label: not who made the other part."""
    both = Label("A", (Part("TLP", "AMBER"), Part("TLP", "AMBER", originator="Z")))
    assert reasons(both, OTHER) == [("tlp-amber-own-organisation",)]
    assert reasons(both, OTHER, Consent("A", "TLP:AMBER", "B")) == [("tlp-amber-own-organisation",)]
    assert reasons(both, OTHER, Consent("Z", "TLP:AMBER", "B")) == []


receives = st.lists(st.sampled_from(["TLP:CLEAR", "tlp:amber", "public", "orbit", "sea"]), max_size=3)


@given(receives, st.sampled_from([None, "orbit", "sea", "land"]))
def test_who_receives_levels_and_areas_is_addressed_by_both(said: list[str], area: str | None) -> None:
    areas = {one for one in said if one in ("orbit", "sea")}
    levels = {one.upper() for one in said if one not in areas}
    in_area = not areas or area in areas
    for text, wanted in (
        ("TLP:CLEAR", {"TLP:CLEAR"}),
        ("PUBLIC", {"PUBLIC", "TLP:CLEAR"}),
        ("TLP:AMBER", {"TLP:AMBER"}),
        ("IEP:AMBER", {"TLP:AMBER"}),
        ("TLP:RED", {"TLP:RED"}),
    ):
        label = parse_label(text, originator="A")
        due = bool(said) and in_area and (not levels or not levels.isdisjoint(wanted))
        assert addressed(label, OTHER, NOW, receives=said, area=area) == due
        named = Label("A", (*label.parts, Part("TLP", "RED", (Category("Releasable To", "permissive", ("B",)),))))
        assert addressed(named, OTHER, NOW, receives=said, area=area)
        needed = Label("A", (Part("TLP", "RED", (Category("Releasable To", "restrictive", ("B",)),)),))
        assert not addressed(needed, OTHER, NOW, receives=["TLP:CLEAR", *said], area=area)


def test_every_part_is_of_a_level_that_is_received() -> None:
    clear, amber = Part("TLP", "CLEAR"), Part("TLP", "AMBER")
    assert not addressed(Label("A", (clear, amber)), OTHER, NOW, receives=["TLP:CLEAR"])
    assert addressed(Label("A", (clear, amber)), OTHER, NOW, receives=["TLP:CLEAR", "TLP:AMBER"])
    # Levels of another policy are not what is received: the decision has the word.
    for level in ("Y", "PUBLIC"):
        assert addressed(Label("A", (Part("X", level),)), OTHER, NOW, receives=["TLP:AMBER"])
    assert addressed(Label("A", (Part("PUBLIC", "ODD"),)), OTHER, NOW, receives=["TLP:AMBER"])
    assert not addressed(Label("A", (Part("OWN", "OWN"),)), OTHER, NOW, receives=["TLP:CLEAR"])
