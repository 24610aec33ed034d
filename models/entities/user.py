"""User and their API keys (tokens)."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class User(Audited, Base):
    """A person or a service account.

    `space_id` is the space that the account belongs to: a username means something within it only. `epoch` is written
    into every login token: raising it (a new password) ends all of the user's logins at once. A user who was deleted
    keeps the row, without personal data, so that what they made still has a maker.
    """

    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("space_id", "username"),
        Index("ix_user_avatar_id", "avatar_id", postgresql_where=text("avatar_id IS NOT NULL")),
    )

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    username: Mapped[str]
    firstname: Mapped[str | None]
    lastname: Mapped[str | None]
    email: Mapped[str | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    password_hash: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(server_default=text("1"))
    deleted: Mapped[datetime | None]
    avatar_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("attachment.id", ondelete="SET NULL", name="fk_user_avatar_id_attachment", use_alter=True)
    )


class Token(Audited, Base):
    """An API key of one user for one space. Of the secret, random and long, only the SHA-256 is kept.

    `permissions` is what it carries of its owner's permissions; null: all that they have at any time.
    """

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str]
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires: Mapped[datetime | None]
    permissions: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    last_used: Mapped[datetime | None]

    secret = cast("str | None", None)
    """No column: known only to whoever has just made the token."""
