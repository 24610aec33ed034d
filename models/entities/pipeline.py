"""Pipeline: a graph of nodes that works on assets, with all its versions."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json, Now


class Pipeline(Audited, Base):
    """The newest version of a pipeline. Every change appends a `PipelineVersion`, which never changes."""

    __tablename__ = "pipeline"
    __table_args__ = (UniqueConstraint("space_id", "name"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    name: Mapped[str]
    description: Mapped[str | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    priority: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    dry_run: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    definition: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    trigger: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    """When it runs by itself (`models.pipelines.triggers`)."""
    version_id: Mapped[UUID]
    version_number: Mapped[int]


class PipelineVersion(Base):
    """What a pipeline was once."""

    __tablename__ = "pipeline_version"
    __table_args__ = (UniqueConstraint("pipeline_id", "number"),)

    id: Mapped[Id]
    pipeline_id: Mapped[UUID] = mapped_column(ForeignKey("pipeline.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str]
    description: Mapped[str | None]
    enabled: Mapped[bool]
    priority: Mapped[int]
    dry_run: Mapped[bool]
    definition: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    trigger: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    created: Mapped[Now]
    creator_id: Mapped[UUID | None]
