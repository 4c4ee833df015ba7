"""Thousands of labels are decided once each and looked up in a table: no question grows with them."""

from __future__ import annotations

from collections.abc import Callable

from kizuna.labels import Label, Part
from kizuna.store import Store
from kizuna.store.masks import FEW
from tests.builders import campaign, items
from tests.counting import lines_run
from tests.stores import SQLITE


def put(store: Store, first: int, number: int) -> None:
    """Import objects of one label each: every second one for nobody."""
    for i in range(first, first + number):
        parts = (Part("TLP", "RED", persons=(f"p{i}",)),) if i % 2 else (Part("TLP", "CLEAR", community=f"g{i}"),)
        label = Label(store.organisation, parts)
        assert all(
            o.status == "imported" for o in store.writer(store.own_source(), label=label).add(items(campaign(f"c{i}")))
        )


@SQLITE
def test_many_labels_are_a_table_and_answer_alike(make_store: Callable[..., Store]) -> None:
    store = make_store()
    view = store.view(store.principal_of_person("reader"))
    mask, reader = store.mask(store.principal_of_person("reader")), store.database.read()
    put(store, 0, 10)
    assert (view.stats().objects, len(mask.sql(reader, "o.least")) < 60) == (5, True)
    put(store, 10, 2 * FEW + 10)
    assert view.stats().objects == FEW + 10
    assert len(mask.sql(reader, "o.least")) < 60
    put(store, 5_000, 4)
    assert view.stats().objects == FEW + 12
    assert len(view.search("c5000", limit=5).items) == 1
    assert view.search("c5001", limit=5).items == []
    with store.database.snapshot():
        put(store, 6_000, 2)
    assert view.stats().objects == FEW + 13
    assert reader.execute("pragma query_only").fetchone() == (1,)


@SQLITE
def test_a_question_stands_when_labels_are_decided_anew(make_store: Callable[..., Store]) -> None:
    """Somebody else's trial is taken back before it is asked, or while it is being answered."""
    store = make_store()
    mask, reader = store.mask(store.principal_of_person("reader")), store.database.read()
    put(store, 0, 2 * FEW + 10)
    began = mask.sql(reader, "n")
    mask.forget()
    rows = reader.execute(f"select n from label where {began} and {mask.sql(reader, 'n')} order by n").fetchall()
    assert len(rows) == FEW + 5
    going = reader.stream(f"select n from label where {mask.sql(reader, 'n')} order by n")
    answered = [next(going)]
    mask.forget()
    assert mask.sql(reader, "n") == began
    assert [*answered, *going] == rows


@SQLITE
def test_a_new_label_is_decided_alone(make_store: Callable[..., Store]) -> None:
    store = make_store()
    mask, reader = store.mask(store.principal_of_person("reader")), store.database.read()
    put(store, 0, 200)
    mask.allowed(reader)
    put(store, 200, 1)
    assert lines_run(lambda: mask.allowed(reader)) < 1_000
    assert len(mask.allowed(reader)) == 101


def test_more_labels_than_a_statement_holds_answer_alike(make_store: Callable[..., Store]) -> None:
    store = make_store()
    view = store.view(store.principal_of_person("reader"))
    put(store, 0, 2 * FEW + 10)
    assert view.stats().objects == FEW + 5
    assert len(view.search("c4", limit=5).items) == 1
    assert view.search("c5", limit=5).items == []
