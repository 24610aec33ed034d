"""Space: the tenant. Everything that users see belongs to exactly one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Now

DEFAULT_SPACE = "default"


class Space(Audited, Base):
    """A tenant. The one named `default` always exists.

    `policy_version` rises with every change of who may do what in the space (`models.services.policies`), so that
    processes may remember grants for as long as it stays.
    """

    __tablename__ = "space"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    policy_version: Mapped[int] = mapped_column(server_default=text("1"))
    pool_roots: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"), default=list)
    """Folders that its pools must lie under, in the spelling of `models.paths`. Empty: anywhere in the space
    `default`, nowhere in others, whose users must not read files of the server."""


class SpaceMember(Base):
    """A user who may act in a space. Everybody is a member of the space that their account belongs to."""

    __tablename__ = "space_member"
    __table_args__ = (Index("ix_space_member_user_id", "user_id"),)

    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    added: Mapped[Now]
