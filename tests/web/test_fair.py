"""Fair shares: the greedy wait for themselves, and made-up credentials bring nobody more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.errors import TooMany
from kizuna.web.fair import REMEMBERED, Callers, Turn, Turns


class Work:
    """Requests that run until they are told to end."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self.turns = Turns(at_once, waiting)
        self.running: Counter[str] = Counter()
        self.ended: list[str] = []
        self.gates: list[asyncio.Event] = []

    async def request(self, caller: str) -> None:
        await self.turns.take(caller)
        self.running[caller] += 1
        gate = asyncio.Event()
        self.gates.append(gate)
        try:
            await gate.wait()
        finally:
            self.running[caller] -= 1
            self.ended.append(caller)
            self.turns.give_back(caller)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_greedy_wait_for_themselves() -> None:
    async def play() -> None:
        work = Work(at_once=2, waiting=5)
        greedy = [asyncio.create_task(work.request("greedy")) for _ in range(6)]
        await settled()
        modest = asyncio.create_task(work.request("modest"))
        await settled()
        assert work.running == {"greedy": 2, "modest": 1}
        for _ in range(10):
            for gate in list(work.gates):
                gate.set()
            await settled()
            assert work.running["greedy"] <= 2
        await asyncio.gather(*greedy, modest)
        assert work.turns._lines == {}

    asyncio.run(play())


def test_who_waits_too_often_is_told() -> None:
    async def play() -> None:
        work = Work(at_once=1, waiting=2)
        tasks = [asyncio.create_task(work.request("a")) for _ in range(3)]
        await settled()
        with pytest.raises(TooMany) as told:
            await work.turns.take("a")
        assert told.value.seconds >= 1
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert work.turns._lines == {}

    asyncio.run(play())


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "end", "cancel"])), max_size=60))
def test_turns_are_neither_lost_nor_given_twice(steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        work = Work(at_once=2, waiting=100)
        tasks: list[tuple[str, asyncio.Task[None]]] = []
        for caller, step in steps:
            if step == "ask":
                tasks.append((caller, asyncio.create_task(work.request(caller))))
            elif step == "end" and work.gates:
                work.gates.pop(0).set()
            elif step == "cancel":
                for name, task in tasks:
                    if name == caller and not task.done():
                        task.cancel()
                        break
            if len(caller) % 2:
                await settled()
            assert all(count <= 2 for count in work.running.values())
        while not all(task.done() for _, task in tasks):
            for gate in work.gates:
                gate.set()
            await settled()
        assert work.turns._lines == {}

    asyncio.run(play())


def test_whose_a_request_is() -> None:
    callers = Callers()
    of: Callable[..., str] = lambda headers, remote="192.0.2.1": callers.of(headers, remote)[0]  # noqa: E731
    token = [(b"authorization", b"Bearer kzn_a")]
    assert of(token) == of([]) == of([(b"authorization", b"Bearer made up")]) == "from 192.0.2.1"
    callers.remember(callers.of(token, "")[1] or b"", "partner Brussels")
    assert of(token) == of(token, "192.0.2.2") == "partner Brussels"
    assert of([]) == of([(b"cookie", b"Bearer kzn_a")]) == "from 192.0.2.1"
    for number in range(REMEMBERED):
        callers.remember(b"%d" % number, "x")
    assert of(token) == "from 192.0.2.1"
    assert len(callers._known) == REMEMBERED


def test_who_is_known_waits_in_a_line_of_their_own() -> None:
    async def play() -> None:
        turns, callers = Turns(at_once=1, waiting=5), Callers()

        def request(token: bytes) -> tuple[Turn, dict[str, Any]]:
            scope = {"headers": [(b"authorization", token)], "client": ("192.0.2.1", 1)}
            return Turn(turns, callers, scope), scope

        (one, scope), (other, another) = request(b"a"), request(b"b")
        await one.take()
        waits = asyncio.create_task(other.take())
        await settled()
        assert not waits.done()
        scope["user"] = SimpleNamespace(kind="partner", name="Alpha")
        await one.known()
        await settled()
        assert waits.done()
        another["user"] = SimpleNamespace(kind="partner", name="Alpha")
        follows = asyncio.create_task(other.known())
        await settled()
        assert not follows.done()
        one.give_back()
        await follows
        other.give_back()
        assert turns._lines == {}

    asyncio.run(play())
