"""The process of one job: it is told which on standard input, and ends with its parent, in whatever way that ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path

import msgspec

from kizuna.errors import Unavailable
from kizuna.jobs.work import carry_out
from kizuna.store import open_store
from kizuna.store.apart import end_with
from kizuna.store.jobs import Jobs
from kizuna.store.leases import Lost

MAIN = "from kizuna.jobs.child import main; main()"


class Order(msgspec.Struct, frozen=True):
    """Which job, whose lease its parent took as `holder`."""

    folder: str
    parent: int
    job: str
    holder: str


def main() -> None:
    """Do the job. It writes down itself how it went; whether it could is the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the whole family; the server ends this one
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    end_with(order.parent)
    threading.Thread(target=_end_with_input, name="parent", daemon=True).start()
    with closing(open_store(Path(order.folder))) as store:
        job = Jobs(store).find(order.job)
        if job.holder == order.holder:
            try:
                carry_out(store, job)
            except (Lost, Unavailable):
                sys.exit(1)


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)  # the transaction that is open is as if it had not been begun
