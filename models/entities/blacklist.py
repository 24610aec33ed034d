"""Blacklist entry: a content that a space does not want."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Sha512


class Blacklist(Audited, Base):
    """Keyed by hash, so that it outlives the asset it may have been made for. `type` is the reason."""

    __tablename__ = "blacklist"
    __table_args__ = (UniqueConstraint("space_id", "sha512"), Index("ix_blacklist_asset_id", "asset_id"))

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    sha512: Mapped[Sha512]
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id", ondelete="SET NULL"))
    name: Mapped[str | None]
    type: Mapped[str | None]
    review_count: Mapped[int] = mapped_column(server_default=text("0"), default=0)
