"""Embedding: a vector that stands for an asset, or for something in it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, REAL, Float, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json

DEFAULT_TYPE = "VIDEO4J_FINGERPRINT_V2"


class Embedding(Audited, Base):
    """The truth from which vector indexes are built: `vector` is (dimensions,) float32, as it was given."""

    __tablename__ = "embedding"
    __table_args__ = (
        UniqueConstraint(
            "asset_id", "node_kind", "type", "model", "frame_number", "subject_index",
            name="uq_embedding_producer", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_embedding_space_id", "space_id", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(default=DEFAULT_TYPE)
    model: Mapped[str | None]
    source: Mapped[str | None]
    vector: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    dimensions: Mapped[int]
    area: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    frame_number: Mapped[int | None]
    subject_index: Mapped[int | None]
    normalized: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    node_kind: Mapped[str | None]
    producer_version: Mapped[str | None]
    confidence: Mapped[float | None] = mapped_column(Float(53))
    detection_id: Mapped[UUID | None]
