"""A runner takes jobs one after the other, each in a process of its own, and lets go of them when it is told to end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from kizuna.clock import now_us
from kizuna.errors import Unavailable
from kizuna.events import Event, Job
from kizuna.jobs import Runner, carry_out, work
from kizuna.jobs import runner as runner_module
from kizuna.store import Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.jobs import MOST_ATTEMPTS, Jobs
from kizuna.store.purging import Purges
from tests.builders import CLEAR, campaign, items
from tests.commands import bundle


@pytest.fixture
def jobs(store: Store) -> Jobs:
    """The jobs of a node whose clock goes, for processes of their own read that one."""
    store.clock = now_us
    return Jobs(store)


def ended(jobs: Jobs, id: str, seconds: float = 60) -> Any:
    """A job when it has ended."""
    until = time.monotonic() + seconds
    while (job := jobs.find(id)).ended is None:
        assert time.monotonic() < until, job
        time.sleep(0.02)
    return job


def test_an_import_an_export_and_a_poll(jobs: Jobs, store: Store) -> None:
    told: list[Event] = []
    store.listen(told.append)
    brought = jobs.ask("import", "cli:x", {"label": "TLP:CLEAR"}, bundle(campaign("a"), campaign("b")))
    given = jobs.ask("export", "cli:x", {})
    polled = jobs.ask("poll", "cli:x", {"partner": "Nobody"})
    with Runner(store):
        assert ended(jobs, brought.id).result["imported"] == 2
        assert ended(jobs, given.id).result == {"objects": 2}
        assert (ended(jobs, polled.id).error, ended(jobs, polled.id).reason) == ("not-found", "no partner named Nobody")
    turns = [event._replace(seconds=0.0) for event in told if isinstance(event, Job)]
    assert turns == [
        Job("import", "done", 1, 0.0),
        Job("export", "done", 1, 0.0),
        Job("poll", "failed", 1, 0.0, "not-found"),
    ]
    assert [entry["act"] for entry in store.audit_trail()][:2] == ["export", "import"]


def test_what_is_purged_is_in_no_export(jobs: Jobs, store: Store) -> None:
    for name in ("first", "second"):
        Accounts(store).add_user(name, ROLES, by="test")
    list(store.writer(store.own_source()).add(items(campaign("a"), campaign("b"))))
    made = [jobs.ask("export", "cli:x", {}), jobs.ask("export", "cli:x", {"types": ["report"]})]
    while (job := jobs.claim()) is not None:
        carry_out(store, job)
    assert [jobs.find(one.id).state for one in made] == ["done", "done"]
    purges = Purges(store)
    purges.confirm(purges.propose(campaign("a")["id"], "why", by="first").number, by="second")
    states = [(jobs.find(one.id).state, jobs.find(one.id).error) for one in made]
    assert states == [("failed", "outdated"), ("done", None)]
    assert list(jobs.parts(jobs.find(made[0].id))) == []


def test_what_is_purged_is_in_no_answer_of_an_import(jobs: Jobs, store: Store) -> None:
    for name in ("first", "second"):
        Accounts(store).add_user(name, ROLES, by="test")
    asked = jobs.ask("import", "cli:x", {}, bundle({**campaign("a"), "name": 7}, {**campaign("b"), "name": 8}))
    while (job := jobs.claim()) is not None:
        carry_out(store, job)
    purges = Purges(store)
    purges.confirm(purges.propose(campaign("a")["id"], "why", by="first").number, by="second")
    result = jobs.find(asked.id).result
    assert result is not None
    assert [failure["id"] for failure in result["failures"]] == [campaign("b")["id"]]
    assert result["failed"] == 2


def test_a_runner_that_ends_lets_go_at_once(jobs: Jobs, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "MAIN", "import time; time.sleep(60)")
    asked = jobs.ask("import", "cli:x", {}, b"[]")
    with Runner(store):
        while jobs.find(asked.id).state != "running":
            time.sleep(0.02)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    after = jobs.find(asked.id)
    assert (after.state, after.attempt, after.holder) == ("queued", 0, None)
    monkeypatch.undo()
    with Runner(store):
        assert ended(jobs, asked.id).state == "done"


def test_a_process_that_breaks_off_is_begun_anew_and_not_for_ever(
    jobs: Jobs, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "MAIN", "raise SystemExit(3)")
    asked = jobs.ask("import", "cli:x", {}, b"[]")
    with Runner(store):
        after = ended(jobs, asked.id)
    assert (after.state, after.attempt, after.reason) == ("failed", 5, "broke off 5 times")


def test_a_database_that_was_away_for_a_moment_fails_no_job(
    jobs: Jobs, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> Any:
        raise Unavailable("the database does not answer")

    monkeypatch.setitem(work.WORK, "export", away)
    asked = jobs.ask("export", "cli:x", {})
    for attempt in range(1, MOST_ATTEMPTS):
        job = jobs.claim()
        assert job is not None
        assert job.attempt == attempt
        with pytest.raises(Unavailable):
            carry_out(store, job)
        jobs.give_back(job, counts=True)
    job = jobs.claim()
    assert job is not None
    carry_out(store, job)
    after = jobs.find(asked.id)
    assert (after.state, after.error, after.reason) == ("failed", "unavailable", "the database does not answer")


def test_a_database_that_fails_ends_no_runner(jobs: Jobs, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    store.listen(told.append)
    failing = iter([OSError("a"), OSError("b")])
    claim = Jobs.claim

    def sometimes(self: Jobs) -> Any:
        for error in failing:
            raise error
        return claim(self)

    monkeypatch.setattr(Jobs, "claim", sometimes)
    asked = jobs.ask("export", "cli:x", {})
    with Runner(store):
        assert ended(jobs, asked.id).state == "done"
    assert [event.text for event in told if event.__class__.__name__ == "Said"] == ["jobs wait"]  # type: ignore[union-attr]


def test_a_large_import_says_how_far_it_is(jobs: Jobs, store: Store, make_large: Callable[[], bytes]) -> None:
    text = make_large()
    asked = jobs.ask("import", "cli:x", {}, text)
    seen: set[int] = set()
    with Runner(store):
        while (job := jobs.find(asked.id)).ended is None:
            seen.add(job.done)
            time.sleep(0.02)
    assert job.result["failed"] == 0 if job.result else False
    assert job.done > len(text) // 2
    assert (job.total, max(seen) <= len(text)) == (len(text), True)


@pytest.fixture
def make_large() -> Callable[[], bytes]:
    """A bundle of six megabytes."""
    return lambda: bundle(
        *(campaign(f"n{n}", object_marking_refs=[CLEAR], description=json.dumps([n] * 200)) for n in range(6_000))
    )
