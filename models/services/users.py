"""Users: signing in with a password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.bus import Bus
from models.entities import Space, User
from models.entities.space import DEFAULT_SPACE
from models.errors import Forbidden, NotFound, TooManyRequests, Unauthorized
from models.services import passwords
from models.unit_of_work import UnitOfWork

_WINDOW_SECONDS = 15 * 60
_MOST_FOR_USER = 10
_MOST_FOR_ADDRESS = 100

RunSlow = Callable[..., Any]
"""Calls a function with the arguments behind it, somewhere where it holds up nobody."""


@dataclass(frozen=True)
class Attempt:
    """Somebody wants to sign in."""

    username: str
    password: str
    address: str
    space: str = DEFAULT_SPACE
    """Name of the space that the account belongs to."""

    @property
    def user_key(self) -> str:
        """Counts for this user from this address. The name is hashed: it may be long, or a password by mistake."""
        who = f"{self.space}\0{self.username}".encode()
        return f"login:{self.address}:{sha256(who).hexdigest()[:32]}"

    @property
    def address_key(self) -> str:
        """Counts for all users from this address."""
        return f"login:{self.address}"


def log_in(uow: UnitOfWork, bus: Bus, attempt: Attempt, run_slow: RunSlow) -> User:
    """Let a user in. A hash made with weaker parameters than today's is replaced.

    Raises:
        TooManyRequests: when too many attempts have failed, for this user or from this address.
        Unauthorized: in the same words, and as late, for an unknown user, a wrong password and a disabled user.
    """
    query = select(User).join(Space, Space.id == User.space_id)
    query = query.where(User.username == attempt.username, Space.name == attempt.space, User.deleted.is_(None))
    _admit(bus, attempt)
    user = uow.session.execute(query).scalar_one_or_none()
    uow.release()
    _verify(bus, attempt, user, run_slow)
    assert user is not None
    if user.password_hash and passwords.is_outdated(user.password_hash):
        _keep_hash(uow, user.id, run_slow(passwords.hash_password, attempt.password))
    return user


def check_password(uow: UnitOfWork, bus: Bus, attempt: Attempt, user: User, run_slow: RunSlow) -> None:
    """Make sure that a signed-in user knows their password. Raises as `log_in`; guesses are counted alike."""
    uow.release()
    _admit(bus, attempt)
    try:
        _verify(bus, attempt, user, run_slow)
    except Unauthorized:
        raise Forbidden("The current password is wrong", code="wrong-password") from None


def _verify(bus: Bus, attempt: Attempt, user: User | None, run_slow: RunSlow) -> None:
    password_hash = user.password_hash if user else None
    if not run_slow(passwords.fits, password_hash, attempt.password) or user is None or not user.enabled:
        raise Unauthorized("Login failed", code="login-failed")
    bus.forget_attempts(attempt.user_key)
    # Not forgotten: who can sign in as one user may still be guessing at others.
    bus.take_back_attempt(attempt.address_key)


def _admit(bus: Bus, attempt: Attempt) -> None:
    """Count an attempt before its password is looked at, so that many at once do not slip through."""
    for key, most in ((attempt.user_key, _MOST_FOR_USER), (attempt.address_key, _MOST_FOR_ADDRESS)):
        if bus.attempts(key, _WINDOW_SECONDS) > most:
            raise TooManyRequests("Too many failed logins; try again later", retry_after_seconds=_WINDOW_SECONDS)


def _keep_hash(uow: UnitOfWork, user_id: UUID, password_hash: str) -> None:
    uow.execute('UPDATE "user" SET password_hash = :hash WHERE id = :id', hash=password_hash, id=user_id)


def get_user(uow: UnitOfWork, user_id: UUID, *, lock: bool = False) -> User:
    """Give the user of that id."""
    user = uow.session.get(User, user_id, with_for_update=lock)
    if user is None:
        raise NotFound(f"Cannot find user with uuid '{user_id}'")
    return user
