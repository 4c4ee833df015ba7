"""The node's Ed25519 key (RFC 8032): made by `kizuna init`, kept in a file that only its owner reads, pinned by partners.

Its public half travels as text, `ed25519:` and the base64 of 32 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from kizuna.errors import Conflict, InvalidInput, UsageError
from kizuna.settings import write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FILE = "node.key"
PREFIX = "ed25519:"
BYTES = 32


def make_key(folder: Path) -> str:
    """Make the node's key and give its public text. Raises Conflict where there is one: a lost key is not replaced by chance."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    file = folder / FILE
    if file.exists():
        raise Conflict("this node has a key already", file=str(file))
    key = Ed25519PrivateKey.generate()
    write_private(file, base64.b64encode(key.private_bytes_raw()) + b"\n")
    return public_text(key.public_key())


def load_key(folder: Path) -> Ed25519PrivateKey:
    """The node's key. Raises InvalidInput when it is missing, malformed or readable by others."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(_seed(folder))


def public_key_of(folder: Path) -> str:
    """The public text of the node's key, for partners to pin. Raises InvalidInput."""
    return public_text(load_key(folder).public_key())


def public_text(key: Ed25519PublicKey) -> str:
    """The text form of a public key."""
    return PREFIX + base64.b64encode(key.public_bytes_raw()).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """A public key from its text form. Raises UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    stripped = text.strip()
    try:
        raw = base64.b64decode(stripped.removeprefix(PREFIX), validate=True)
        if not stripped.startswith(PREFIX) or len(raw) != BYTES:
            raise ValueError(stripped)
        return Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise UsageError(
            f"not a public key: {text[:80]!r}; expected {PREFIX} and the base64 of {BYTES} bytes"
        ) from None


def derived_key(folder: Path, purpose: str) -> bytes:
    """32 secret bytes for one purpose, always the same for this node; the node's key is not told by them. Raises InvalidInput."""
    return hashlib.blake2b(purpose.encode(), key=_seed(folder), digest_size=BYTES, person=b"kizuna.derived").digest()


def _seed(folder: Path) -> bytes:
    file = folder / FILE
    try:
        mode = file.stat().st_mode
        text = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the node's key cannot be read: {error.strerror}", file=str(file)) from None
    if mode & 0o077:
        raise InvalidInput(
            "the node's key may be read by others; do `chmod 600`, and think of it as known", file=str(file)
        )
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != BYTES:
        raise InvalidInput("the node's key is malformed", file=str(file))
    return raw
