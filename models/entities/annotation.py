"""Annotation: what somebody says about an area or a stretch of time of an asset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json


class Annotation(Audited, Base):
    """`type` is FEEDBACK, TAG or CHAPTER; `area` has any of from, to (ms), startX, startY, width, height."""

    __tablename__ = "annotation"
    __table_args__ = (Index("ix_annotation_asset_id", "asset_id"), Index("ix_annotation_space_id", "space_id", "id"))

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    type: Mapped[str]
    title: Mapped[str]
    description: Mapped[str | None]
    area: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    thumbnail: Mapped[str | None]

    # No columns: put together for those who show the annotation.
    comments = cast("Sequence[Any]", ())
    social = cast("dict[str, Any] | None", None)
