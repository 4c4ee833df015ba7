"""Countries as people type them."""

from __future__ import annotations

import pytest

from kizuna.cli.country import alpha3
from kizuna.errors import UsageError
from kizuna.formats.pack import load


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("JP", "JPN"),
        ("jp", "JPN"),
        ("JPN", "JPN"),
        ("UA", "UKR"),
        ("DE", "DEU"),
        ("FR", "FRA"),
        ("MM", "MMR"),
        ("xkx", "XKX"),
        ("QJ", "QJ"),
    ],
)
def test_two_letters_become_three(typed: str, code: str) -> None:
    assert alpha3(typed) == code


@pytest.mark.parametrize("typed", ["", "J", "JAPAN", "J1", "ＪＰ", "日本"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        alpha3(typed)


def test_every_member_of_a_group_can_be_typed() -> None:
    members = {member.country for group in load("groups").groups() for member in group.members if member.country}
    assert members
    assert {alpha3(code) for code in members} == members
