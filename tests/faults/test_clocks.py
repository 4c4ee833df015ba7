"""A node whose clock jumps by a day and more, goes past 2038 and 2106, or meets a leap second: nothing is lost, stuck or given twice."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kizuna.clock import from_text, to_text
from kizuna.keeping import EVEN_SECONDS, Evenly, Keeper
from kizuna.settings import load as load_settings
from kizuna.store import Query, Store, open_store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.jobs import Jobs
from kizuna.store.leases import SECOND, Lost
from kizuna.store.retention import Rules
from kizuna.store.schedule import Schedule
from kizuna.store.verify import verify
from tests.builders import CLEAR, campaign, items
from tests.conftest import Clock

from .conftest import EVERYWHERE, Faulty, corpus
from .test_several_processes import as_somebody, post, up
from .test_sudden_end import TAXII, check, feed_is_gapless

DAY_AND_MORE = 26 * 3600
JUMPS = (0, DAY_AND_MORE, -DAY_AND_MORE, 0)


LIBRARY = next(iter(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1")), None)


@pytest.fixture
def set_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the clock of every process that is started from here, while it runs; the time that passes stays what it is."""
    file = tmp_path / "clock"

    def to(what: str) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(what + "\n")
        os.replace(fresh, file)

    to("+0")
    for name, value in (
        ("LD_PRELOAD", str(LIBRARY)), ("FAKETIME_TIMESTAMP_FILE", str(file)), ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    return to


class Follower:
    """A partner that pages on from the last date it was told."""

    def __init__(self, token: str) -> None:
        self.seen: list[tuple[str, str]] = []
        self.after = "2020-01-01T00:00:00.000000Z"
        self._headers = {**as_somebody(token), "Accept": TAXII}

    def follow(self, url: str) -> None:
        while True:
            answer = httpx.get(
                f"{url}/taxii2/real/collections/feed/objects/", headers=self._headers, timeout=60,
                params={"added_after": self.after, "limit": "23", "match[version]": "all"},
            )  # fmt: skip
            assert answer.status_code == 200, answer.text
            found = answer.json().get("objects", [])
            self.seen += [(one["id"], one.get("modified", "")) for one in found]
            last = answer.headers.get("X-TAXII-Date-Added-Last", self.after)
            assert last > self.after or not found
            self.after = last
            if not found:
                return


def _begun(url: str, token: str, number: int) -> str:
    """An import as a job that takes its while: its id."""
    answer = httpx.post(
        f"{url}/api/v1/jobs", json=corpus(number, 600, f"job{number}x"), headers=as_somebody(token), params={"kind": "import"}, timeout=60
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _done(url: str, token: str, job: str) -> None:
    """Wait until it has come to its end, as it should."""
    deadline = time.monotonic() + 60
    while (told := httpx.get(f"{url}/api/v1/jobs/{job}", headers=as_somebody(token), timeout=60).json())[
        "state"
    ] != "done":
        assert told["state"] in ("queued", "running"), told
        assert time.monotonic() < deadline, told
        time.sleep(0.1)


def _all_of_it(node: Faulty, follower: Follower, sent: list[dict[str, Any]]) -> None:
    assert len(follower.seen) == len(set(follower.seen))
    store = open_store(node.folder)
    assert len(follower.seen) == store.feed("Brussels").count() > 0
    store.close()
    check(node.folder, sent)


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not on this machine")
@EVERYWHERE
@pytest.mark.parametrize("restarted", [False, True], ids=["while it serves", "between runs"])
def test_jumps(faulty: Faulty, set_clock: Callable[[str], None], restarted: bool) -> None:
    follower, sent = Follower(faulty.brussels), list[dict[str, Any]]()

    def turn(url: str, number: int, seconds: int) -> None:
        objects = corpus(number, 30, f"t{number}x")
        answer = post(url, faulty.owner, *objects)
        assert answer.status_code == 202, answer.text
        failed = {entry["id"] for entry in answer.json()["failures"]}
        sent.extend(one for one in objects if one["id"] not in failed)
        shown = httpx.get(f"{url}/healthz", timeout=60)
        assert shown.status_code == 200
        follower.follow(url)

    if restarted:
        for number, seconds in enumerate(JUMPS):
            set_clock(f"{seconds:+d}")
            with up(faulty.folder) as (url, _):
                turn(url, number, seconds)
    else:
        with up(faulty.folder) as (url, _):
            for number, seconds in enumerate(JUMPS):
                job = _begun(url, faulty.owner, number)
                set_clock(f"{seconds:+d}")
                turn(url, number, seconds)
                _done(url, faulty.owner, job)
                follower.follow(url)
    set_clock("+0")
    _all_of_it(faulty, follower, sent)


@EVERYWHERE
def test_beyond_what_32_bits_count(faulty: Faulty) -> None:
    """By the node's own seam, since no system's clock goes that far everywhere: rows and feeds of 2038 and 2106."""
    settings = load_settings(faulty.folder)
    for date in ("2038-01-19T03:14:06Z", "2106-02-07T06:28:14Z"):
        clock = Clock(from_text(date))
        store = Store(faulty.folder, settings, clock)
        for number in range(2):
            name = f"y{date[:4]}x{number}"
            one = campaign(name, object_marking_refs=[CLEAR])
            one |= {"created": to_text(clock()), "modified": to_text(clock())}
            assert [o.status for o in store.writer(store.own_source()).add(items(one))] == ["imported"]
            found = store.feed("Brussels").read(Query(), clock() - 1, 10).rows
            assert [(row.id, row.added) for row in found] == [(one["id"], clock())]
            clock.forward(4)
        assert list(verify(store)) == []
        feed_is_gapless(store, "Brussels")
        store.close()


def test_what_is_leased_on_a_clock_that_was_ahead_is_free_again(store: Store, clock: Clock) -> None:
    jobs, schedule = Jobs(store), Schedule(store)
    jobs.ask("export", "owner", {})
    old = jobs.claim()
    assert old is not None
    holder = schedule.claim("poll", 60)
    assert holder is not None
    clock.forward(-DAY_AND_MORE)
    new = jobs.claim()
    assert new is not None
    assert new.id == old.id
    assert schedule.claim("poll", 60) is not None
    assert not schedule.renew("poll", holder)  # whoever lived on finds that it is lost, and nothing is done twice
    with pytest.raises(Lost):
        jobs.finish(old, "done")
    jobs.finish(new, "done")


def test_who_lives_keeps_what_it_holds_when_the_clock_goes_back(store: Store, clock: Clock) -> None:
    jobs, schedule = Jobs(store), Schedule(store)
    jobs.ask("export", "owner", {})
    job, holder = jobs.claim(), schedule.claim("poll", 60)
    assert job is not None
    assert holder is not None
    clock.forward(-DAY_AND_MORE)
    jobs.beat(job, 1, 2)
    assert schedule.renew("poll", holder)
    assert jobs.claim() is None
    assert schedule.claim("poll", 60) is None


def test_a_token_follows_the_clock(store: Store, clock: Clock) -> None:
    """What holds: a token that was seen expired lives again while the clock says an earlier time, unless it was revoked."""
    accounts = Accounts(store)
    accounts.add_user("owner", ROLES, by="test")
    secret, token = accounts.create_token(by="test", user="owner", scopes=("read",), lasts=3600 * SECOND)
    link = accounts.create_link("owner", by="test")
    assert accounts.use_link(link) is not None
    clock.forward(DAY_AND_MORE)
    assert accounts.find("token", secret) is None
    clock.forward(-DAY_AND_MORE)
    assert accounts.find("token", secret) is not None
    assert accounts.use_link(link) is None
    accounts.end("token", token.number, by="test")
    clock.forward(-DAY_AND_MORE)
    assert accounts.find("token", secret) is None


def test_a_clock_that_jumps_ahead_destroys_nothing_for_a_day(store: Store, clock: Clock) -> None:
    rules, keeper = Rules(store), Keeper(store)
    list(store.writer(store.own_source()).add(items(campaign("kept", object_marking_refs=[CLEAR]))))
    rules.set("TLP:CLEAR", None, 1, "hide", "x", by="cli:x")
    keeper.turn()
    clock.forward(DAY_AND_MORE)
    keeper._next = 0.0
    keeper.turn()
    assert store.custodian().stats().objects == 1
    clock.forward(-DAY_AND_MORE)
    keeper.turn()
    assert store.custodian().stats().objects == 1


def test_a_clock_is_believed_again_after_a_day() -> None:
    clock, passed = Clock(0), [1000.0]
    evenly = Evenly(clock, lambda: passed[0])

    def both(seconds: float) -> None:
        clock.forward(seconds)
        passed[0] += seconds

    both(30 * EVEN_SECONDS)
    assert evenly.goes()
    clock.forward(60)  # a leap second, a step of NTP, or a smeared one
    assert evenly.goes()
    clock.forward(DAY_AND_MORE)
    assert not evenly.goes()
    both(EVEN_SECONDS - 1)
    assert not evenly.goes()
    both(2)
    assert evenly.goes()


@EVERYWHERE
def test_a_leap_second_is_taken_and_kept_as_it_was_written(faulty: Faulty) -> None:
    """RFC 3339 allows 23:59:60; it sorts as the second after it."""
    one = campaign("leap", object_marking_refs=[CLEAR])
    one |= {"created": "2016-12-31T23:59:60.000Z", "modified": "2016-12-31T23:59:60.000Z"}
    store = Store(faulty.folder, load_settings(faulty.folder))
    outcomes = list(store.writer(store.own_source()).add(items(one)))
    assert [o.status for o in outcomes] == ["imported"], outcomes
    assert b"23:59:60.000Z" in b"".join(store.custodian().export())
    assert list(verify(store)) == []
    store.close()
