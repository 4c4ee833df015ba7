"""The observer: what happens is told in order, whoever fails or is held up."""

from __future__ import annotations

import threading
import time

import pytest

from kizuna.events import Act, Event, Said, Told
from kizuna.observe import Observer, observer
from kizuna.trace import Trace, enter


class Hearer:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def __call__(self, told: Told) -> None:
        self.told.append(told)

    @property
    def events(self) -> list[Event]:
        return [told.event for told in self.told]


def test_everybody_hears_everything_in_order() -> None:
    first, second, told = Hearer(), Hearer(), Observer()
    flushed: list[int] = []
    told.add(first, lambda: flushed.append(len(first.told)))
    told.add(second)
    told.start()
    events = [Act(str(n)) for n in range(1000)]
    for event in events:
        told(event)
    told.close()
    assert first.events == second.events == events
    assert flushed[-1] == 1000
    assert [one.at for one in first.told] == sorted(one.at for one in first.told)


def test_an_event_knows_the_request_it_belongs_to() -> None:
    hearer, told, trace = Hearer(), Observer(), Trace()
    told.add(hearer)
    told(Act("before"))
    enter(trace)
    told(Act("within"))
    told.settle()
    assert [one.trace for one in hearer.told][1] is trace


def test_a_hearer_that_fails_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: Told) -> None:
        raise RuntimeError("content of an object")

    hearer, told = Hearer(), Observer()
    told.add(broken)
    told.add(hearer)
    told(Act("x"))
    told.settle()
    assert hearer.events == [Act("x")]
    assert capsys.readouterr().err == "function failed: RuntimeError\n"


def test_whoever_is_held_up_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "WAITING", 10)
    monkeypatch.setattr(observer, "END_SECONDS", 0.2)
    held, hearer, told = threading.Event(), Hearer(), Observer()
    told.add(hearer, lambda: held.wait(30))
    told.start()
    told(Act("first"))
    while not hearer.told:
        time.sleep(0.01)
    began = time.monotonic()
    for n in range(100):
        told(Act(str(n)))
    told.settle()  # gives up: the other thread still tells
    assert time.monotonic() - began < 5
    held.set()
    told.close()
    told.settle()
    assert hearer.events[:11] == [Act("first"), *(Act(str(n)) for n in range(10))]
    assert hearer.events[11:] == [Said("warning", "events dropped", {"count": 90})]
