"""How users come in: what an identity provider knows them as, and where they are signed in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Now


class UserIdentity(Base):
    """Whoever the provider calls by this name is this user, from their first sign-in on, whatever else it says of them.

    Names and email addresses change hands; `issuer` and `subject` together never do (OpenID Connect Core 1.0, 2).
    """

    __tablename__ = "user_identity"
    __table_args__ = (Index("ix_user_identity_user_id", "user_id"),)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    added: Mapped[Now]


class LoginSession(Audited, Base):
    """A login of a user, from the moment they proved who they are until it ends; its token names it.

    Where they came from is what the request said: `address` as the web tier saw it, `agent` as the client told.
    """

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_space_id", "space_id", "id"),
        Index("ix_session_user_id", "user_id"),
        Index("ix_session_expires", "expires"),
    )

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    means: Mapped[str]
    """`password` or `oauth2`."""
    address: Mapped[str]
    agent: Mapped[str]
    expires: Mapped[datetime]
    last_used: Mapped[Now]
