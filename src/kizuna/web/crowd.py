"""The connections of a node: when there are as many as it takes, one that does nothing makes room for one that just came."""

from __future__ import annotations

from collections import Counter
from typing import Protocol


class Member(Protocol):
    """One connection."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is done for it; None while a request of it is worked on."""

    def leave(self) -> None:
        """End at once."""


class Crowd:
    """At most so many; those who hold many and do nothing with them are the first to lose one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._members: set[Member] = set()

    def enter(self, member: Member) -> None:
        """Somebody came; if there is no room, one leaves: of the address that has the most idle ones, the one idle for longest.

        Where all are worked for, it is the one that came.
        """
        self._members.add(member)
        if len(self._members) > self._most:
            self._make_room(member)

    def leave(self, member: Member) -> None:
        """Somebody went."""
        self._members.discard(member)

    def _make_room(self, newest: Member) -> None:
        idle = [(one.address, since, one) for one in self._members if (since := one.idle_since) is not None]
        held = Counter(address for address, _, one in idle)
        others = [(-held[address], since, one) for address, since, one in idle if one is not newest]
        _, _, one = min(others, key=lambda entry: entry[:2], default=(0, 0.0, newest))
        self._members.discard(one)
        one.leave()
