"""Library: what users browse. It spans pools, and holds single assets besides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Now


class Library(Audited, Base):
    """Its assets are those added to it, and all that have a place in one of its pools.

    `pool_id` is the pool that its uploads belong to.
    """

    __tablename__ = "library"
    __table_args__ = (UniqueConstraint("space_id", "name"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    name: Mapped[str]
    description: Mapped[str | None]
    pool_id: Mapped[UUID | None] = mapped_column(ForeignKey("pool.id", ondelete="SET NULL"))

    # No columns: `models.services.libraries` fills the pools in for those who show the library.
    pool_ids = cast("Sequence[UUID]", ())
    storage_type = "filesystem"


class LibraryPool(Base):
    """A pool that a library spans."""

    __tablename__ = "library_pool"
    __table_args__ = (Index("ix_library_pool_pool_id", "pool_id"),)

    library_id: Mapped[UUID] = mapped_column(ForeignKey("library.id", ondelete="CASCADE"), primary_key=True)
    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pool.id", ondelete="CASCADE"), primary_key=True)


class LibraryAsset(Base):
    """An asset that was added to a library."""

    __tablename__ = "library_asset"
    __table_args__ = (Index("ix_library_asset_asset_id", "asset_id"),)

    library_id: Mapped[UUID] = mapped_column(ForeignKey("library.id", ondelete="CASCADE"), primary_key=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True)
    added: Mapped[Now]
