"""Group: the unit that roles are given to."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class Group(Audited, Base):
    """Some of the users of a space."""

    __tablename__ = "group"
    __table_args__ = (UniqueConstraint("space_id", "name"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"))
    name: Mapped[str]


class GroupUser(Base):
    """A user in a group."""

    __tablename__ = "group_user"
    __table_args__ = (Index("ix_group_user_user_id", "user_id"),)

    group_id: Mapped[UUID] = mapped_column(ForeignKey("group.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)


class GroupRole(Base):
    """A role that all users of a group have."""

    __tablename__ = "group_role"
    __table_args__ = (Index("ix_group_role_role_id", "role_id"),)

    group_id: Mapped[UUID] = mapped_column(ForeignKey("group.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(ForeignKey("role.id", ondelete="CASCADE"), primary_key=True)
