"""Idempotency key: a POST that a client may send again, and what was answered."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base, Json, Now


class IdempotencyKey(Base):
    """Kept for a day. `state`: RUNNING until the request's changes are committed, COMMITTED, then ANSWERED."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created", "created"),)

    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of method, path, query and body."""
    state: Mapped[str]
    created: Mapped[Now]
    status: Mapped[int | None]
    headers: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
