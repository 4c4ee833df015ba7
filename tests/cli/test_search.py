"""Finding objects by words, narrowed by type, area and number."""

from __future__ import annotations

from pathlib import Path

from tests.builders import campaign
from tests.commands import bundle, kizuna


def names(folder: Path, *arguments: str) -> list[str]:
    """The names of what is found."""
    return [row["name"] for row in kizuna("search", *arguments, "--data", folder, "--json").lines()]


def test_all_words_in_any_language_the_newest_first(served: Path) -> None:
    kizuna("import", "-", "--data", served, input=bundle(campaign("Aurora over 東京湾"), campaign("東京 Aurora")))
    assert set(names(served, "aurora 東京")) == {"Aurora over 東京湾", "東京 Aurora"}
    assert names(served, "東京湾") == ["Aurora over 東京湾"]
    assert len(names(served, "aurora")) == 3
    assert names(served, "aurora", "--limit", "1") == names(served, "aurora")[:1]


def test_by_type(served: Path) -> None:
    assert names(served, "riga", "--type", "identity") == ["Riga"]
    assert names(served, "riga", "--type", "campaign") == []


def test_by_a_value_however_it_is_spelled(served: Path) -> None:
    value = {"type": "domain-name", "spec_version": "2.1", "id": "domain-name--3c10e93f-798e-52a6-a0c1-08156efab7f5"}
    kizuna("import", "-", "--data", served, input=bundle(value | {"value": "Example.COM"}))
    assert names(served, "--value", "example.com.") == names(served, "--value", "EXAMPLE.com") == ["Example.COM"]
    assert names(served, "example", "--value", "example.org") == []
    done = kizuna("search", "--data", served)
    assert (done.code, done.err.splitlines()[-1]) == (2, "Error: give TEXT, or --value")


def test_more_than_a_page_is_given_when_asked(served: Path) -> None:
    kizuna("import", "-", "--data", served, input=bundle(*(campaign(f"many {n}") for n in range(600))))
    assert len(set(names(served, "many", "--limit", "590"))) == 590


def test_nothing_found_is_an_exit_code(served: Path) -> None:
    done = kizuna("search", "nowhere", "--data", served)
    assert (done.code, done.out, done.err) == (3, "nothing found\n", "")


def test_facets_instead_of_a_list(served: Path) -> None:
    kizuna("import", "-", "--data", served, input=bundle(*(campaign(f"many {n}") for n in range(3))))
    counted = kizuna("search", "many", "--facets", "--data", served, "--json").lines()
    assert {"facet": "type", "value": "campaign", "objects": 3} in counted
    assert {line["facet"] for line in counted} == {"type", "area", "source", "label"}
    assert kizuna("search", "--facets", "--data", served, "--json").lines()[0]["objects"] > 3
    assert kizuna("search", "zzunknown", "--facets", "--data", served).code == 3
    assert kizuna("search", "--facets", "--as", "Kyiv", "--data", served).code == 2
