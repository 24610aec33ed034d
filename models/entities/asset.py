"""Asset, the bytes stored for it, and the places where its content was found."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, HexBytes, Id, Json, Now, Sha512


class Blob(Base):
    """Bytes in the blob store, keyed by their SHA-512 and shared by the assets of all spaces.

    The row is written only after the bytes are safe. Writers and the remover of a blob take the advisory lock of
    its hash (`models.services.blobs`), so a removal can never take the bytes from under a new reference.
    """

    __tablename__ = "blob"

    sha512: Mapped[Sha512] = mapped_column(HexBytes, primary_key=True)
    size: Mapped[int]
    created: Mapped[Now]


class Asset(Audited, Base):
    """One content in one space. A row without blob and location is metadata that awaits its bytes."""

    __tablename__ = "asset"
    __table_args__ = (
        UniqueConstraint("space_id", "sha512"),
        Index("ix_asset_space_id_filename_id", "space_id", "filename", "id"),
        Index("ix_asset_blob_sha512", "blob_sha512", postgresql_where=text("blob_sha512 IS NOT NULL")),
    )

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    sha512: Mapped[Sha512]
    size: Mapped[int]
    mime_type: Mapped[str]
    filename: Mapped[str]
    origin: Mapped[str]
    first_seen: Mapped[Now]
    sha256: Mapped[str | None] = mapped_column(HexBytes)
    md5: Mapped[str | None] = mapped_column(HexBytes)
    chunk_hash: Mapped[str | None] = mapped_column(Text)
    geo: Mapped[Json | None] = mapped_column(JSONB)
    zero_chunk_count: Mapped[int | None]
    """Blocks of zeros, which a file that was not copied to its end has."""
    fingerprint: Mapped[str | None]
    """Of the whole video, by the client's algorithm."""
    blob_sha512: Mapped[str | None] = mapped_column(HexBytes, ForeignKey("blob.sha512"))


class LocationState(StrEnum):
    """Whether the file was seen by one of the last two scans."""

    PRESENT = "PRESENT"
    MISSING = "MISSING"


class Location(Base):
    """One file of a pool. `path` is relative to the pool's root, any bytes; bytewise order is the scan's order.

    Device, inode, size, mtime and ctime identify the file version that was hashed. Device and inode are unsigned
    64-bit numbers in the kernel and are kept as the signed number with the same bits.
    """

    __tablename__ = "location"
    __table_args__ = (
        # An entry of an index has at most 2704 bytes, a path any number: behind the part that gives the order, the
        # hash of the long ones (nothing of the others) tells them apart. `models.services.ingest` repeats the
        # expressions to use it.
        Index(
            "uq_location_pool_id_path",
            "pool_id",
            # As PostgreSQL spells them, so that Alembic finds them the same.
            text("substr(path, 1, 2000)"),
            text("substr(sha256(path), 1, GREATEST(0, octet_length(path) - 2000) * 32)"),
            unique=True,
        ),
        Index("ix_location_asset_id", "asset_id"),
        Index("ix_location_pool_id_asset_id", "pool_id", "asset_id"),
        Index("ix_location_missing_task_id", "missing_task_id", postgresql_where=text("missing_task_id IS NOT NULL")),
    )

    id: Mapped[Id]
    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pool.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    path: Mapped[bytes] = mapped_column(LargeBinary)
    device: Mapped[int] = mapped_column(BigInteger)
    inode: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    ctime_ns: Mapped[int]
    state: Mapped[LocationState] = mapped_column(server_default=text("'PRESENT'"))
    first_seen: Mapped[Now]
    last_seen: Mapped[Now]
    missing_since: Mapped[datetime | None]
    missing_task_id: Mapped[UUID | None]
    """The last scan that did not find the file. While it is the first one, the file still counts as PRESENT."""
    license: Mapped[str | None]
    meta: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    """What people say about the place, which is nothing of nearly all: null is cheaper to scan into than `{}`."""
