"""Groups, regions and the programme: facts that can be counted."""

from __future__ import annotations

from collections import Counter

import pytest

from kizuna.cli.pack import groups_of
from kizuna.clock import from_text
from kizuna.formats.pack import GroupEntry, load
from kizuna.labels import Group, Principal, memberships_of

GROUPS: dict[str, GroupEntry] = {entry.group: entry for entry in load("groups").groups()}
DATED: tuple[Group, ...] = tuple(groups_of(load("groups")))
REGIONS = load("regions").regions()
PROGRAMME = load("programme").programme()
EVERYWHERE = [country for sub in REGIONS.fallback for country in sub.countries]


def groups_at(country: str, day: str) -> frozenset[str]:
    principal = Principal("somebody", None, country, (), memberships_of("somebody", country, DATED))
    return principal.groups(from_text(f"{day}T12:00:00Z"))


@pytest.mark.parametrize(("group", "count"), [("NATO", 32), ("EU", 28), ("G7", 7), ("IP4", 4)])
def test_a_group_has_its_members_once(group: str, count: int) -> None:
    members = [member.country for member in GROUPS[group].members]
    assert len(members) == len(set(members)) == count
    assert set(members) <= set(EVERYWHERE)


@pytest.mark.parametrize(
    ("country", "group", "before", "after"),
    [
        ("FIN", "NATO", "2023-04-03", "2023-04-04"),
        ("SWE", "NATO", "2024-03-06", "2024-03-07"),
        ("HRV", "EU", "2013-06-30", "2013-07-01"),
        ("CAN", "G7", "1976-06-26", "1976-06-27"),
    ],
)
def test_a_member_is_in_from_its_day(country: str, group: str, before: str, after: str) -> None:
    assert group not in groups_at(country, before)
    assert group in groups_at(country, after)


def test_a_member_is_out_from_the_moment_it_left() -> None:
    assert "EU" in groups_at("GBR", "2020-01-31")
    assert "EU" not in groups_at("GBR", "2020-02-01")
    assert "NATO" in groups_at("GBR", "2020-02-01")


def test_the_partners_of_the_demo_are_where_they_belong_today() -> None:
    assert groups_at("JPN", "2026-11-23") == {"G7", "IP4"}
    assert groups_at("BEL", "2026-11-23") == {"NATO", "EU"}
    assert groups_at("UKR", "2026-11-23") == frozenset()


def test_every_country_has_one_subregion_and_at_most_one_region() -> None:
    assert len(EVERYWHERE) == len(set(EVERYWHERE)) == 249
    placed = Counter(country for region in REGIONS.regions for country in region.countries)
    assert placed.keys() <= set(EVERYWHERE)
    assert set(placed.values()) == {1}


@pytest.mark.parametrize(
    ("country", "region"),
    [
        ("JPN", "indo-pacific"),
        ("AUS", "indo-pacific"),
        ("BEL", "euro-atlantic"),
        ("UKR", "euro-atlantic"),
        ("USA", "euro-atlantic"),
        ("EGY", "middle-east-north-africa"),
        ("ATA", "010"),
        ("NO", "euro-atlantic"),
        ("jp", "indo-pacific"),
        ("XXX", None),
        ("", None),
    ],
)
def test_a_country_falls_back_to_m49(country: str, region: str | None) -> None:
    assert REGIONS.of(country) == region


def test_every_country_has_one_code_of_two_letters() -> None:
    assert sorted(REGIONS.codes.values()) == sorted(EVERYWHERE)
    assert all(len(code) == 2 and code.isupper() for code in REGIONS.codes)
    assert (REGIONS.alpha_3("UA"), REGIONS.alpha_3("ukr"), REGIONS.alpha_3("ZZ")) == ("UKR", "UKR", None)


def test_the_programme_has_sixteen_areas_and_says_what_is_unknown() -> None:
    assert len({area.area for area in PROGRAMME.areas}) == 16
    assert Counter(area.status for area in PROGRAMME.areas) == {"stated": 10, "to-be-confirmed": 3, "unknown": 3}
    for area in PROGRAMME.areas:
        known = area.status != "unknown"
        assert (area.name is not None, area.source is not None) == (known, known)


def test_only_the_first_priority_names_its_areas() -> None:
    assert [area.area for area in PROGRAMME.areas if area.priority] == [
        "cyber-defence", "strategic-communications", "space-security", "emerging-technologies",
    ]  # fmt: skip
    assert {area.priority for area in PROGRAMME.areas} == {"new-challenges", None}
    assert [len(PROGRAMME.objectives), len(PROGRAMME.priorities)] == [3, 4]


def test_the_areas_of_packs_are_areas_of_the_programme() -> None:
    known = {area.area for area in PROGRAMME.areas}
    wanted = {name: load(name).manifest.area for name in ("attack-ics", "disarm", "sparta", "atlas")}
    assert wanted == {
        "attack-ics": "cyber-defence",
        "disarm": "strategic-communications",
        "sparta": "space-security",
        "atlas": "emerging-technologies",
    }
    assert set(wanted.values()) <= known
