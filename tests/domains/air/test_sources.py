"""Where captures come from: files plain and packed, files that grow, and datagrams."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kizuna.domains.air.reports import Receiver
from kizuna.domains.air.sources import PIECE, RATIO, live, read
from kizuna.errors import InvalidInput, KizunaError, NotFound, TooLarge, UsageError
from kizuna.formats.pack import load
from kizuna.formats.pcap import Reader
from tests.commands import free_port

SPOOFED = load("remote-id").read("anafi4-spoofed.pcapng.gz")


def test_files_plain_and_packed_are_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.pcapng", tmp_path / "b"
    plain.write_bytes(SPOOFED)
    packed.write_bytes(gzip.compress(SPOOFED))
    assert b"".join(read(str(plain))) == b"".join(read(str(packed))) == SPOOFED


def test_a_file_comes_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 * PIECE + 5))
    assert max(map(len, read(str(tmp_path / "a")))) <= PIECE


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(read(str(tmp_path / "none")))
    with pytest.raises(InvalidInput):
        list(read(str(tmp_path)))


def test_what_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(bytes(RATIO * 200_000)))
    with pytest.raises(TooLarge):
        list(read(str(tmp_path / "a")))


@pytest.mark.parametrize("cut", [1, 9, 1000])
def test_a_packed_file_that_breaks_off_is_said_to(tmp_path: Path, cut: int) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(SPOOFED)[:-cut])
    with pytest.raises(KizunaError) as raised:
        list(read(str(tmp_path / "a")))
    assert raised.value.file == str(tmp_path / "a")


def test_a_file_that_grows_is_read_as_it_grows(tmp_path: Path) -> None:
    path, receiver, found = tmp_path / "a", Receiver("x"), 0
    path.write_bytes(SPOOFED[:10_000])
    rest = [SPOOFED[10_000:50_000], SPOOFED[50_000:]]
    done: list[bool] = []
    for piece in live(str(path), lambda: bool(done)):
        found += len(receiver.feed(piece))
        if not piece:
            if not rest:
                done.append(True)
                continue
            with path.open("ab") as handle:
                handle.write(rest.pop(0))
    assert found == 26


def datagrams(port: int, host: str = "127.0.0.1") -> Iterator[bytes]:
    """What comes until three frames did; frames are sent again and again, since nobody says when somebody listens."""
    stop = threading.Event()
    heard = Reader("x")

    def send() -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            while not stop.wait(0.01):
                sender.sendto(b"\0\0\x08\0\0\0\0\0frame", (host, port))
                sender.sendto(b"", (host, port))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        address = f"[{host}]" if ":" in host else host
        for piece in live(f"udp://{address}:{port}", lambda: heard.frames >= 3):
            yield piece
            heard.feed(piece)
    finally:
        stop.set()
        thread.join()


def test_each_datagram_is_a_frame() -> None:
    reader = Reader("x")
    frames = [table for piece in datagrams(free_port()) for table in [reader.feed(piece)] if len(table.start)]
    assert {int(table.link[0]) for table in frames} == {127}
    assert {int(table.length[0]) for table in frames} <= {0, 13}
    assert all(int(table.time[0]) > 1_700_000_000 * 10**9 for table in frames)


@pytest.mark.parametrize(
    "name", ["udp://", "udp://127.0.0.1", "udp://:5", "udp://127.0.0.1:x", "udp://127.0.0.1:70000", "udp://127.0.0.1:²"]
)
def test_what_is_no_address_is_said_to_be_none(name: str) -> None:
    with pytest.raises(UsageError):
        next(live(name, lambda: True))


@pytest.mark.parametrize(
    "name",
    ["udp://192.0.2.1:5555", "udp://no.such.host.invalid:5555", "udp://[::zz]:5555", "udp://\0:5555", "udp://a..b:5"],
)
def test_where_nobody_can_listen_is_said(name: str) -> None:
    with pytest.raises(KizunaError):
        next(live(name, lambda: True))


def test_a_packed_file_does_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(b"\x1f\x8b" + bytes(30))
    with pytest.raises(InvalidInput, match="kizuna air replay"):
        next(live(str(path), lambda: False))
