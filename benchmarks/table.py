"""The one table of all benchmarks: what was measured here, what was wanted, and how many times better than a peer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

HEADER = "| work | data | Kizuna | target | met | peer | its figure | times better | note |\n|---|---|---|---|---|---|---|---|---|"


class Row(NamedTuple):
    """One line; with a unit per second more is better, with any other less is."""

    work: str
    data: str
    ours: float
    unit: str
    target: float | None = None
    peer: str = ""
    theirs: float | None = None
    note: str = ""
    wanted_ratio: float | None = None

    @property
    def rising(self) -> bool:
        """Whether more is better."""
        return self.unit.endswith("/s")

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer."""
        if not self.theirs or not self.ours:
            return None
        return self.ours / self.theirs if self.rising else self.theirs / self.ours

    @property
    def met(self) -> bool | None:
        """Whether every target of this line is reached; None when it has none, or no peer to be compared with."""
        asked = []
        if self.target is not None:
            asked.append(self.ours >= self.target if self.rising else self.ours <= self.target)
        if self.wanted_ratio is not None and self.ratio is not None:
            asked.append(self.ratio >= self.wanted_ratio)
        return all(asked) if asked else None

    def wanted(self) -> str:
        """The targets in words."""
        parts = [] if self.target is None else [("≥ " if self.rising else "≤ ") + figure(self.target, self.unit)]
        return " and ".join(parts + ([] if self.wanted_ratio is None else [f"≥ {self.wanted_ratio:g} times"]))

    def line(self) -> str:
        """The line as Markdown."""
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        theirs = "" if self.theirs is None else figure(self.theirs, self.unit)
        times = "" if self.ratio is None else f"{self.ratio:,.1f}"
        cells = (
            self.work, self.data, figure(self.ours, self.unit), self.wanted(), met, self.peer, theirs, times, self.note,
        )  # fmt: skip
        return "| " + " | ".join(cells) + " |"


def figure(value: float, unit: str) -> str:
    """A number with its unit, as exact as one would read it."""
    return f"{value:,.2f} {unit}" if value < 100 and not unit.endswith("/s") else f"{value:,.0f} {unit}"


def show(rows: Iterable[Row], say: Callable[[str], None]) -> Iterator[Row]:
    """Say the table line by line as it is measured, and pass the rows on."""
    say(HEADER)
    for row in rows:
        say(row.line())
        yield row
