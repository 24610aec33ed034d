"""Duplicates: groups of assets that look alike, or of places with the same content, for people to decide about."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id
from models.entities.review import Review


class DedupRole(StrEnum):
    """What is to become of a member."""

    KEEP = "KEEP"
    DUP = "DUP"


class DedupGroup(Audited, Base):
    """Some that may be the same. `members_key` stands for who they are, so that nobody has to decide twice."""

    __tablename__ = "dedup_group"
    __table_args__ = (
        UniqueConstraint("space_id", "members_key"), Index("ix_dedup_group_status", "space_id", "review_status", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    algorithm: Mapped[str]
    review_status: Mapped[Review] = mapped_column(server_default=text("'PENDING'"), default=Review.PENDING)
    score: Mapped[float] = mapped_column(Float(53))
    members_key: Mapped[str]


class DedupMember(Base):
    """An asset of a group, or one of its places. Who is kept is said here and nowhere else.

    `size` is a hint of when the group was made: what is done about duplicates looks again.
    """

    __tablename__ = "dedup_member"
    __table_args__ = (
        UniqueConstraint("group_id", "asset_id", "location_id", postgresql_nulls_not_distinct=True),
        Index("uq_dedup_member_keep", "group_id", unique=True, postgresql_where=text("role = 'KEEP'")),
        Index("ix_dedup_member_asset_id", "asset_id"),
        Index("ix_dedup_member_location_id", "location_id"),
    )

    id: Mapped[Id]
    group_id: Mapped[UUID] = mapped_column(ForeignKey("dedup_group.id", ondelete="CASCADE"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    location_id: Mapped[UUID | None] = mapped_column(ForeignKey("location.id", ondelete="CASCADE"))
    role: Mapped[DedupRole]
    score: Mapped[float] = mapped_column(Float(53))
    size: Mapped[int]
