"""Who a token or API key speaks for: one statement by key, run at the beginning of every request."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from models.entities.space import DEFAULT_SPACE
from models.errors import Unauthorized
from models.permissions import Actor
from models.unit_of_work import UnitOfWork

API_KEY_PREFIX = "loom_"

_BY_LOGIN = f"""
    SELECT u.id, s.id, u.username FROM "user" u, space s
    WHERE u.id = %(id)s AND u.enabled AND u.epoch = %(epoch)s AND s.name = '{DEFAULT_SPACE}'
"""  # noqa: S608 - a constant
_BY_KEY = f"""
    SELECT u.id, s.id, u.username FROM token t JOIN "user" u ON u.id = t.user_id, space s
    WHERE t.secret_sha256 = %(secret)s AND (t.expires IS NULL OR t.expires > now()) AND u.enabled
    AND s.name = '{DEFAULT_SPACE}'
"""  # noqa: S608 - a constant


@dataclass(frozen=True)
class LoginClaims:
    """What a login token says: valid as long as the user's epoch is this one."""

    user_id: UUID
    epoch: int


def actor_of_login(uow: UnitOfWork, claims: LoginClaims) -> Actor:
    """Give the user that a login token was made for, if it still counts."""
    return _actor(uow, _BY_LOGIN, id=claims.user_id, epoch=claims.epoch)


def actor_of_key(uow: UnitOfWork, secret: str) -> Actor:
    """Give the owner of an API key."""
    return _actor(uow, _BY_KEY, secret=digest(secret))


def digest(secret: str) -> bytes:
    """Give what is kept of an API key: its secret is random and long, so a fast hash is enough."""
    return sha256(secret.encode()).digest()


def _actor(uow: UnitOfWork, statement: str, **parameters: object) -> Actor:
    rows = uow.fetch(statement, **parameters)
    if not rows:
        raise Unauthorized
    return Actor(*rows[0])
