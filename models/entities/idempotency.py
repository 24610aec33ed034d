"""Idempotency key: a POST that a client may send again, and what was answered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base, Json, Now


class IdempotencyKey(Base):
    """Kept for a day. The states are drawn in `models.services.idempotency`."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created", "created"),)

    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[UUID | None]
    """The request that has it: no other one may commit in its name."""
    state: Mapped[str]
    lease_expires: Mapped[datetime]
    created: Mapped[Now]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 of method, path, query and body."""
    status: Mapped[int | None]
    headers: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
