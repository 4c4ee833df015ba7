from __future__ import annotations

import threading
from queue import Empty

import pytest

from kizuna.store import parts
from kizuna.store.parts import Gone, Inbox, send
from kizuna.store.prepare import Prepared, Refused

Message = tuple[int, list[object], list[object], bool]


def message(size: int) -> Message:
    return 0, [], [(0, None, b"x" * size, (), None)], False


@pytest.mark.timeout(20)
def test_what_waits_is_bounded_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_WAITING_BYTES", 4 << 20)
    reading, writing = parts.pipe()
    inbox = Inbox(reading)
    inbox.listen()
    sent: list[int] = []

    def serve() -> None:
        with writing:
            for n in range(40):
                send(writing, message(1 << 20))
                sent.append(n)
            send(writing, None)

    server = threading.Thread(target=serve)
    server.start()
    server.join(1.0)
    # Four wait, one is in the hands of the thread and another in the pipe, at most.
    assert server.is_alive()
    assert 3 <= len(sent) <= 6
    taken = 0
    while (part := inbox.take(5.0)) is not None:
        taken += len(part[0])
    server.join()
    assert (taken, inbox.ended) == (40, True)
    inbox.close()


@pytest.mark.timeout(20)
def test_a_message_larger_than_all_that_may_wait_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_WAITING_BYTES", 1 << 10)
    reading, writing = parts.pipe()
    inbox = Inbox(reading)
    inbox.listen()

    def serve() -> None:
        with writing:
            for _ in range(3):
                send(writing, message(1 << 20))

    server = threading.Thread(target=serve)
    server.start()
    entries: list[Prepared | Refused] = []
    for _ in range(3):
        part = inbox.take(5.0)
        assert part is not None
        entries += part[0]
    assert [len(entry.raw) for entry in entries] == [1 << 20] * 3
    server.join()
    for _ in range(2):  # whoever asks again is told again
        with pytest.raises(Gone):
            inbox.take(5.0)
    inbox.close()


@pytest.mark.timeout(20)
def test_nothing_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_WAITING_BYTES", 1 << 10)
    reading, writing = parts.pipe()
    inbox = Inbox(reading)
    inbox.listen()
    with pytest.raises(Empty):
        inbox.take(0.05)

    def serve() -> None:
        with writing:
            for _ in range(20):
                send(writing, message(1 << 10))

    server = threading.Thread(target=serve)
    server.start()
    server.join()
    inbox.close()  # with messages nobody takes any more
