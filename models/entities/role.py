"""Role: a set of permissions, and permissions for single libraries and collections."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class Role(Audited, Base):
    """`permissions` are granted everywhere in the space; scoped ones are `RoleGrant` rows."""

    __tablename__ = "role"
    __table_args__ = (UniqueConstraint("space_id", "name"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"))
    name: Mapped[str]
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"), default=list)


class RoleGrant(Base):
    """A permission for one library or one collection."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint("num_nonnulls(library_id, collection_id) = 1", name="one_scope"),
        UniqueConstraint("role_id", "permission", "library_id", "collection_id", postgresql_nulls_not_distinct=True),
        Index("ix_role_grant_library_id", "library_id"),
        Index("ix_role_grant_collection_id", "collection_id"),
    )

    id: Mapped[Id]
    role_id: Mapped[UUID] = mapped_column(ForeignKey("role.id", ondelete="CASCADE"))
    permission: Mapped[str]
    library_id: Mapped[UUID | None] = mapped_column(ForeignKey("library.id", ondelete="CASCADE"))
    collection_id: Mapped[UUID | None] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
