"""What is done again and again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json


class Schedule(Audited, Base):
    """A task to submit at each tick of `trigger`. A tick whose forerunner has not ended is skipped."""

    __tablename__ = "schedule"
    __table_args__ = (Index("ix_schedule_next_run", "next_run"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    payload: Mapped[Json] = mapped_column(JSONB)
    trigger: Mapped[str]
    next_run: Mapped[datetime]
    last_run: Mapped[datetime | None]
    pool_id: Mapped[UUID | None] = mapped_column(ForeignKey("pool.id", ondelete="CASCADE"), unique=True)
    pipeline_id: Mapped[UUID | None] = mapped_column(ForeignKey("pipeline.id", ondelete="CASCADE"), unique=True)
    skipped: Mapped[int] = mapped_column(server_default=text("0"))
