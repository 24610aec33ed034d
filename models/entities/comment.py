"""Comment: what somebody says about an asset, an annotation, or in answer to another comment."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class Comment(Audited, Base):
    """`asset_id` is also that of the annotation or of the comment it answers: it decides who may read it."""

    __tablename__ = "comment"
    __table_args__ = (
        Index("ix_comment_asset_id", "asset_id"),
        Index("ix_comment_annotation_id", "annotation_id"),
        Index("ix_comment_parent_id", "parent_id"),
        Index("ix_comment_space_id", "space_id", "id"),
    )

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    annotation_id: Mapped[UUID | None] = mapped_column(ForeignKey("annotation.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"))
    title: Mapped[str | None]
    text: Mapped[str]

    # No column: summed up for those who show the comment.
    social = cast("dict[str, Any] | None", None)
