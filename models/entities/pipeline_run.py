"""What runs of pipelines leave behind: kinds of node that are known, items of runs, and results to be had again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base, Json, Now


class NodeKind(Base):
    """A kind of node, as workers have described it. The contract stays while no worker offers it."""

    __tablename__ = "node_kind"

    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    descriptor: Mapped[Json] = mapped_column(JSONB)
    is_builtin: Mapped[bool]
    announced: Mapped[Now]


class RunItem(Base):
    """An asset that went through a pipeline: `task_id` is the run. `results` is a JSON list of what its nodes did."""

    __tablename__ = "run_item"
    __table_args__ = (Index("ix_run_item_task_id_state_index", "task_id", "state", "index"),)

    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[UUID]
    sha512: Mapped[bytes] = mapped_column(LargeBinary)
    filename: Mapped[str]
    size: Mapped[int]
    state: Mapped[str]
    message: Mapped[str | None]
    duration_ms: Mapped[int]
    results: Mapped[bytes] = mapped_column(LargeBinary)
    finished: Mapped[Now]


class RunNode(Base):
    """How many executions of a node of a run have ended, and how."""

    __tablename__ = "run_node"

    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    node_id: Mapped[str] = mapped_column(primary_key=True)
    processed: Mapped[int]
    failed: Mapped[int]
    skipped: Mapped[int]


class NodeResult(Base):
    """What a kind of node has found out about an asset; `key` stands for its version, its options and its inputs."""

    __tablename__ = "node_result"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    version: Mapped[str]
    outputs: Mapped[Json] = mapped_column(JSONB)
    task_id: Mapped[UUID | None]
    found: Mapped[Now]
