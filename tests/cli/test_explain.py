"""Who may see an object, and why, in words and codes."""

from __future__ import annotations

from pathlib import Path

from tests.builders import AMBER, CLEAR, RED, campaign, named, report
from tests.cli.given import OBJECTS
from tests.commands import bundle, kizuna


def test_explain_says_who_and_why(served: Path) -> None:
    expected = [(True, True, "allowed"), (True, False, "not-receiving"), (False, False, "own-organisation")]
    for given, (allowed, in_feed, code) in zip(OBJECTS, expected, strict=True):
        (verdict,) = kizuna("explain", given["id"], "--as", "kyiv", "--data", served, "--json").lines()
        assert (verdict["partner"], verdict["allowed"], verdict["in_feed"]) == ("Kyiv", allowed, in_feed)
        assert [reason["code"] for reason in verdict["reasons"]] == [code]
    assert kizuna("explain", OBJECTS[1]["id"], "--data", served).out.startswith("Kyiv: does not get it (")


def test_a_mark_on_a_part_is_a_reason_not_a_reference(served: Path) -> None:
    marks = [{"marking_ref": AMBER, "selectors": ["objective"]}]
    marked = campaign("Marked", objective="Ports", object_marking_refs=[CLEAR], granular_markings=marks)
    kizuna("import", "-", "--data", served, input=bundle(marked))
    (verdict,) = kizuna("explain", marked["id"], "--data", served, "--json").lines()
    assert (verdict["allowed"], verdict["in_feed"]) == (True, False)
    assert [reason["code"] for reason in verdict["reasons"]] == ["not-receiving"]


def test_without_partners_that_is_said(folder: Path) -> None:
    kizuna("import", "-", "--data", folder, input=bundle(OBJECTS[0]))
    assert kizuna("explain", OBJECTS[0]["id"], "--data", folder).out == "no partners yet\n"
    assert kizuna("explain", OBJECTS[0]["id"], "--data", folder, "--json").out == ""


def test_of_several_it_is_told_one_by_one_and_counted(served: Path) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = campaign("Port", description="victim", object_marking_refs=[CLEAR], granular_markings=marks)
    about = report("About", [OBJECTS[0], OBJECTS[1]], object_marking_refs=[CLEAR])
    kizuna("import", "-", "--data", served, input=bundle(part, about))
    kizuna("partner", "add", "Riga", "--org", "CERT Riga", "--country", "LVA", "--data", served)
    asked = ("explain", OBJECTS[0]["id"], part["id"], about["id"], OBJECTS[1]["id"], "--data", served)
    lines = kizuna(*asked, "--json").lines()
    assert [(line["partner"], line["verdict"], line["allowed"], line["in_feed"]) for line in lines if line["partner"] == "Kyiv"] == [
        ("Kyiv", "whole", True, True), ("Kyiv", "rendition", False, False), ("Kyiv", "rendition", True, False),
        ("Kyiv", "withheld", True, False),
    ]  # fmt: skip
    assert [line["id"] for line in lines[::2]] == [line["id"] for line in lines[1::2]]
    assert lines[0].keys() == {"id", "partner", "verdict", "allowed", "in_feed", "reasons"}
    told = kizuna(*asked, "--as", "kyiv").out.splitlines()
    assert told == [
        f"{OBJECTS[0]['id']}: Kyiv: gets it (its label allows it)",
        f"{part['id']}: Kyiv: may have it in part, and does not (TLP:RED is for named persons, and a partner is none)",
        f"{about['id']}: Kyiv: may have it in part, and does not (references to what is withheld: 1)",
        f"{OBJECTS[1]['id']}: Kyiv: does not get it (no category names the partner, and its setting does not receive this)",
        "partner  whole  in part  withheld  in feed",
        "Kyiv     1      2        1         1",
    ]
    assert len(kizuna(*asked).out.splitlines()) == 8 + 3


def test_what_is_found_by_words(served: Path) -> None:
    (line,) = kizuna("explain", "--search", "Aurora", "--limit", "3", "--data", served, "--json").lines()
    assert (line["id"], line["verdict"]) == (OBJECTS[0]["id"], "whole")
    asked = kizuna("explain", "--as", "Kyiv", "--type", "campaign", "--limit", "1", "--data", served)
    assert (len(asked.out.splitlines()), asked.err) == (3, "there are more; see --limit\n")
    assert len(kizuna("explain", "--data", served, "--json").lines()) == 3
    assert kizuna("explain", "--search", "nothingofthis", "--data", served).code == 3


def test_why_what_may_leave_whole_does_not(served: Path) -> None:
    def why() -> tuple[str, list[str], bool]:
        (line,) = kizuna("explain", OBJECTS[0]["id"], "--data", served, "--json").lines()
        return line["verdict"], [reason["code"] for reason in line["reasons"]], line["in_feed"]

    assert why() == ("whole", ["allowed"], True)
    kizuna("release", "withdraw", OBJECTS[0]["id"], "--as", "Kyiv", "--reason", "x", "--data", served)
    assert why() == ("whole", ["withdrawn"], False)
    kizuna("release", "rules", "remove", "as-labelled", "--data", served)
    new = campaign("New", object_marking_refs=[CLEAR])
    kizuna("import", "-", "--data", served, input=bundle(new))
    done = kizuna("explain", new["id"], "--data", served)
    assert done.out == "Kyiv: does not get it (no rule and nobody let it leave)\n"


def test_an_older_version_that_left_whole(served: Path) -> None:
    newer = campaign("Aurora", modified="2026-11-01T00:00:00.000Z", object_marking_refs=[RED])
    kizuna("import", "-", "--data", served, input=bundle(newer))
    (line,) = kizuna("explain", newer["id"], "--data", served, "--json").lines()
    assert (line["verdict"], line["allowed"], line["in_feed"]) == ("withheld", False, True)
    assert [reason["code"] for reason in line["reasons"]] == ["tlp-red-not-named", "older-version-whole"]
    assert kizuna("explain", newer["id"], "--data", served).out.startswith("Kyiv: has an older version (")


def test_what_is_not_held_of_several(served: Path) -> None:
    unknown = named("campaign", "unknown")
    asked = kizuna("explain", unknown, OBJECTS[0]["id"], "--data", served, "--json")
    assert (asked.code, len(asked.lines()), asked.err) == (6, 1, f"not held here: {unknown}\n")
    assert kizuna("explain", unknown, unknown + "0", "--data", served).code == 3
    for more in (("--search", "x"), ("--limit", "3")):
        assert kizuna("explain", unknown, *more, "--data", served).code == 2
