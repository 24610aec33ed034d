"""Webhook: an address that wants to hear of events."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class Webhook(Audited, Base):
    """`triggers` are names such as ASSET_CREATED; none: everything."""

    __tablename__ = "webhook"
    __table_args__ = (Index("ix_webhook_space_id", "space_id", "id"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    url: Mapped[str]
    triggers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"), default=list)
    secret_token: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
