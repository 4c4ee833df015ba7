"""Polling of partners by a served node: one after the other, whatever goes wrong with one of them.

Of several processes that serve one node one polls a partner; when it dies, another does as soon as its lease is over.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, NamedTuple

import msgspec

from kizuna import memory
from kizuna.cli.output import clean
from kizuna.cli.taxii import PARTLY
from kizuna.errors import KizunaError, PeerFailed, QuotaReached
from kizuna.events import Poll
from kizuna.exchange.taxii.client import PollReport, poll
from kizuna.observe import Observer
from kizuna.store import Store
from kizuna.store.epochs import stopped_partners
from kizuna.store.leases import Heartbeat
from kizuna.store.schedule import Schedule

# A partner may be slow to finish; after this the node stops without it.
GRACE_SECONDS = 5
# How often it is looked whose turn it is: another process may have gone.
LOOK_SECONDS = 1.0
# What a partner answered, where an error quotes it: it goes to whoever asked for the poll, and into no log.
_QUOTED = re.compile(r"(answered \d{3}): .*|(: )['\"].*|(to another host), .*", re.DOTALL)


class Turn(NamedTuple):
    """How a turn with one partner ended: what it brought, the kind of failure, and a sentence about it."""

    received: int = 0
    error: str | None = None
    reason: str = ""


class Poller:
    """Polls every partner that has an address, one after the other, while it is entered.

    The first poll of each partner since the start may bring a whole store: it runs as a process of its own, which takes
    its memory and its share of Python's lock away with it. Without an observer that logs, what goes wrong is printed.
    """

    def __init__(self, store: Store, seconds: float, observer: Observer | None = None) -> None:
        self._store = store
        self._schedule = Schedule(store)
        self._seconds = seconds
        self._observer = observer
        self._ended = threading.Event()
        self._said: dict[str, str] = {}
        self._met: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def __enter__(self) -> Poller:
        if self._seconds > 0:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        if self._thread.is_alive():
            self._thread.join(GRACE_SECONDS)

    def end(self) -> None:
        """Begin no more polls, and say nothing of one that breaks off now."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(min(self._seconds, LOOK_SECONDS)):
            try:
                self._turns()
            except Exception as error:
                self._print("partners", said := f"{type(error).__name__}: {error}")
                self._said["partners"] = said

    def _turns(self) -> None:
        stopped = stopped_partners(self._store.database.read())
        for number, partner in enumerate(self._store.partners(), 1):
            if partner.url and partner.name not in stopped and not self._ended.is_set():
                self._turn_if_due(partner.name, number)

    def _turn_if_due(self, name: str, number: int) -> None:
        turn = f"poll:{name}"
        holder = self._schedule.claim(turn, self._seconds)
        if holder is None:
            return
        with Heartbeat(lambda: self._schedule.renew(turn, holder), self._store.settings.limits.lease_seconds / 4):
            self._turn(name, number)
        # What was broken off is due at once, for whoever serves the node next.
        self._schedule.done(turn, holder, 0 if self._ended.is_set() else self._seconds)

    def _turn(self, name: str, number: int) -> None:
        """Whatever goes wrong with one partner, the others have their turn, the node serves on and the next turn tries again."""
        began = time.monotonic()
        try:
            turn = self._poll(name)
        except Exception as error:
            turn = Turn(error="internal", reason=f"{type(error).__name__}: {error}")
        if not self._ended.is_set():
            self._tell(name, number, turn, time.monotonic() - began)

    def _poll(self, name: str) -> Turn:
        """Poll one partner."""
        if name not in self._met:
            turn = self._poll_apart(name)
            if turn.error is None:
                self._met.add(name)
            return turn
        try:
            report = poll(self._store, name)
        except KizunaError as error:
            return Turn(error=error.slug, reason=str(error))
        if report.received:
            memory.give_back(self._store)
        return _turn(report)

    def _poll_apart(self, name: str) -> Turn:
        arguments = ["taxii", "poll", name, "--data", str(self._store.folder), "--with-parent", "--json"]
        with (
            tempfile.TemporaryFile() as output,
            subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "kizuna", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
        ):
            while process.poll() is None:
                if self._ended.wait(0.05):
                    process.terminate()
                    process.wait()
            said = process.stderr.read() if process.stderr else ""
            # Objects that failed are the partner's matter; they are in quarantine here.
            if process.returncode in (0, PARTLY) or not said:
                return _turn(_reported(output))
        kind = PeerFailed.slug if process.returncode == PeerFailed.exit_code else "internal"
        return Turn(error=kind, reason=said.removeprefix("error: ").strip())

    def _tell(self, name: str, number: int, turn: Turn, seconds: float) -> None:
        observer = self._observer
        if observer is None or observer.quiet:
            self._print(name, turn.reason)
        news = self._said.get(name) != turn.reason
        self._said[name] = turn.reason
        if observer is not None:
            reason = _QUOTED.sub(lambda found: found[1] or found[3] or "", turn.reason)
            if turn.error == "internal":  # nobody knows what is quoted there
                reason = turn.reason.partition(":")[0]
            observer(Poll(name, number, turn.received, seconds, turn.error, reason or None, news))

    def _print(self, name: str, message: str) -> None:
        # Said once, not at every turn: a partner may be away for days.
        if message and self._said.get(name) != message and not self._ended.is_set():
            print(f"polling {clean(name)}: {clean(message)}", file=sys.stderr, flush=True)


def _turn(report: PollReport) -> Turn:
    if report.paused_seconds:
        return Turn(
            report.received, QuotaReached.slug, "it sent as much as it may within an hour; the rest comes later"
        )
    return Turn(report.received)


def _reported(output: IO[bytes]) -> PollReport:
    output.seek(0)
    try:
        return msgspec.json.decode(output.read().splitlines()[-1], type=PollReport)
    except (IndexError, msgspec.MsgspecError, UnicodeError):
        return PollReport("")


__all__ = ["Poller", "Turn"]
