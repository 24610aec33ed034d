"""Component: what is known of one side of an asset, such as its picture, its sound or its place on Earth."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json


class ComponentType(StrEnum):
    """What a component is about."""

    GEO = "GEO"
    DOC = "DOC"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    TRANSCRIPT = "TRANSCRIPT"
    JSON = "JSON"


class Component(Audited, Base):
    """`payload` has the fields of its type. Producer and discriminators tell the components of an asset apart."""

    __tablename__ = "component"
    __table_args__ = (
        UniqueConstraint(
            "asset_id", "type", "source", "node_id", "time_from", "stream_index", "page_number", "variant",
            name="uq_component_producer", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_component_space_id", "space_id", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    type: Mapped[ComponentType]
    source: Mapped[str | None]
    node_id: Mapped[str | None]
    producer_version: Mapped[str | None]
    confidence: Mapped[float | None] = mapped_column(Float(53))
    method: Mapped[str | None]
    time_from: Mapped[int | None]
    stream_index: Mapped[int | None]
    page_number: Mapped[int | None]
    variant: Mapped[str | None]
    """Of JSON components: schema type and variant, which tell them apart as well."""
    payload: Mapped[Json] = mapped_column(JSONB)
