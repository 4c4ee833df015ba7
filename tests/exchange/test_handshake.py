"""The group of a key exchange, from real handshakes and from bytes made by hand; nothing a server says raises anything."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import PeerFailed
from kizuna.exchange.handshake import GROUPS, HYBRID, Agreed, group_of, handshake
from tests.certificates import certificate


@contextmanager
def serving(folder: Path, version: ssl.TLSVersion, curve: str | None = None) -> Iterator[int]:
    """The port of a TLS server that shakes hands, one after the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder))
    context.minimum_version = context.maximum_version = version
    if curve is not None:
        context.set_ecdh_curve(curve)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    with context.wrap_socket(connection, server_side=True):
                        pass
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def blind() -> ssl.SSLContext:
    """Believes every certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize(
    ("version", "curve", "name"),
    [
        (ssl.TLSVersion.TLSv1_3, None, "TLSv1.3"), (ssl.TLSVersion.TLSv1_3, "secp384r1", "TLSv1.3"),
        (ssl.TLSVersion.TLSv1_2, None, "TLSv1.2"), (ssl.TLSVersion.TLSv1_2, "prime256v1", "TLSv1.2"),
    ],
)  # fmt: skip
def test_what_a_real_server_agrees_on(tmp_path: Path, version: ssl.TLSVersion, curve: str | None, name: str) -> None:
    with serving(tmp_path, version, curve) as port:
        agreed = handshake("127.0.0.1", port, trust=blind())
    assert agreed.version == name
    assert agreed.cipher
    assert agreed.untrusted is None
    if curve is None:
        # Newer libraries agree on a hybrid group by themselves.
        assert agreed.group in {"x25519", *HYBRID}
    else:
        # 384 bits: the client's own guess was another, so the server asked it to try again.
        assert agreed.group == {"secp384r1": "secp384r1", "prime256v1": "secp256r1"}[curve]


def test_a_certificate_that_is_not_believed_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, ssl.TLSVersion.TLSv1_3) as port:
        agreed = handshake("127.0.0.1", port, trust=ssl.create_default_context())
    assert agreed.group is not None
    assert "self" in (agreed.untrusted or "")


@contextmanager
def saying(data: bytes, *, hang: bool = False) -> Iterator[int]:
    """The port of a server that says this to the first who comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(data)
                if hang:
                    ended.wait(30)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        ended.set()
        thread.join(10)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x03\x03\xff\xff" + b"x" * 70_000,
    ],
)
def test_what_is_no_tls_is_one_error(data: bytes) -> None:
    with saying(data) as port, pytest.raises(PeerFailed, match=rf"127\.0\.0\.1:{port}: no TLS handshake"):
        handshake("127.0.0.1", port, trust=blind())


def test_who_says_nothing_is_not_waited_for() -> None:
    with saying(b"", hang=True) as port, pytest.raises(PeerFailed, match="no TLS handshake"):
        handshake("127.0.0.1", port, trust=blind(), seconds=0.3)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PeerFailed, match="no TLS handshake"):
        handshake("127.0.0.1", port, trust=blind())


def record(body: bytes, kind: int = 22) -> bytes:
    return bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def hello(group: int, share: bytes = b"k" * 32, *, session: bytes = b"s" * 32, before: bytes = b"") -> bytes:
    """A ServerHello with a share of this group; a request to try again has no key in it (RFC 8446 section 4.2.8)."""
    key = group.to_bytes(2, "big") + (len(share).to_bytes(2, "big") + share if share else b"")
    extensions = before + (51).to_bytes(2, "big") + len(key).to_bytes(2, "big") + key + b"\x00\x2b\x00\x02\x03\x04"
    body = b"\x03\x03" + b"r" * 32 + bytes([len(session)]) + session + b"\x13\x01\x00"
    return message(2, body + len(extensions).to_bytes(2, "big") + extensions)


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_read(group: int) -> None:
    assert group_of(record(hello(group)) + record(b"", 20) + record(b"secret", 23)) == group
    assert group_of(record(hello(group, session=b"", before=b"\xff\x01\x00\x01\x00"))) == group


def test_the_hybrid_ones_are_known() -> None:
    assert Agreed("TLSv1.3", "x", GROUPS[0x11EC]).hybrid
    assert not Agreed("TLSv1.3", "x", "x25519").hybrid
    assert not Agreed("TLSv1.2", "x", None).hybrid
    assert set(GROUPS.values()) > HYBRID


def test_after_a_request_to_try_again_the_last_word_counts() -> None:
    again = record(hello(0x11EC, b"")) + record(b"\x01", 20)
    assert group_of(again) == 0x11EC
    assert group_of(again + record(hello(0x0017))) == 0x0017


def test_a_message_may_be_cut_into_records_anywhere() -> None:
    whole = hello(0x11EC, b"k" * 1120)
    for at in range(1, len(whole), 37):
        assert group_of(record(whole[:at]) + record(whole[at:])) == 0x11EC
    assert group_of(record(whole[:-1])) is None


def test_what_is_encrypted_is_not_read() -> None:
    assert group_of(record(b"x", 23) + record(hello(0x11EC))) is None


def test_the_curve_of_older_versions_is_in_the_key_exchange() -> None:
    body = b"\x03\x03" + b"r" * 32 + b"\x00" + b"\xc0\x2f\x00"
    assert (
        group_of(record(message(2, body) + message(11, b"c" * 90) + message(12, b"\x03\x00\x1d" + b"k" * 40))) == 0x001D
    )


@given(st.binary(max_size=400))
def test_anything_is_read_without_an_error(data: bytes) -> None:
    assert group_of(data) is None or isinstance(group_of(data), int)


@given(st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 255)), max_size=8), st.integers(0, 1300))
def test_a_damaged_hello_is_read_without_an_error(damage: list[tuple[int, int]], end: int) -> None:
    said = bytearray(record(hello(0x11EC, b"k" * 1120)))
    for at, octet in damage:
        said[at % len(said)] = octet
    found = group_of(bytes(said[:end]))
    assert found is None or 0 <= found <= 0xFFFF
