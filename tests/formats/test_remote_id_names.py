"""Names as they are shown: texts, and numbers of sessions that are bytes."""

from __future__ import annotations

import pytest

from kizuna.formats.remote_id.messages import name_text


@pytest.mark.parametrize(
    ("id_type", "raw", "shown"),
    [
        (1, b"1581A0123456789", "1581A0123456789"), (1, b"A\xff", "A\\xff"),
        (3, bytes(range(1, 17)), "0102030405060708090a0b0c0d0e0f10"), (3, b"\xaa\0\xbb", "aa00bb" + 26 * "0"),
        (3, b"session 5", "session 5"), (4, b"\x01\x20\x01", "012001" + 34 * "0"), (4, b"", ""),
    ],
)  # fmt: skip
def test_a_name_is_shown(id_type: int, raw: bytes, shown: str) -> None:
    assert name_text(id_type, raw) == shown
