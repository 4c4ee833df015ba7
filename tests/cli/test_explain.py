"""Who may see an object, and why, in words and codes."""

from __future__ import annotations

from pathlib import Path

from tests.builders import AMBER, CLEAR, campaign
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
