"""Collection: a curated set of assets, in the order that a person gave it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json, Now


class Collection(Audited, Base):
    """Like a playlist or an album; may lie in another one."""

    __tablename__ = "collection"
    __table_args__ = (UniqueConstraint("space_id", "name"), Index("ix_collection_parent_id", "parent_id"))

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    name: Mapped[str]
    description: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("collection.id", ondelete="SET NULL"))
    query: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    """Of a smart collection: the parameters of the search that says what is in it."""


class CollectionAsset(Base):
    """An asset in a collection. `position` orders; one that is moved gets a number between its new neighbours'."""

    __tablename__ = "collection_asset"
    __table_args__ = (
        Index("ix_collection_asset_asset_id", "asset_id"),
        Index("ix_collection_asset_position", "collection_id", "position", "asset_id"),
    )

    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[float] = mapped_column(Float(53))
    added: Mapped[Now]
