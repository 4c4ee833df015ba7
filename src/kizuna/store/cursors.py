"""Cursors of paged answers: sealed, so that a position tells nothing of the rows between, and bound to the caller and the question.

And to the epoch of the store: behind a position of another one there may be other rows.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.errors import UsageError
from kizuna.store.keys import derived_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Cursors:
    """Seals positions with AES-256-GCM under a key derived from the node's."""

    def __init__(self, folder: Path, epoch: Callable[[], str]) -> None:
        self._folder = folder
        self._epoch = epoch  # its tag, asked each time: a process may outlive an epoch
        self._made: AESGCM | None = None

    def seal(self, position: int, *bound: str) -> str:
        """A token for a position, useless to anybody else and for any other question."""
        nonce = os.urandom(_NONCE)
        sealed = self._cipher().encrypt(nonce, position.to_bytes(8, "big", signed=True), self._bound(bound))
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, token: str | None, *bound: str) -> int | None:
        """The position in a token, None for none. Raises UsageError for one that is not ours or was made for another question."""
        if token is None:
            return None
        from cryptography.exceptions import InvalidTag

        try:
            data = base64.urlsafe_b64decode(token[:200] + "=" * (-len(token[:200]) % 4))
            plain = self._cipher().decrypt(data[:_NONCE], data[_NONCE:], self._bound(bound))
        except (InvalidTag, binascii.Error, ValueError):
            raise UsageError("this cursor was made for another question, or is none", path="/query/cursor") from None
        return int.from_bytes(plain, "big", signed=True)

    def _bound(self, parts: tuple[str, ...]) -> bytes:
        return _bound((*parts, tag) if (tag := self._epoch()) else parts)

    def _cipher(self) -> AESGCM:
        if self._made is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._made = AESGCM(derived_key(self._folder, "cursor"))
        return self._made


def _bound(parts: tuple[str, ...]) -> bytes:
    # Lengths keep ("ab", "c") and ("a", "bc") apart.
    return b"".join(
        len(part.encode("utf-8", "replace")).to_bytes(4, "big") + part.encode("utf-8", "replace") for part in parts
    )
