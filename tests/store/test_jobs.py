"""Jobs and turns: whoever holds one is alone with it, and it outlives whoever held it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec
import pytest

from kizuna.errors import Conflict, NotFound, TooLarge
from kizuna.store import Partner, Store
from kizuna.store.database import open_database
from kizuna.store.jobs import MOST_ATTEMPTS, MOST_OPEN, PIECE, Job, Jobs, Part
from kizuna.store.leases import SLACK, Heartbeat, Lost
from kizuna.store.schedule import Schedule
from kizuna.store.transfer import copy_store
from tests.conftest import Clock

LEASE = 20
GONE = LEASE + SLACK / 1_000_000 + 0.001


@pytest.fixture
def jobs(store: Store) -> Jobs:
    """The jobs of a node."""
    return Jobs(store)


def taken(jobs: Jobs) -> Job:
    """A job that somebody works on now."""
    job = jobs.claim()
    assert job is not None
    return job


def test_jobs_are_taken_in_order_each_once(jobs: Jobs) -> None:
    asked = [jobs.ask("export", "owner", {"types": [name]}) for name in "abc"]
    assert [taken(jobs).id for _ in asked] == [job.id for job in asked]
    assert jobs.claim() is None
    assert [(job.state, job.attempt) for job in jobs.listed(9)] == [("running", 1)] * 3


def test_what_a_job_was_given_is_there_and_goes_when_it_ends(jobs: Jobs, store: Store) -> None:
    text = bytes(range(256)) * (PIECE // 100)
    jobs.ask("import", "owner", {"label": "TLP:CLEAR"}, text)
    job = taken(jobs)
    assert (jobs.input(job), job.total, job.arguments) == (text, len(text), {"label": "TLP:CLEAR"})
    jobs.finish(job, "done", result={"imported": 3})
    after = jobs.find(job.id)
    assert (after.state, after.result, after.holder) == ("done", {"imported": 3}, None)
    assert store.database.read().execute("select count(*) from job_part").fetchone() == (0,)


def test_a_lease_that_is_renewed_holds_and_one_that_is_over_passes_on(jobs: Jobs, clock: Clock) -> None:
    jobs.ask("export", "owner", {})
    first = taken(jobs)
    clock.forward(LEASE - 1)
    assert not jobs.beat(first, 7, 9)
    clock.forward(LEASE + 1)  # within what clocks may differ by
    assert jobs.claim() is None
    clock.forward(GONE - LEASE - 1)
    second = taken(jobs)
    assert (second.id, second.attempt, second.done) == (first.id, 2, 0)
    for late in (
        lambda: jobs.beat(first, 8, 9),
        lambda: jobs.put(first, 0, Part(b"x", [], {})),
        lambda: jobs.finish(first, "done"),
    ):
        with pytest.raises(Lost):
            late()
    jobs.give_back(first, counts=True)
    assert jobs.find(first.id).holder == second.holder


def test_what_was_begun_before_is_made_anew(jobs: Jobs, clock: Clock) -> None:
    jobs.ask("export", "owner", {})
    first = taken(jobs)
    jobs.put(first, 0, Part(b"old", [1], {"2": "x"}))
    clock.forward(GONE)
    second = taken(jobs)
    jobs.put(second, 0, Part(b"new", [1], {"2": "x"}))
    jobs.finish(second, "done")
    assert list(jobs.parts(second)) == [Part(b"new", [1], {"2": "x"})]


def test_a_job_that_breaks_off_again_and_again_fails(jobs: Jobs) -> None:
    asked = jobs.ask("import", "owner", {}, b"[]")
    for _ in range(MOST_ATTEMPTS):
        jobs.give_back(taken(jobs), counts=True)
    assert jobs.claim() is None
    after = jobs.find(asked.id)
    assert (after.state, after.error, after.reason) == ("failed", "internal", "broke off 5 times")


def test_a_process_that_stops_uses_up_no_attempt(jobs: Jobs) -> None:
    jobs.ask("import", "owner", {}, b"[]")
    for _ in range(MOST_ATTEMPTS + 1):
        jobs.give_back(taken(jobs), counts=False)
    assert taken(jobs).attempt == 1


def test_what_waits_is_cancelled_at_once_and_what_runs_at_its_next_step(jobs: Jobs, store: Store) -> None:
    runs, waits = jobs.ask("import", "owner", {}, b"[1]"), jobs.ask("import", "owner", {}, b"[2]")
    held = taken(jobs)
    assert jobs.cancel(waits.id, by="owner").state == "cancelled"
    assert jobs.cancel(runs.id, by="colleague").state == "running"
    assert jobs.beat(held, 0, None)
    jobs.finish(held, "cancelled")
    assert jobs.claim() is None
    assert store.database.read().execute("select count(*) from job_part").fetchone() == (0,)
    for id in (runs.id, waits.id):
        with pytest.raises(Conflict, match="has ended"):
            jobs.cancel(id, by="owner")
    with pytest.raises(NotFound):
        jobs.cancel("none", by="owner")
    assert [(entry["act"], entry["actor"]) for entry in store.audit_trail()] == [
        ("job.cancel", "colleague"), ("job.cancel", "owner"),
    ]  # fmt: skip


def test_a_job_that_was_cancelled_is_not_begun_again(jobs: Jobs, clock: Clock) -> None:
    asked = jobs.ask("export", "owner", {})
    taken(jobs)
    jobs.cancel(asked.id, by="owner")
    clock.forward(GONE)  # whoever worked on it died before it saw that
    assert jobs.claim() is None
    assert jobs.find(asked.id).state == "cancelled"


def test_nobody_finds_the_job_of_another(jobs: Jobs) -> None:
    mine, theirs = jobs.ask("export", "owner", {}), jobs.ask("export", "colleague", {})
    assert jobs.find(mine.id, asked="owner") == mine
    for id in (theirs.id, "none", "\0"):
        with pytest.raises(NotFound, match="no such job"):
            jobs.find(id, asked="owner")
    assert [job.id for job in jobs.listed(9, asked="owner")] == [mine.id]
    assert [job.id for job in jobs.listed(1, before=theirs.n)] == [mine.id]
    assert jobs.listed(9, states=["done"]) == []


def test_bounds(jobs: Jobs, make_store: Callable[..., Store]) -> None:
    for _ in range(MOST_OPEN):
        jobs.ask("export", "owner", {})
    with pytest.raises(Conflict, match="20 jobs"):
        jobs.ask("export", "owner", {})
    jobs.ask("export", "colleague", {})
    small = make_store()
    limits = msgspec.structs.replace(small.settings.limits, split_above=3)
    small.settings = msgspec.structs.replace(small.settings, limits=limits)
    with pytest.raises(TooLarge):
        Jobs(small).ask("import", "owner", {}, b"1234")


def test_jobs_that_ended_long_ago_are_forgotten(jobs: Jobs, clock: Clock, store: Store) -> None:
    old, running = (jobs.ask("export", "owner", {}) for _ in range(2))
    jobs.put(held := taken(jobs), 0, Part(b"x", [], {}))
    jobs.finish(held, "done")
    taken(jobs)
    clock.forward(13 * 86_400)
    jobs.tidy()
    assert jobs.find(old.id)
    clock.forward(2 * 86_400)
    jobs.tidy()
    assert [job.id for job in jobs.listed(9)] == [running.id]
    assert store.database.read().execute("select count(*) from job_part").fetchone() == (0,)
    assert jobs.counts() == {("export", "running"): 1}


def test_many_who_claim_at_once_get_each_job_once(jobs: Jobs) -> None:
    asked = {jobs.ask("export", str(number % 5), {}).id for number in range(40)}
    found: list[str] = []

    def work() -> None:
        while (job := jobs.claim()) is not None:
            found.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), set(found)) == (40, asked)


def test_a_node_that_moves_takes_its_jobs_along(
    jobs: Jobs, store: Store, new_database: Callable[[], str | None]
) -> None:
    jobs.ask("import", "owner", {}, b"[1]")
    jobs.put(jobs_held := taken(jobs), 1, Part(b"more", [1], {}))
    Schedule(store).claim("poll:Kyiv", 60)
    settings = msgspec.structs.replace(store.settings, store=new_database() or f"sqlite:///{store.folder}/other.sqlite")
    with closing(open_database(store.folder, settings)) as target:
        copy_store(store, target)
    there = Store(store.folder, settings, store.clock)
    try:
        assert Jobs(there).listed(9) == jobs.listed(9)
        assert list(Jobs(there).parts(jobs_held)) == list(jobs.parts(jobs_held))
        assert Jobs(there).ask("export", "owner", {}).n > jobs_held.n
        assert Schedule(there).claim("poll:Kyiv", 60) is None
    finally:
        there.close()


def test_a_turn_is_one_holders_until_it_is_done_and_due_again(store: Store, clock: Clock) -> None:
    one, other = Schedule(store), Schedule(store)
    holder = one.claim("poll:Kyiv", 60)
    assert holder is not None
    assert other.claim("poll:Kyiv", 60) is None
    assert other.claim("poll:Brussels", 60) is not None
    one.done("poll:Kyiv", holder, 60)
    clock.forward(59)
    assert (one.claim("poll:Kyiv", 60), other.claim("poll:Kyiv", 60)) == (None, None)
    clock.forward(1)
    assert other.claim("poll:Kyiv", 60) is not None


def test_a_turn_passes_on_when_its_holder_is_silent(store: Store, clock: Clock) -> None:
    schedule = Schedule(store)
    first = schedule.claim("poll:Kyiv", 60)
    assert first is not None
    clock.forward(LEASE - 1)
    assert schedule.renew("poll:Kyiv", first)
    clock.forward(LEASE)
    assert schedule.claim("poll:Kyiv", 60) is None
    clock.forward(GONE - LEASE)
    second = schedule.claim("poll:Kyiv", 60)
    assert second is not None
    assert not schedule.renew("poll:Kyiv", first)
    schedule.done("poll:Kyiv", first, 60)
    assert schedule.claim("poll:Kyiv", 60) is None


def test_a_pause_that_was_made_shorter_counts_at_once(store: Store, clock: Clock) -> None:
    schedule = Schedule(store)
    schedule.done("poll:Kyiv", schedule.claim("poll:Kyiv", 60) or "", 86_400)
    clock.forward(60)
    assert schedule.claim("poll:Kyiv", 86_400) is None
    assert schedule.claim("poll:Kyiv", 60) is not None


def test_the_turn_of_a_partner_that_is_gone_is_forgotten(store: Store) -> None:
    store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR"))
    assert Schedule(store).claim("poll:Kyiv", 60)
    store.remove_partner("Kyiv")
    assert store.database.read().execute("select count(*) from schedule").fetchone() == (0,)


def test_a_heartbeat_outlives_a_failure_and_ends_when_it_is_lost() -> None:
    answers: Iterator[bool | OSError] = iter([True, OSError(), True, False])

    def renew() -> bool:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    with Heartbeat(renew, 0.001) as beating:
        assert beating.lost.wait(30)
