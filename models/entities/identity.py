"""What an identity provider knows a user as."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base, Now


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
