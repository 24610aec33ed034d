"""API keys. Whoever holds one acts as its owner, or as the part of them that the key was made for.

A key never widens: what it may do is cut down to what its owner may do whenever it is used, and whoever makes or
changes one, with a narrower key in hand, gives it at most what that key carries, for as long as that lasts.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from models.entities import Token
from models.errors import Forbidden
from models.permissions import Actor, Entity, Permission
from models.services.credentials import API_KEY_PREFIX, digest
from models.services.crud import Resource, Values
from models.unit_of_work import UnitOfWork

TOKENS = Resource(Token, "token", Entity.TOKEN, own="user_id")
_SECRET_BYTES = 32
"""43 characters in base64."""


def create_token(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Token:
    """Make a key. Its secret can be read from the element now and never again.

    Raises:
        Forbidden: when it would carry, or last, more than what the actor signed in with.
    """
    if actor.is_narrowed:
        actor.require(Permission.CREATE_TOKEN)
    secret = API_KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    bounded = _bounded(uow, actor, {"permissions": None, "expires": None, **values})
    token = TOKENS.insert(uow, actor, {**bounded, "user_id": actor.user_id, "secret_sha256": digest(secret)})
    token.secret = secret
    return token


def update_token(uow: UnitOfWork, actor: Actor, token: Token, values: Values) -> None:
    """Change a key; within the same bounds as if it were made now.

    Raises:
        Forbidden: when it would carry, or last, more than what the actor signed in with.
    """
    given: Values = {name: values[name] for name in ("permissions", "expires") if name in values}
    if token.user_id != actor.user_id and given:
        raise Forbidden("Only its owner decides what a token may do and for how long")
    TOKENS.update(uow, actor, token, {**values, **_bounded(uow, actor, given)})


def _bounded(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    if values.get("permissions") is not None:
        values = {**values, "permissions": sorted(set(values["permissions"]))}
    if actor.token_id is None:
        return values
    own = uow.session.get_one(Token, actor.token_id)
    if own.permissions is not None and "permissions" in values:
        values = {**values, "permissions": _within(values["permissions"], own.permissions)}
    if own.expires is not None and "expires" in values:
        values = {**values, "expires": _before(values["expires"], own.expires)}
    return values


def _within(wanted: Iterable[str] | None, carried: Iterable[str]) -> list[str]:
    if wanted is None:
        return sorted(carried)
    if wider := sorted(set(wanted) - set(carried)):
        raise Forbidden(f"A token cannot be given more than the one in use carries: {', '.join(wider[:5])}")
    return sorted(wanted)


def _before(wanted: datetime | None, end: datetime) -> datetime:
    if wanted is None:
        return end
    if wanted > end:
        raise Forbidden("A token cannot outlive the one that it is made with")
    return wanted
