"""Fair shares: however much one caller asks for at once, the others wait for a few of its requests at most."""

from __future__ import annotations

import hashlib
from asyncio import Future, get_running_loop
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any

from kizuna.errors import TooMany

REMEMBERED = 10_000
_CREDENTIALS = (b"authorization", b"cookie")


class Line:
    """The requests of one caller: how many are worked on, and who waits for a turn."""

    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[Future[None]] = deque()


class Turns:
    """Lets so many requests of one caller be worked on at once; as many others wait as there is room for."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once = at_once
        self._room = waiting
        self._lines: dict[str, Line] = {}

    async def take(self, caller: str) -> None:
        """Wait for a turn, which is to be given back. Raises TooMany when too many wait already."""
        line = self._lines.get(caller)
        if line is None:
            line = self._lines[caller] = Line()
        if line.running < self._at_once:
            line.running += 1
            return
        if len(line.waiting) >= self._room:
            raise TooMany("too many requests at once; wait for the answers to some of them", seconds=1)
        turn: Future[None] = get_running_loop().create_future()
        line.waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.give_back(caller)  # it came just when nobody wanted it any more
            else:
                line.waiting.remove(turn)
            raise

    def give_back(self, caller: str) -> None:
        """The next of the same caller has its turn."""
        line = self._lines[caller]
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        line.running -= 1
        if not line.running:
            del self._lines[caller]


class Callers:
    """Whose request one is, before anybody looked at its credentials: who had them before, else the address it came from.

    So nobody gets more by making credentials up, and partners behind one address have a share each.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def of(self, headers: Iterable[tuple[bytes, bytes]], remote: str) -> tuple[str, bytes | None]:
        """The caller, and what the credentials are remembered by, if any came."""
        given = [part for name, value in headers if name in _CREDENTIALS for part in (name, value)]
        if not given:
            return f"from {remote}", None
        key = hashlib.blake2b(b"\0".join(given), digest_size=16).digest()
        return self._known.get(key, f"from {remote}"), key

    def remember(self, key: bytes, name: str) -> None:
        """These credentials were good."""
        self._known[key] = name
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


class Turn:
    """The turn of one request: of the address it came from, until it is known whose it is.

    So those who come from one address hold each other up only as long as it takes to look at credentials.
    """

    def __init__(self, turns: Turns, callers: Callers, scope: Any) -> None:
        self._turns = turns
        self._callers = callers
        self._scope = scope
        self._held: str | None = None
        self._caller, self._credentials = callers.of(scope["headers"], (scope.get("client") or ("",))[0])

    async def take(self) -> None:
        """Wait for it. Raises TooMany."""
        await self._turns.take(self._caller)
        self._held = self._caller

    async def known(self) -> None:
        """If by now it is known whose the request is, go on in that one's line. Raises TooMany."""
        name = self._name()
        if name is not None and name != self._caller and self._held is not None:
            self.give_back()
            self._caller = name
            await self.take()

    def give_back(self) -> None:
        """It is over."""
        self._name()
        if self._held is not None:
            held, self._held = self._held, None
            self._turns.give_back(held)

    def _name(self) -> str | None:
        user = self._scope.get("user")
        if user is None:
            return None
        name = f"{user.kind} {user.name}"
        if self._credentials is not None:
            self._callers.remember(self._credentials, name)
        return name
