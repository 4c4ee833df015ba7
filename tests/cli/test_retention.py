"""`kizuna retention`: rules by one or two people, tried dry, and applied."""

from __future__ import annotations

from pathlib import Path

from tests.cli.given import OBJECTS, exported
from tests.cli.test_purge import PASSWORD, people
from tests.commands import kizuna

__all__ = ["people"]  # a fixture


def test_a_rule_that_hides(people: Path) -> None:
    terms = ("--label", "TLP:CLEAR", "--days", "1", "--then", "hide", "--reason", "the law", "--data", people, "--json")
    tried = kizuna("retention", "set", *terms, "--dry-run")
    assert tried.last() == {"rule": 0, "then": "hide", "ids": 0, "versions": 0, "more": False}
    assert kizuna("retention", "list", "--data", people, "--json").out == ""
    assert kizuna("retention", "set", *terms).last()["counts"] is True
    assert kizuna("retention", "apply", "--dry-run", "--data", people, "--json").last()["ids"] == 0
    assert kizuna("retention", "apply", "--data", people, "--json").last()["ids"] == 0
    assert OBJECTS[0]["id"] in exported(people)
    assert kizuna("retention", "remove", "1", "--data", people).code == 0
    assert kizuna("retention", "remove", "1", "--data", people).code == 3


def test_a_rule_that_destroys_takes_two(people: Path) -> None:
    terms = (
        "--area",
        "cyber-defence",
        "--days",
        "365",
        "--then",
        "destroy",
        "--reason",
        "x",
        "--data",
        people,
        "--json",
    )
    assert kizuna("retention", "set", *terms).code == 2  # nobody said who they are
    made = kizuna("retention", "set", *terms, "--as", "first", input=PASSWORD["first"].encode())
    assert made.last()["counts"] is False
    number = str(made.last()["number"])
    for who, code in (("first", 4), ("second", 0), ("second", 1)):
        done = kizuna("retention", "confirm", number, "--as", who, "--data", people, input=PASSWORD[who].encode())
        assert done.code == code, done.err
    assert kizuna("retention", "list", "--data", people, "--json").last()["confirmed_by"] == "second"
    assert kizuna("retention", "set", "--days", "1", "--then", "hide", "--reason", "x", "--data", people).code == 2
