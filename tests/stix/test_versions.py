"""From one version to the next."""

from __future__ import annotations

from typing import Any

import pytest

from kizuna.stix.versions import version_problems
from tests.stix_examples import changed, ref

LATER = "2026-03-01T00:00:00.000Z"


def test_a_later_version_may_change_all_else() -> None:
    assert version_problems(changed("campaign"), changed("campaign", modified=LATER, name="other", labels=...)) == []


def test_the_same_version_again_is_none() -> None:
    assert version_problems(changed("campaign"), changed("campaign")) == []
    assert version_problems(changed("campaign", revoked=True), changed("campaign", revoked=True)) == []


@pytest.mark.parametrize(
    "modified", ["2026-02-01T00:00:00.000Z", "2026-02-01T00:00:00.0000Z", "2026-01-15T00:00:00.000Z"]
)
def test_change_needs_a_later_time(modified: str) -> None:
    problems = version_problems(changed("campaign"), changed("campaign", modified=modified, name="other"))
    assert [one.rule for one in problems] == ["version-modified"]


def test_all_breaches_are_told() -> None:
    new: dict[str, Any] = {
        "id": ref("campaign", 9),
        "created": LATER,
        "created_by_ref": ref("identity", 9),
        "modified": "2026-01-01T00:00:00.000Z",
    }
    problems = version_problems(changed("campaign", revoked=True), changed("campaign", **new))
    assert {one.rule for one in problems} == {
        "version-id",
        "version-created",
        "version-created-by",
        "version-revoked",
        "version-modified",
    }
