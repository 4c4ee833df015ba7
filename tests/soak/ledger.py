"""What the nodes acknowledged, who must be shown it, and until when."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

Version = tuple[str, str]
"""An id and when it was modified; "" for what has no versions."""


class Sent(NamedTuple):
    """One acknowledged object: where it was sent, by whom, and when that began (microseconds)."""

    body: dict[str, Any]
    node: str
    source: str
    mark: str
    moment: int


class Eye(NamedTuple):
    """Somebody who reads: which marks they must be shown of what each node has, but for what they sent themselves."""

    name: str
    marks: dict[str, frozenset[str]]


class Ledger:
    """Acknowledged objects that nobody was told to destroy yet. Many threads write and read it."""

    def __init__(self) -> None:
        self._sent: dict[Version, Sent] = {}
        self._lock = threading.Lock()
        self.cut = 0
        """What came before this moment may have been destroyed since."""
        self.count = 0

    def acknowledge(self, objects: Iterable[dict[str, Any]], node: str, source: str, moment: int) -> None:
        """A node answered that it has these. What is sent again keeps the moment at which it was sent first."""
        with self._lock:
            for one in objects:
                mark = one["object_marking_refs"][0]
                self.count += version(one) not in self._sent
                self._sent.setdefault(version(one), Sent(one, node, source, mark, moment))

    def cut_off(self, moment: int) -> None:
        """Everything that came before may be destroyed from now on."""
        with self._lock:
            self.cut = max(self.cut, moment)
            self._sent = {key: sent for key, sent in self._sent.items() if sent.moment >= self.cut}

    def young(self, chance: random.Random, node: str, source: str, since: int) -> list[dict[str, Any]]:
        """Some objects that somebody sent not long ago: nothing destroys them while they are sent again."""
        with self._lock:
            found = [
                sent.body
                for sent in self._sent.values()
                if (sent.node, sent.source) == (node, source) and sent.moment > since
            ]
        return chance.sample(found, min(10, len(found)))

    def due(self, eye: Eye) -> dict[Version, str]:
        """What somebody must have been shown, or will be; and at which node it was sent."""
        with self._lock:
            return {
                key: sent.node
                for key, sent in self._sent.items()
                if sent.moment >= self.cut and sent.mark in eye.marks.get(sent.node, ()) and sent.source != eye.name
            }

    def bodies(self, node: str) -> list[dict[str, Any]]:
        """What a node must have."""
        with self._lock:
            return [sent.body for sent in self._sent.values() if sent.node == node and sent.moment >= self.cut]


def version(one: dict[str, Any]) -> Version:
    """Which version of which object this is."""
    return one["id"], one.get("modified", "")
