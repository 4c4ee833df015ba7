from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kizuna.stix import Share
from kizuna.store.apart import prepared_apart
from kizuna.store.parts import Inbox, Part


def never_ending(_share: Share) -> Iterator[Part]:
    while True:
        yield [], True


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.timeout(30)
def test_no_reader_is_left_when_one_cannot_be_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()
    listened: list[Inbox] = []

    def listen(inbox: Inbox) -> None:
        listened.append(inbox)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Inbox, "listen", listen)
    with pytest.raises(RuntimeError, match="new thread"), prepared_apart(never_ending, 2):
        pass
    assert len(listened) == 1
    assert children() == before


@pytest.mark.timeout(30)
def test_no_reader_is_left_when_another_cannot_be_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()
    forks = iter([os.fork])

    def fork() -> int:
        try:
            return next(forks)()
        except StopIteration:
            raise BlockingIOError("no more processes") from None

    monkeypatch.setattr("kizuna.store.apart.os.fork", fork)
    with pytest.raises(BlockingIOError), prepared_apart(never_ending, 2):
        pass
    assert children() == before
