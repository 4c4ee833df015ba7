"""Searches that somebody keeps: their own, bounded, each once, gone with them."""

from __future__ import annotations

import pytest

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.store import Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.searches import MOST, MOST_NAME, MOST_QUESTION, Searches


@pytest.fixture
def ann(store: Store) -> Searches:
    accounts = Accounts(store)
    for name in ("ann", "bob"):
        accounts.add_user(name, ROLES, by="test")
    return Searches(store, "ann")


def names(searches: Searches) -> list[str]:
    return [one.name for one in searches.listed()]


def test_kept_once_renamed_and_removed(store: Store, ann: Searches) -> None:
    ann.save(" power ", "q=power")
    ann.save("power", "q=power")
    (one,) = ann.listed()
    assert (one.name, one.question) == ("power", "q=power")
    with pytest.raises(Conflict):
        ann.save("power", "q=other")
    ann.save("Outage", "q=outage")
    with pytest.raises(Conflict):
        ann.rename(one.number, "Outage")
    ann.rename(one.number, "power")
    ann.rename(one.number, "停電")
    assert names(ann) == ["Outage", "停電"]
    ann.remove(one.number)
    ann.remove(one.number)
    assert names(ann) == ["Outage"]


def test_they_are_nobody_else_s(store: Store, ann: Searches) -> None:
    ann.save("power", "q=power")
    (one,) = ann.listed()
    bob = Searches(store, "bob")
    bob.save("power", "q=mine")
    with pytest.raises(NotFound):
        bob.rename(one.number, "taken")
    bob.remove(one.number)
    assert names(ann) == ["power"]
    assert [mine.question for mine in bob.listed()] == ["q=mine"]
    with pytest.raises(NotFound):
        Searches(store, "nobody").save("x", "q=x")


def test_there_are_not_too_many(ann: Searches) -> None:
    for number in range(MOST):
        ann.save(f"n{number}", "q=x")
    ann.save("n0", "q=x")
    with pytest.raises(Refused):
        ann.save("one more", "q=x")
    assert len(ann.listed()) == MOST


@pytest.mark.parametrize(
    ("name", "question"),
    [("", "q=x"), ("a\nb", "q=x"), ("x" * (MOST_NAME + 1), "q=x"), ("x", ""), ("x", "q" * (MOST_QUESTION + 1))],
)
def test_what_can_be_none(ann: Searches, name: str, question: str) -> None:
    with pytest.raises(UsageError):
        ann.save(name, question)


def test_they_go_with_who_kept_them(store: Store, ann: Searches) -> None:
    ann.save("power", "q=power")
    Accounts(store).remove_user("ann", by="test")
    assert ann.listed() == []
    assert store.database.read().execute("select count(*) from search").fetchone() == (0,)
