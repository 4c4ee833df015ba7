"""The process beside a server: what it prepares is what this one would, and nobody depends on it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kizuna.stix import ReadLimits
from kizuna.store import Outcome, Partner, Store
from kizuna.store import aside as module
from kizuna.store.parts import Gone, Inbox, Part
from tests.builders import AMBER, CLEAR, campaign, definition, identity, relationship

LIMITS = ReadLimits()
Make = Callable[..., Store]


def question(store: Store, text: bytes = b'{"objects":[]}') -> module.Question:
    return module.Question(text, LIMITS, store.own_source(), "real", None, None, {})


def come(store: Store) -> Store:
    """Wait until the other process is there."""
    for _ in range(600):
        try:
            with store.aside.asked(question(store)) as inbox:
                assert inbox.take(10) is None
        except Gone:
            time.sleep(0.05)
        else:
            return store
    raise AssertionError("it did not come")


def envelope(objects: list[Any]) -> bytes:
    """Large enough for two processes."""
    text = json.dumps({"objects": objects}, ensure_ascii=False).encode()
    assert len(text) in module.SIZES
    return text


def mixed() -> list[Any]:
    """Good and bad, marked and not, twice, and what marks them last."""
    house = definition("house rules")
    objects: list[Any] = []
    for number in range(700):
        one = campaign(f"Aurora {number}", object_marking_refs=[AMBER, CLEAR, house["id"]][number % 3 : number % 3 + 1])
        if number % 5 == 0:
            one["confidence"] = number % 101
        if number % 7 == 0:
            one["granular_markings"] = [{"marking_ref": AMBER, "selectors": ["name"]}]
        if number % 11 == 0:
            one["modified"] = "yesterday"
        if number % 50 == 0:
            one = {**one, "description": "極光作戦" * 200}
        odd = {1: relationship(one, "uses", one), 2: 5, 3: identity(f"Riga {number}")}
        objects.append(odd.get(number % 60, one))
    return [*objects, *objects[:100], house]


def told(outcomes: Iterator[Outcome]) -> list[tuple[Any, ...]]:
    return [(o.index, o.id, o.status, [(p.rule, p.path, p.message) for p in o.problems], o.version) for o in outcomes]


HELD = {
    "object": "n, id, version, digest, ^label, ^least, ^whole, ^type",
    "edge": "object, ^target, ^path, ^label",
    "value": "value, ^kind, object, ^label",
    "place": "object, kind, value, ^label",
    "time": "object, ^path, first, last, ^label",
    "confidence": "object, value, ^label",
    "doc": "object, ^label",
    "quarantine": "reason, digest",
}
NAMES = {
    "label": "label",
    "least": "label",
    "whole": "label",
    "target": "ident",
    "type": "term",
    "path": "term",
    "kind": "term",
}


def held(store: Store) -> list[tuple[Any, ...]]:
    """Everything written of objects, without moments, and with names for the numbers of what is interned."""
    read = store.database.read()
    tables = {"label": "canonical", "ident": "id", "term": "name"}
    named = {t: dict(read.execute(f"select n, {column} from {t}").fetchall()) for t, column in tables.items()}
    found: list[tuple[Any, ...]] = []
    for table, columns in HELD.items():
        for row in read.execute(f"select {columns.replace('^', '')} from {table}"):
            of = [named[NAMES[column[1:]]] if column[0] == "^" else None for column in columns.split(", ")]
            found.append(
                (table, *(value if names is None else names[value] for value, names in zip(row, of, strict=True)))
            )
    return sorted(found, key=repr)


@pytest.mark.parametrize("partner", [None, "Brussels"])
def test_two_processes_store_and_tell_what_one_does(partner: str | None, make_store: Make) -> None:
    alone, both = make_store(), come(make_store())
    text = envelope(mixed())
    results = []
    for store in (alone, both):
        store.put_partner(Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
        source = store.own_source() if partner is None else store.partner_source(partner)
        taken = listened(store)
        outcomes = told(store.writer(source, label=None).add_text(text, LIMITS))
        assert bool(taken) == (store is both)
        results.append((outcomes, held(store), store.feed("Brussels").count()))
    assert results[0] == results[1]
    assert {status for _, _, status, *_ in results[0][0]} == {"imported", "unchanged", "failed"}


def listened(store: Store) -> list[Part | None]:
    """What the other process gives from here on."""
    taken: list[Part | None] = []
    asked = store.aside.asked

    @contextmanager
    def asking(question: module.Question) -> Iterator[Inbox]:
        with asked(question) as inbox:
            take = inbox.take
            inbox.take = lambda patience: taken.append(part := take(patience)) or part  # type: ignore[method-assign,func-returns-value]
            try:
                yield inbox
            finally:
                inbox.take = take  # type: ignore[method-assign]

    store.aside.asked = asking  # type: ignore[method-assign]
    return taken


@pytest.mark.parametrize("after", [0, 1, 5])
def test_what_the_other_process_leaves_undone_is_done_here(store: Store, after: int) -> None:
    come(store)
    objects = [campaign(f"Aurora {number}", description="dawn " * 40) for number in range(900)]
    taken = listened(store)
    process = store.aside._process
    assert process is not None
    whole, count = process._inbox.take, 0

    def dying(patience: float | None) -> Part | None:
        nonlocal count
        if count == after:
            process._child.kill()
            process._child.wait()
            raise Gone("it has gone")
        count += 1
        return whole(patience)

    process._inbox.take = dying  # type: ignore[method-assign]
    outcomes = list(store.writer(store.own_source()).add_text(envelope(objects), LIMITS))
    assert len(taken) == after
    assert [o.id for o in outcomes] == [one["id"] for one in objects]
    assert store.database.read().execute("select count(*) from object").fetchone() == (900,)
    come(store)  # the next one


def test_who_comes_while_it_is_busy_does_without(store: Store) -> None:
    come(store)
    text = envelope([campaign(f"Aurora {number}", description="dawn " * 40) for number in range(900)])
    with store.aside.asked(question(store, text)) as inbox:
        assert [o.status for o in store.writer(store.own_source()).add_text(text, LIMITS)] == ["imported"] * 900
        assert not inbox.ended
    # What was not heard to its end is not taken for the answer to the next question.
    come(store)
    assert {o.status for o in store.writer(store.own_source()).add_text(text, LIMITS)} == {"unchanged"}


def test_it_ends_with_the_store(make_store: Make) -> None:
    store = come(make_store())
    process = store.aside._process
    assert process is not None
    assert not process.has_gone()
    store.close()
    assert process.has_gone()


def test_it_goes_when_nobody_asks_any_more(store: Store) -> None:
    come(store)
    process = store.aside._process
    assert process is not None
    process._questions.close()
    assert process._child.wait(10) == 0
    come(store)


def test_small_texts_start_nothing(store: Store) -> None:
    list(store.writer(store.own_source()).add_text(json.dumps({"objects": [campaign("one")]}).encode(), LIMITS))
    assert store.aside._process is None


def test_what_cannot_come_is_not_called_at_every_request(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []

    class Called(module._Process):
        def __init__(self, *arguments: Any) -> None:
            calls.append(time.monotonic())
            super().__init__(*arguments)

    monkeypatch.setattr(module, "_Process", Called)
    monkeypatch.setattr(module, "_MAIN", "raise SystemExit(1)")
    for _ in range(200):
        with pytest.raises(Gone), store.aside.asked(question(store)):
            pass
        time.sleep(0.01)
    assert len(calls) == 1
    monkeypatch.setattr(module, "_MAIN", "from kizuna.store.aside import main; main()")
    monkeypatch.setattr(store.aside, "_not_before", 0.0)
    come(store)
