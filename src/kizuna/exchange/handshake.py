"""What a TLS handshake agreed on: version, cipher and the group of the key exchange, read from the server's own first words.

Python's `ssl` tells the group from 3.15 on only; the server states it in the clear (RFC 8446 sections 4.1.3 and 4.2.8, RFC 8422
section 5.4), and through memory buffers we see it pass.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from typing import NamedTuple

from kizuna.errors import PeerFailed

SECONDS = 10.0
# A certificate chain is some kilobytes; whoever sends more says nothing we want to hear.
MOST_BYTES = 1 << 18
# https://www.iana.org/assignments/tls-parameters (TLS Supported Groups)
GROUPS = {
    0x0017: "secp256r1", 0x0018: "secp384r1", 0x0019: "secp521r1", 0x001D: "x25519", 0x001E: "x448", 0x0100: "ffdhe2048",
    0x0101: "ffdhe3072", 0x0102: "ffdhe4096", 0x0200: "MLKEM512", 0x0201: "MLKEM768", 0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768", 0x11EC: "X25519MLKEM768", 0x11ED: "SecP384r1MLKEM1024",
}  # fmt: skip
# Safe while either half is: what is recorded today cannot be read by a quantum computer later.
HYBRID = frozenset({"SecP256r1MLKEM768", "X25519MLKEM768", "SecP384r1MLKEM1024"})
_HANDSHAKE, _ENCRYPTED = 22, 23
_SERVER_HELLO, _SERVER_KEY_EXCHANGE = 2, 12
_KEY_SHARE = 51
_NAMED_CURVE = 3


class Agreed(NamedTuple):
    """Outcome of a handshake; `untrusted` says why the certificate is not believed, None when it is."""

    version: str | None
    cipher: str | None
    group: str | None
    untrusted: str | None = None

    @property
    def hybrid(self) -> bool:
        """Whether the key exchange resists quantum computers too."""
        return self.group in HYBRID


def handshake(host: str, port: int, *, trust: ssl.SSLContext, seconds: float = SECONDS) -> Agreed:
    """Shake hands with a TLS server and hang up; nothing else is sent. Raises PeerFailed."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = trust.wrap_bio(incoming, outgoing, server_hostname=host)
    said = bytearray()
    untrusted = None
    until = time.monotonic() + seconds
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            try:
                _exchange(ours, incoming, outgoing, connection, said, until)
            except ssl.SSLCertVerificationError as error:
                untrusted = error.verify_message
    except (OSError, UnicodeError) as error:  # what ssl raises is one too
        raise PeerFailed(f"no TLS handshake: {error}", file=f"{host}:{port}") from None
    cipher = ours.cipher()
    group = group_of(bytes(said))
    named = None if group is None else GROUPS.get(group, f"0x{group:04x}")
    return Agreed(ours.version(), cipher[0] if cipher else None, named, untrusted)


def _exchange(
    ours: ssl.SSLObject,
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    connection: socket.socket,
    said: bytearray,
    until: float,
) -> None:
    while True:
        try:
            ours.do_handshake()
            return
        except ssl.SSLWantReadError:
            pass
        connection.sendall(outgoing.read())
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("it takes too long")
        connection.settimeout(left)
        block = connection.recv(16_384)
        said += block
        if not block or len(said) > MOST_BYTES:
            raise ConnectionError("it hangs up" if not block else "it says too much")
        incoming.write(block)


def group_of(said: bytes) -> int | None:
    """The number of the group in what a server sent from its first byte on; None where it states none, or what came is no TLS.

    After a request to try again (RFC 8446 section 4.1.4) the last word counts.
    """
    found = None
    for kind, body in _messages(b"".join(_fragments(said))):
        group = None
        if kind == _SERVER_HELLO:
            group = _key_share(body)
        elif kind == _SERVER_KEY_EXCHANGE and len(body) >= 3 and body[0] == _NAMED_CURVE:
            group = int.from_bytes(body[1:3], "big")
        found = found if group is None else group
    return found


def _fragments(said: bytes) -> Iterator[bytes]:
    """What the records of a handshake hold, up to the first that is encrypted (RFC 8446 section 5.1)."""
    at = 0
    while at + 5 <= len(said) and said[at + 1] == 3:
        kind, length = said[at], int.from_bytes(said[at + 3 : at + 5], "big")
        if kind == _ENCRYPTED:
            return
        if kind == _HANDSHAKE:
            yield said[at + 5 : at + 5 + length]
        at += 5 + length


def _messages(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole messages: a kind, and what they say (section 4)."""
    at = 0
    while at + 4 <= len(stream):
        end = at + 4 + int.from_bytes(stream[at + 1 : at + 4], "big")
        if end > len(stream):
            return
        yield stream[at], stream[at + 4 : end]
        at = end


def _key_share(hello: bytes) -> int | None:
    """The group of the share in a ServerHello: version, random, session id, cipher, compression, extensions (section 4.1.3)."""
    at = 2 + 32
    if len(hello) <= at:
        return None
    at += 1 + hello[at] + 2 + 1 + 2
    while at + 4 <= len(hello):
        kind, length = int.from_bytes(hello[at : at + 2], "big"), int.from_bytes(hello[at + 2 : at + 4], "big")
        share = hello[at + 4 : at + 4 + length]
        if kind == _KEY_SHARE and len(share) >= 2:
            return int.from_bytes(share[:2], "big")
        at += 4 + length
    return None
