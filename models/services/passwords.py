"""Passwords: argon2id, and a check that takes as long for a user that does not exist.

The hash runs native code for tens of milliseconds, so whoever calls this from an event loop does so in a thread.
"""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Give what is kept of a password."""
    return _hasher.hash(password)


def fits(password_hash: str | None, password: str) -> bool:
    """Tell whether it is the password; without a hash the answer is no, but takes the same time."""
    try:
        return _hasher.verify(password_hash or _nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than are usual now."""
    return _hasher.check_needs_rehash(password_hash)
