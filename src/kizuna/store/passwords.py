"""Passwords as argon2id hashes (RFC 9106): about 50 ms and 19 MiB each, two at a time, the same for people nobody knows."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from kizuna.errors import UsageError

LEAST, MOST = 12, 1024
AT_ONCE = 2
# OWASP's least memory for argon2id (19 MiB); passes chosen so that one hash takes about 50 ms on one 2026 server core.
_hasher = PasswordHasher(time_cost=5, memory_cost=19 * 1024, parallelism=1)
# Hashing is memory on request for anybody who may reach the log-in page: so only so many at once, the others wait.
_turn = threading.BoundedSemaphore(AT_ONCE)
_nobody: list[str] = []


def hash_password(password: str) -> str:
    """The encoded hash of a new password. Raises UsageError for one that is too short or too long."""
    if not LEAST <= len(password) <= MOST:
        raise UsageError(f"a password has {LEAST} to {MOST} characters")
    with _turn:
        return _hasher.hash(_bytes(password))


def password_fits(hashed: str | None, password: str) -> bool:
    """Whether it is the password; takes as long for somebody without one (`hashed` None) as for a wrong one."""
    with _turn:
        if not _nobody:
            _nobody.append(_hasher.hash(b"nobody's password"))
        try:
            return _hasher.verify(hashed or _nobody[0], _bytes(password[:MOST])) and hashed is not None
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    # Forms from outside may hold lone surrogates; they hash like anything else.
    return password.encode("utf-8", "surrogatepass")
