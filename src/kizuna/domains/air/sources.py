"""Where captures come from: files, plain or gzip, standard input, a file that grows, and datagrams that each hold one frame."""

from __future__ import annotations

import io
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from kizuna.errors import InvalidInput, NotFound, UsageError
from kizuna.formats.remote_id.radio import RADIOTAP
from kizuna.formats.stix import Unpacked

PIECE = 1 << 20
"""Bytes read at once."""
RATIO = 200
"""How many times its size a packed capture may unpack to: beacons repeat."""
WAIT = 0.02
"""Seconds between looks at a file that grows; an alert comes at most so much later."""
_GZIP = b"\x1f\x8b"
_DATAGRAM = 65_535
_PCAP_HEADER = struct.Struct("<IHHiIII")
_PCAP_RECORD = struct.Struct("<IIII")
_NANOSECONDS = 0xA1B23C4D

Stopped = Callable[[], bool]


def read(name: str) -> Iterator[bytes]:
    """The bytes of a capture from its beginning to its end. Raises NotFound, InvalidInput, TooLarge or OSError."""
    if name == "-":
        yield from _pieces(sys.stdin.buffer, name)
        return
    with _file(name).open("rb") as handle:
        yield from _pieces(handle, name)


def live(name: str, stopped: Stopped) -> Iterator[bytes]:
    """The bytes of a capture as they come, until it is stopped: a file that grows, `-`, or `udp://HOST:PORT`. Empty where none came."""
    if name.startswith("udp://"):
        yield from _datagrams(name, stopped)
    elif name == "-":
        yield from _pieces(sys.stdin.buffer, name)
    else:
        yield from _growing(_file(name), stopped)


def _file(name: str) -> Path:
    path = Path(name)
    if not path.exists():
        raise NotFound("no such file", file=name)
    if path.is_dir():
        raise InvalidInput("is a folder", file=name)
    return path


def _pieces(handle: BinaryIO, name: str) -> Iterator[bytes]:
    buffered = handle if isinstance(handle, io.BufferedReader) else io.BufferedReader(handle)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == _GZIP:
        with Unpacked(buffered, name, RATIO) as unpacked:
            reader = io.BufferedReader(unpacked, PIECE)
            while data := reader.read(PIECE):
                yield data
        return
    while data := buffered.read1(PIECE):
        yield data


def _growing(path: Path, stopped: Stopped) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as handle:
        if handle.read(2) == _GZIP:
            raise InvalidInput("is packed with gzip, which does not grow: `kizuna air replay` reads it", file=str(path))
        handle.seek(0)
        while not stopped():
            data = handle.read(PIECE)
            yield data or b""
            if not data:
                time.sleep(WAIT)


def _datagrams(name: str, stopped: Stopped) -> Iterator[bytes]:
    """Each datagram is one frame behind its radiotap header; it becomes a record of a capture, stamped when it came."""
    with _listening(name) as listener:
        listener.settimeout(WAIT)
        yield _PCAP_HEADER.pack(_NANOSECONDS, 2, 4, 0, 0, _DATAGRAM, RADIOTAP)
        while not stopped():
            try:
                frame = listener.recv(_DATAGRAM)
            except TimeoutError:
                yield b""
                continue
            now = time.time_ns()
            yield _PCAP_RECORD.pack(now // 1_000_000_000, now % 1_000_000_000, len(frame), len(frame)) + frame


def _listening(name: str) -> socket.socket:
    host, _, port = name.removeprefix("udp://").rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"{name} is no address such as udp://127.0.0.1:5555")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        listener.bind((host.strip("[]"), int(port)))
    except (OSError, ValueError, TypeError) as error:  # the last two for what cannot be the name of a host
        listener.close()
        raise InvalidInput(f"cannot listen on {name}: {getattr(error, 'strerror', None) or error}") from None
    return listener
