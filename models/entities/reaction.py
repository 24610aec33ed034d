"""Reaction: a like, a rating, or another short word about an asset, a comment or an annotation."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class Reaction(Audited, Base):
    """One of each type for each user and target. `asset_id` is also that of the comment or annotation.

    Deleting a target deletes its reactions.
    """

    __tablename__ = "reaction"
    __table_args__ = (
        CheckConstraint("num_nonnulls(asset_id, comment_id, annotation_id) > 0", name="target"),
        UniqueConstraint(
            "creator_id", "type", "asset_id", "comment_id", "annotation_id",
            name="uq_reaction_target", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_reaction_asset_id", "asset_id", "type"),
        Index("ix_reaction_comment_id", "comment_id"),
        Index("ix_reaction_annotation_id", "annotation_id"),
        Index("ix_reaction_space_id", "space_id", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    comment_id: Mapped[UUID | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"))
    annotation_id: Mapped[UUID | None] = mapped_column(ForeignKey("annotation.id", ondelete="CASCADE"))
    type: Mapped[str]
    rating: Mapped[int | None] = mapped_column(SmallInteger)
