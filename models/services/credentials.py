"""Who a token or API key speaks for, and in which space: one statement by key, at the beginning of every request."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from models.entities.space import DEFAULT_SPACE
from models.errors import NotFound, Unauthorized
from models.permissions import Actor, Permission
from models.services.policies import grants_of
from models.unit_of_work import UnitOfWork

API_KEY_PREFIX = "loom_"

_NOTED = "interval '5 minutes'"
"""So exactly is known when a login or a key was used last."""
_COLUMNS = f"u.id, s.id, u.username, s.policy_version, s.name = '{DEFAULT_SPACE}'"
# Tokens of Loom before there were sessions name none: they run out within their hour.
_BY_LOGIN = f"""
    SELECT {_COLUMNS}, NULL, NULL, l.last_used < now() - {_NOTED} FROM "user" u
    LEFT JOIN session l ON l.id = %(session)s::uuid AND l.user_id = u.id
    JOIN space_member m ON m.user_id = u.id AND m.space_id = coalesce(%(space)s::uuid, u.space_id)
    JOIN space s ON s.id = m.space_id
    WHERE u.id = %(id)s AND u.enabled AND u.epoch = %(epoch)s AND (l.id IS NOT NULL OR %(session)s::uuid IS NULL)
"""  # noqa: S608 - a constant
_BY_KEY = f"""
    SELECT {_COLUMNS}, t.id, t.permissions, coalesce(t.last_used < now() - {_NOTED}, true)
    FROM token t JOIN "user" u ON u.id = t.user_id
    JOIN space_member m ON m.user_id = u.id AND m.space_id = t.space_id
    JOIN space s ON s.id = m.space_id
    WHERE t.secret_sha256 = %(secret)s AND (t.expires IS NULL OR t.expires > now()) AND u.enabled
    AND coalesce(%(space)s::uuid, s.id) = s.id
"""  # noqa: S608 - a constant


_BY_USER = f"""
    SELECT {_COLUMNS}, NULL, NULL, false FROM "user" u
    JOIN space_member m ON m.user_id = u.id AND m.space_id = %(space)s JOIN space s ON s.id = m.space_id
    WHERE u.id = %(id)s AND u.enabled
"""  # noqa: S608 - a constant
_BY_TASK = _BY_KEY.replace("t.secret_sha256 = %(secret)s", "t.id = %(token)s")


@dataclass(frozen=True)
class LoginClaims:
    """What a login token says: valid as long as the user's epoch is this one, and the session has not ended."""

    user_id: UUID
    epoch: int
    session_id: UUID | None


def actor_of_login(uow: UnitOfWork, claims: LoginClaims, space_id: UUID | None = None) -> Actor:
    """Give the user that a login token was made for, in the space named or else in their own.

    Raises:
        Unauthorized: when the token does not count any more.
        NotFound: when there is no such space, or the user is not a member of it.
    """
    asked = {"id": claims.user_id, "epoch": claims.epoch, "session": claims.session_id}
    actor, is_unnoted = _actor(uow, _BY_LOGIN, space_id, **asked)
    if is_unnoted:
        uow.fetch("UPDATE session SET last_used = now() WHERE id = %(id)s RETURNING 1", id=claims.session_id)
    return actor


def actor_of_key(uow: UnitOfWork, secret: str, space_id: UUID | None = None) -> Actor:
    """Give the owner of an API key, in the space that it was made for; another must not be named. Raises as above."""
    actor, is_unnoted = _actor(uow, _BY_KEY, space_id, secret=digest(secret))
    if is_unnoted:
        uow.fetch("UPDATE token SET last_used = now() WHERE id = %(id)s RETURNING 1", id=actor.token_id)
    return actor


def actor_of_task(uow: UnitOfWork, space_id: UUID, user_id: UUID | None, token_id: UUID | None) -> Actor:
    """Give who asked for a task, as they are now: what was taken from them since is theirs no more.

    Raises:
        Unauthorized: when the user, or the key that they used, does not count any more.
    """
    if token_id is not None:
        return _actor(uow, _BY_TASK, space_id, token=token_id)[0]
    return _actor(uow, _BY_USER, space_id, id=user_id)[0]


def digest(secret: str) -> bytes:
    """Give what is kept of an API key: its secret is random and long, so a fast hash is enough."""
    return sha256(secret.encode()).digest()


def _actor(uow: UnitOfWork, statement: str, space_id: UUID | None, **parameters: object) -> tuple[Actor, bool]:
    """Give whom a statement finds, and whether it is to be noted that the credential was used."""
    rows = uow.fetch(statement, space=space_id, **parameters)
    if rows:
        return _read_actor(uow, rows[0][:-1]), bool(rows[0][-1])
    if space_id is not None and uow.fetch(statement, space=None, **parameters):
        raise NotFound(f"Cannot find space with uuid '{space_id}'")
    raise Unauthorized


def _read_actor(uow: UnitOfWork, row: tuple[Any, ...]) -> Actor:
    user_id, found_space, username, version, is_default, token_id, permissions = row
    grants = grants_of(uow, user_id, found_space, version)
    if permissions is not None:
        known = Permission.__members__
        grants = grants.only(known[name] for name in permissions if name in known)
    return Actor(user_id, found_space, username, grants, token_id, permissions is not None, is_default)
