"""Asset binary: a record of where bytes of an asset are kept, as somebody declared it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json


class AssetBinary(Audited, Base):
    """A file or an object in a bucket. Loom neither reads nor moves what such a record names.

    What Loom itself stores is `asset.blob_sha512`; files that scans have found are locations.
    """

    __tablename__ = "asset_binary"
    __table_args__ = (
        CheckConstraint("num_nonnulls(path, object_path) = 1", name="one_place"),
        UniqueConstraint(
            "space_id", "library_id", "path", "bucket", "object_path",
            name="uq_asset_binary_place", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_asset_binary_asset_id", "asset_id"),
        Index("ix_asset_binary_space_id", "space_id", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    library_id: Mapped[UUID | None] = mapped_column(ForeignKey("library.id", ondelete="SET NULL"))
    pool_id: Mapped[UUID | None] = mapped_column(ForeignKey("pool.id", ondelete="SET NULL"))
    path: Mapped[str | None]
    """In the spelling of `models.paths`."""
    last_seen: Mapped[datetime | None]
    filekey: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    bucket: Mapped[str | None]
    object_path: Mapped[str | None]
