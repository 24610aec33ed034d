"""Tag, where it was put, and how people rate it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json, Now

DEFAULT_TAG_COLLECTION = "default"
MANUAL = "manual"
"""The kind of node that a person stands for."""


class Tag(Audited, Base):
    """A label of the space's vocabulary. `collection` is its namespace, `color` six hexadecimal digits."""

    __tablename__ = "tag"
    __table_args__ = (UniqueConstraint("space_id", "collection", "name"), Index("ix_tag_name", "space_id", "name"))

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    name: Mapped[str]
    collection: Mapped[str] = mapped_column(
        server_default=text(f"'{DEFAULT_TAG_COLLECTION}'"), default=DEFAULT_TAG_COLLECTION
    )
    color: Mapped[str | None]

    # No column: `models.services.tagging` gives what is shown with the tags of one asset.
    placements = cast("Sequence[Any]", ())


class AssetTag(Base):
    """One placement of a tag: on an asset, or on an area of it, by a person or a node."""

    __tablename__ = "asset_tag"
    __table_args__ = (
        UniqueConstraint(
            "asset_id", "tag_id", "node_kind", "node_id", "area",
            name="uq_asset_tag_placement", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_asset_tag_tag_id", "tag_id", "asset_id"),
    )  # fmt: skip

    id: Mapped[Id]
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    tag_id: Mapped[UUID] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"))
    area: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    node_kind: Mapped[str] = mapped_column(server_default=text(f"'{MANUAL}'"), default=MANUAL)
    node_id: Mapped[str | None]
    producer_version: Mapped[str | None]
    confidence: Mapped[float | None] = mapped_column(Float(53))
    attached: Mapped[Now]
    attached_by: Mapped[UUID | None]


class TagRating(Base):
    """What one user thinks of a tag."""

    __tablename__ = "tag_rating"

    tag_id: Mapped[UUID] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    rating: Mapped[int] = mapped_column(SmallInteger)
