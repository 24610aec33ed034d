"""Upload: a file that comes in over several requests (tus 1.0), until its task takes it over."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base, Id, Json, Now


class Upload(Base):
    """Kept until it expires, also when it is whole: the client may not have heard that."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_expires", "expires"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"))
    creator_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    created: Mapped[Now]
    expires: Mapped[datetime]
    size: Mapped[int]
    """In bytes, as announced."""
    offset: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    """So many of them are safe."""
    pieces: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"), default=list)
    """Where they lie: a list of the keys and sizes of `models.storage.Piece`."""
    writer: Mapped[UUID | None]
    """The one request whose bytes still count; whoever comes later takes its place."""
    metadata_text: Mapped[str] = mapped_column(server_default=text("''"))
    """`Upload-Metadata` as it was sent."""
    filename: Mapped[str]
    origin: Mapped[str]
    asset_id: Mapped[UUID | None]
    library_id: Mapped[UUID | None]
    digests: Mapped[Json] = mapped_column(server_default=text("'{}'"), default=dict)
    """What the whole was declared to be: hex by the names of RFC 9530."""
    is_partial: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """It is to be concatenated with others and makes nothing by itself."""
    parts: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The ids of the partial uploads that it was made of."""
    final_id: Mapped[UUID | None]
    """The upload that a partial one has become a part of; its bytes belong to that one."""
    task_id: Mapped[UUID | None]
    """What makes an asset of it."""
