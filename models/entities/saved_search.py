"""Saved search: what somebody looks for again and again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json


class SavedSearch(Audited, Base):
    """Parameters of a search under a name; its user's alone."""

    __tablename__ = "saved_search"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str]
    query: Mapped[Json]
