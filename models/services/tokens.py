"""API keys. Whoever holds one acts as its owner; nobody but the owner sees that it exists."""

from __future__ import annotations

import secrets
from typing import Any

from models.entities import Token
from models.events import TOKEN_CREATED, TOKEN_DELETED, TOKEN_UPDATED
from models.permissions import Actor
from models.services.crud import Resource
from models.services.sessions import API_KEY_PREFIX, digest
from models.unit_of_work import UnitOfWork

TOKENS = Resource(Token, "token", owner="user_id", created=TOKEN_CREATED, updated=TOKEN_UPDATED, deleted=TOKEN_DELETED)
_SECRET_BYTES = 32
"""43 characters in base64."""


def create_token(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Token:
    """Make a key. Its secret can be read from the element now and never again."""
    secret = API_KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    token = TOKENS.create(uow, actor, {**values, "secret_sha256": digest(secret)})
    token.secret = secret
    return token
