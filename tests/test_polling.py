"""Polling: what is wrong with one partner is that partner's matter, and what it says goes into no log."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from kizuna.clock import now_us
from kizuna.errors import PeerFailed
from kizuna.events import Poll
from kizuna.exchange.taxii.client import ahead, poll
from kizuna.observe import Observer
from kizuna.polling import Poller, Turn
from kizuna.settings import write_private
from kizuna.store import Partner, Store
from kizuna.store.schedule import Schedule
from tests.exchange.taxii.foreign import Foreign, Said, absent
from tests.serving import running


@pytest.fixture(autouse=True)
def going(store: Store) -> None:
    """A clock that goes: it says when a partner's next turn is due."""
    store.clock = now_us


class Odd(Poller):
    """Fails with the first partner in a way that nobody expects, and tells when the last had its turn."""

    last = threading.Event()

    def _poll(self, name: str) -> Turn:
        if name == "Alpha":
            raise OverflowError("date value out of range")
        self.last.set()
        return Turn()


@pytest.fixture
def two(store: Store) -> Store:
    """A node with two partners that have an address."""
    Odd.last.clear()
    for name in ("Alpha", "Bravo"):
        store.put_partner(Partner(name=name, organisation=name, country="BEL", url="http://127.0.0.1:9/taxii2/"))
    return store


def test_what_breaks_one_poll_stops_no_other(two: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with Odd(two, 0.01):
        assert Odd.last.wait(30)
    assert "polling Alpha: OverflowError: date value out of range" in capsys.readouterr().err


def test_what_another_process_polls_waits_until_it_is_done(two: Store) -> None:
    heard, other = Heard(), Heard()
    schedule = Schedule(two)
    held = {name: schedule.claim(f"poll:{name}", 1) for name in ("Alpha", "Bravo")}
    with Odd(two, 0.01, heard), Odd(two, 0.01, other):
        time.sleep(0.3)
        assert heard.polls == other.polls == []
        for name, holder in held.items():
            schedule.done(f"poll:{name}", holder or "", 0)
        deadline = time.monotonic() + 60
        while {poll.partner for poll in heard.polls + other.polls} != {"Alpha", "Bravo"}:
            assert time.monotonic() < deadline
            time.sleep(0.02)


class Heard(Observer):
    """Keeps the polls it is told of."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet)
        self.polls: list[Poll] = []

    def __call__(self, event: Any) -> None:
        self.polls.append(event._replace(seconds=0.0))

    def wait(self, count: int) -> list[Poll]:
        """So many of them."""
        until = time.monotonic() + 60
        while len(self.polls) < count and time.monotonic() < until:
            time.sleep(0.01)
        return self.polls[:count]


def test_an_observer_is_told_instead_of_standard_error(two: Store, capsys: pytest.CaptureFixture[str]) -> None:
    heard = Heard()
    with Odd(two, 0.01, heard):
        polls = heard.wait(4)
    broken = Poll("Alpha", 1, 0, 0.0, "internal", "OverflowError")
    assert polls == [
        broken,
        Poll("Bravo", 2, 0, 0.0),
        broken._replace(news=False),
        Poll("Bravo", 2, 0, 0.0, news=False),
    ]
    assert capsys.readouterr().err == ""


def test_where_nothing_is_logged_it_is_printed(two: Store, capsys: pytest.CaptureFixture[str]) -> None:
    heard = Heard(quiet=True)
    with Odd(two, 0.01, heard):
        heard.wait(4)
    assert capsys.readouterr().err.count("polling Alpha") == 1


def test_what_a_partner_answers_goes_into_no_log(store: Store) -> None:
    answer = Said.json({"title": "zqcanary", "description": "zqcanary"})
    refused = Said(answer.body, status=403, type=answer.type)
    with running(Foreign(absent, **{"/taxii2/": lambda _: refused}), lifespan="off") as (host, port):
        url = f"http://{host}:{port}/taxii2/"
        store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR", url=url))
        write_private(store.folder / "kyiv.token", b"kzn_x")
        heard = Heard()
        poller = Poller(store, 0.01, heard)
        poller._met.add("Kyiv")  # the first turn would be a process of its own, which is tested below
        with poller:
            (told,) = heard.wait(1)
    assert (told.error, told.reason) == ("peer-failed", f"{url}: answered 403")


def test_the_first_turn_is_a_process_of_its_own(store: Store) -> None:
    store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR", url="http://127.0.0.1:9/"))
    write_private(store.folder / "kyiv.token", b"kzn_x")
    heard = Heard()
    with Poller(store, 0.01, heard):
        (told,) = heard.wait(1)
    assert (told.partner, told.number, told.error) == ("Kyiv", 1, "peer-failed")
    assert "cannot be reached" in (told.reason or "")


@pytest.mark.parametrize(
    ("date", "seconds"), [("Mon, 23 Nov 2099 00:00:00 GMT", 1), ("Mon, 23 Nov 2020 00:00:00 GMT", -1)]
)
def test_a_poll_notes_how_far_the_partners_clock_is_ahead(store: Store, date: str, seconds: int) -> None:
    empty = Foreign(absent, **{"/taxii2/": lambda _: Said.json({"title": "x", "api_roots": []}, date=date)})
    with running(empty, lifespan="off", date_header=False) as (host, port):
        url = f"http://{host}:{port}/taxii2/"
        store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR", url=url))
        write_private(store.folder / "kyiv.token", b"kzn_x")
        assert ahead(store, store.partner("Kyiv")) is None
        with pytest.raises(PeerFailed, match="no collection"):
            poll(store, "Kyiv")
    found = ahead(store, store.partner("Kyiv"))
    assert found is not None
    assert found * seconds > 86_400
