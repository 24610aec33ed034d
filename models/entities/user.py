"""User and their API keys (tokens)."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class User(Audited, Base):
    """A person or a service account.

    `epoch` is written into every login token: raising it (a new password) ends all of the user's logins at once.
    """

    __tablename__ = "user"

    id: Mapped[Id]
    username: Mapped[str] = mapped_column(unique=True)
    firstname: Mapped[str | None]
    lastname: Mapped[str | None]
    email: Mapped[str | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    password_hash: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(server_default=text("1"))


class Token(Audited, Base):
    """An API key. Only the SHA-256 of the secret is kept: the secret is random and long, so it needs no slow hash."""

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str]
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires: Mapped[datetime | None]

    secret = cast("str | None", None)
    """No column: known only to whoever has just made the token."""
