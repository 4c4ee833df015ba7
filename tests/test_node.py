"""Polling by the node itself: what is wrong with one partner is that partner's matter."""

from __future__ import annotations

import threading

import pytest

from kizuna.node import Poller
from kizuna.store import Partner, Store


class Odd(Poller):
    """Fails with the first partner in a way that nobody expects, and tells when the last had its turn."""

    last = threading.Event()

    def _poll(self, name: str) -> str:
        if name == "Alpha":
            raise OverflowError("date value out of range")
        self.last.set()
        return ""


def test_what_breaks_one_poll_stops_no_other(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("Alpha", "Bravo"):
        store.put_partner(Partner(name=name, organisation=name, country="BEL", url="http://127.0.0.1:9/taxii2/"))
    with Odd(store, 0.01):
        assert Odd.last.wait(30)
    assert "polling Alpha: OverflowError: date value out of range" in capsys.readouterr().err
