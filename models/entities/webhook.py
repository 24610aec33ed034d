"""Webhook: an address that wants to hear of events, and what it was told of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Now


class Ordering(StrEnum):
    """Which of the events that a webhook hears of wait for each other."""

    NONE = "NONE"
    ELEMENT = "ELEMENT"
    """Those of the same element."""
    ALL = "ALL"


class DeliveryState(StrEnum):
    """What became of a delivery."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    """It was tried as often as it may be."""


class Webhook(Audited, Base):
    """`triggers` are names such as ASSET_CREATED; none: everything. `token_id` is the narrowed key it was set with.

    How it goes is told by `failures` in a row, `failing_since`, and `open_until`: nothing is sent before that.
    """

    __tablename__ = "webhook"
    __table_args__ = (Index("ix_webhook_space_id", "space_id", "id"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    url: Mapped[str]
    triggers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"), default=list)
    library_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"), default=list)
    collection_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"), default=list)
    secret_token: Mapped[str] = mapped_column(default="")
    """Empty in a change: it stays as it is, for nobody can read it to write it again."""
    previous_secret: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    ordering: Mapped[Ordering] = mapped_column(server_default=text("'NONE'"), default=Ordering.NONE)
    most_concurrent: Mapped[int] = mapped_column(server_default=text("2"), default=2)
    most_per_second: Mapped[int | None]
    token_id: Mapped[UUID | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    failing_since: Mapped[datetime | None]
    open_until: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    claimed: Mapped[datetime | None]


class WebhookDelivery(Base):
    """An event on its way to a webhook. `id` is the same whenever it is sent.

    While one is being sent, it has a `lease`, and is `due` when that runs out: whoever dies with it leaves it to
    others. Those of a webhook go by `number` where their order matters.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        CheckConstraint("(state = 'PENDING') = (due IS NOT NULL)", name="pending_is_due"),
        Index("ix_webhook_delivery_webhook_id", "webhook_id", "id"),
        Index("ix_webhook_delivery_due", "webhook_id", "due", postgresql_where=text("state = 'PENDING'")),
        Index("ix_webhook_delivery_number", "webhook_id", "number", postgresql_where=text("state = 'PENDING'")),
        Index(
            "ix_webhook_delivery_subject", "webhook_id", "subject_id", "number",
            postgresql_where=text("state = 'PENDING'"),
        ),
        Index("ix_webhook_delivery_lease", "webhook_id", postgresql_where=text("lease IS NOT NULL")),
        Index("ix_webhook_delivery_finished", "finished", postgresql_where=text("finished IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[Id]
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Identity(always=True))
    event_id: Mapped[int | None]
    type: Mapped[str]
    subject_id: Mapped[UUID]
    body: Mapped[str]
    trace_id: Mapped[str | None]
    state: Mapped[DeliveryState] = mapped_column(server_default=text("'PENDING'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    due: Mapped[datetime | None] = mapped_column(server_default=text("now()"))
    lease: Mapped[UUID | None]
    log: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    created: Mapped[Now]
    finished: Mapped[datetime | None]
