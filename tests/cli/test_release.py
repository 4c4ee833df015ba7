"""What a partner may get, shown before anything is sent."""

from __future__ import annotations

from pathlib import Path

from tests.builders import CLEAR, RED, campaign, named, report
from tests.cli.given import OBJECTS
from tests.commands import bundle, kizuna


def test_a_line_for_each_object(served: Path) -> None:
    lines = kizuna(
        "release", "preview", "--as", "kyiv", *(one["id"] for one in OBJECTS), "--data", served, "--json"
    ).lines()
    assert [line["id"] for line in lines] == [one["id"] for one in OBJECTS]
    assert [line["verdict"] for line in lines] == ["whole", "withheld", "withheld"]
    assert [[reason["code"] for reason in line["reasons"]] for line in lines] == [
        ["allowed"], ["not-receiving"], ["own-organisation"]
    ]  # fmt: skip
    assert {(tuple(line["redacted"]), line["cascade"]) for line in lines} == {((), 0)}


def test_what_is_cut_and_what_it_takes_along(served: Path) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = campaign("Port", description="victim", object_marking_refs=[CLEAR], granular_markings=marks)
    about = report("About", [part], object_marking_refs=[CLEAR])
    kizuna("import", "-", "--data", served, input=bundle(part, about))
    asked = ("release", "preview", "--as", "Kyiv", part["id"], about["id"], "--data", served)
    lines = kizuna(*asked, "--json").lines()
    assert [(line["verdict"], line["redacted"], line["cascade"]) for line in lines] == [
        ("rendition", ["description"], 1), ("rendition", [], 0)
    ]  # fmt: skip
    assert kizuna(*asked).out.splitlines() == [
        f"{part['id']}: in part (TLP:RED is for named persons, and a partner is none); cut: description; "
        "others that do not leave whole for it: 1",
        f"{about['id']}: in part (references to what leaves in part: 1)",
        "0 whole, 2 in part, 0 withheld",
    ]


def test_what_is_found_by_words(served: Path) -> None:
    (line,) = kizuna(
        "release", "preview", "--as", "Kyiv", "--search", OBJECTS[0]["name"], "--limit", "1", "--data", served, "--json"
    ).lines()
    assert line["id"] == OBJECTS[0]["id"]
    asked = kizuna("release", "preview", "--as", "Kyiv", "--limit", "1", "--data", served)
    assert (len(asked.out.splitlines()), asked.err) == (2, "there are more; see --limit\n")
    assert kizuna("release", "preview", "--as", "Kyiv", "--search", "nothingofthis", "--data", served).code == 3


def test_errors(served: Path) -> None:
    unknown = named("campaign", "unknown")
    asked = kizuna("release", "preview", "--as", "Kyiv", unknown, "--data", served)
    assert (asked.code, asked.out, asked.err) == (3, "", f"not held here: {unknown}\n")
    asked = kizuna("release", "preview", "--as", "Kyiv", unknown, OBJECTS[0]["id"], "--data", served, "--json")
    assert (asked.code, len(asked.lines()), asked.err) == (6, 1, f"not held here: {unknown}\n")
    assert kizuna("release", "preview", "--as", "Nowhere", unknown, "--data", served).code == 3
    for more in (("--search", "x"), ("--limit", "3")):
        assert kizuna("release", "preview", "--as", "Kyiv", unknown, *more, "--data", served).code == 2
