"""A Loom with one caller of each kind, and means to make elements in it as the administrator would."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from enum import StrEnum, auto
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask

from models.db import Base
from models.entities import Library, Token, User
from models.ids import new_id
from models.permissions import SCOPABLE, Actor, Permission
from models.sample_roles import EDITOR, VIEWER
from models.services.credentials import API_KEY_PREFIX, digest
from models.wiring import Platform
from tests.support.actors import first_user
from tests.support.client import ApiClient
from tests.support.people import make_space, make_user
from web.auth import make_token

M = TypeVar("M", bound=Base)
_ALL = frozenset(Permission)


class Caller(StrEnum):
    """Everybody who may ask."""

    ANONYMOUS = auto()
    NOBODY = auto()
    """Signed in, without any role."""
    VIEWER = auto()
    EDITOR = auto()
    ADMIN = auto()
    SCOPED = auto()
    """Holds all that can be granted for a library, for an empty one of their own."""
    STRANGER = auto()
    """Administers another space."""
    KEY = auto()
    """An API key of the administrator that carries READ_TAG only."""


_HELD: Mapping[Caller, frozenset[Permission]] = {
    Caller.ANONYMOUS: frozenset(),
    Caller.NOBODY: frozenset(),
    Caller.VIEWER: VIEWER,
    Caller.EDITOR: EDITOR,
    Caller.ADMIN: _ALL,
    Caller.SCOPED: SCOPABLE,
    Caller.STRANGER: _ALL,
    Caller.KEY: frozenset({Permission.READ_TAG}),
}


class World:
    """Who is there, and how to make more. Everything is made for one caller, so that none disturbs the next."""

    def __init__(self, platform: Platform, app: Flask, folder: Path) -> None:
        self.platform, self.folder = platform, folder
        self.held = _HELD
        self.admin = first_user(platform)
        self.space_id = self.admin.space_id
        self.other_space = make_space(platform, "elsewhere")
        self._app = app
        self.people = self._people()
        tokens = {caller: self._login(actor) for caller, actor in self.people.items()}
        self.clients = {caller: ApiClient(app, tokens.get(caller)) for caller in Caller}
        self.clients[Caller.KEY] = ApiClient(app, self._key())

    def add(self, model: type[Base], **values: Any) -> UUID:
        """Make an element of the space."""
        element_id = new_id()
        admin = {"creator_id": self.admin.user_id, "editor_id": self.admin.user_id}
        self.insert(model(**{"id": element_id, "space_id": self.space_id, **admin, **values}))
        return element_id

    def insert(self, *rows: Base) -> None:
        """Add rows in this order."""
        with self.platform.unit_of_work() as uow:
            for row in rows:
                uow.session.add(row)
                uow.session.flush()
            uow.commit()

    def get(self, model: type[M], element_id: UUID) -> M:
        """Give a row."""
        with self.platform.unit_of_work() as uow:
            return uow.session.get_one(model, element_id)

    def word(self) -> str:
        """Give a name that nothing has."""
        return f"w{secrets.token_hex(8)}"

    def sha512(self) -> str:
        """Give a hash that nothing has."""
        return secrets.token_hex(64)

    def _people(self) -> dict[Caller, Actor]:
        library = self.add(Library, name="empty")
        return {
            Caller.NOBODY: make_user(self.platform, "nobody"),
            Caller.VIEWER: make_user(self.platform, "viewer", VIEWER),
            Caller.EDITOR: make_user(self.platform, "editor", EDITOR),
            Caller.ADMIN: self.admin,
            Caller.SCOPED: make_user(
                self.platform, "scoped", scoped=[(each, "library", library) for each in sorted(SCOPABLE)]
            ),
            Caller.STRANGER: make_user(self.platform, "stranger", _ALL, space_id=self.other_space),
        }

    def _login(self, actor: Actor) -> str:
        with self._app.app_context():
            return make_token(self.get(User, actor.user_id), None)

    def _key(self) -> str:
        secret = API_KEY_PREFIX + self.word()
        self.add(
            Token, name="narrow", user_id=self.admin.user_id, secret_sha256=digest(secret), permissions=["READ_TAG"]
        )
        return secret
