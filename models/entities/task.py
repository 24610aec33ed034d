"""Task, the parts it is cut into, and the outcomes of its items."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Identity, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json, Now


class TaskState(StrEnum):
    """`PENDING → RUNNING → SUCCEEDED | PARTIAL | FAILED | CANCELLED`, with `CANCELLING` between."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen, short of a retry."""
        return self not in _OPEN


_OPEN = (TaskState.PENDING, TaskState.RUNNING, TaskState.CANCELLING)


class PartState(StrEnum):
    """`WAITING` for its place in the window `→ READY → RUNNING → DONE | FAILED | CANCELLED`."""

    WAITING = "WAITING"
    READY = "READY"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class PartRole(StrEnum):
    """`MAIN` is the task's first step (all of it, or the plan), `WORK` a planned part, `FINISH` the last step."""

    MAIN = "MAIN"
    WORK = "WORK"
    FINISH = "FINISH"


class Task(Audited, Base):
    """An asynchronous operation, as callers see it.

    `open_parts` counts parts that have not ended; the task ends when it reaches zero and `is_planned` holds.
    Lock order: a part's row before its task's row, and a claim locks only the part.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_space_id_queued", "space_id", "queued", "id"),
        Index("ix_task_open", "state", postgresql_where=text("state IN ('PENDING', 'RUNNING', 'CANCELLING')")),
        Index("ix_task_subject_id", "subject_id", postgresql_where=text("subject_id IS NOT NULL")),
        UniqueConstraint("schedule_id", "schedule_tick"),
    )

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    kind: Mapped[str]
    title: Mapped[str]
    state: Mapped[TaskState] = mapped_column(default=TaskState.PENDING)
    payload: Mapped[Json] = mapped_column(JSONB)
    priority: Mapped[int] = mapped_column(SmallInteger)
    subject_id: Mapped[UUID | None]
    """The asset or pool that the task is about."""
    queued: Mapped[Now]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    total: Mapped[int | None]
    done: Mapped[int] = mapped_column(server_default=text("0"))
    failed: Mapped[int] = mapped_column(server_default=text("0"))
    skipped: Mapped[int] = mapped_column(server_default=text("0"))
    bytes_total: Mapped[int | None]
    bytes_done: Mapped[int] = mapped_column(server_default=text("0"))
    counts: Mapped[Json] = mapped_column(JSONB, server_default=text("'{}'"))
    """Counters that the kind keeps, summed over its parts."""
    cursor: Mapped[Json | None] = mapped_column(JSONB)
    """Where the plan goes on after an interruption."""
    is_paused: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Then no further part of it becomes ready."""
    is_planned: Mapped[bool] = mapped_column(server_default=text("false"))
    open_parts: Mapped[int] = mapped_column(server_default=text("0"))
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    max_attempts: Mapped[int]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    result: Mapped[Json | None] = mapped_column(JSONB)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"))
    schedule_id: Mapped[UUID | None] = mapped_column(ForeignKey("schedule.id", ondelete="SET NULL"))
    schedule_tick: Mapped[datetime | None]
    trace_id: Mapped[str | None]
    token_id: Mapped[UUID | None]
    """The API key that asked for it, if it carries less than its owner may do."""
    diagnostics: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"), default=list)
    """What is to be found out about its first parts: `models.services.diagnostics.KINDS`."""


class TaskPart(Base):
    """The unit that workers claim.

    `attempt` rises with every claim and is the fencing token of all that the claimer writes. `deaths` counts
    claims that ended in silence, `errors` those that ended in an unexpected error.
    """

    __tablename__ = "task_part"
    __table_args__ = (
        UniqueConstraint("task_id", "seq"),
        Index(
            "ix_task_part_ready",
            "queue",
            text("priority DESC"),
            "turn",
            "id",
            postgresql_where=text("state = 'READY'"),
        ),
        Index("ix_task_part_lease_expires", "lease_expires", postgresql_where=text("state = 'RUNNING'")),
        Index("ix_task_part_begun", "task_id", postgresql_where=text("state IN ('READY', 'RUNNING')")),
        Index("ix_task_part_waiting", "task_id", "seq", postgresql_where=text("state IN ('WAITING', 'READY')")),
    )

    id: Mapped[Id]
    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    seq: Mapped[int]
    role: Mapped[PartRole]
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[PartState]
    payload: Mapped[Json] = mapped_column(JSONB, server_default=text("'{}'"))
    size: Mapped[int] = mapped_column(server_default=text("0"))
    """Items in the part, for the count when it has to be given up."""
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    deaths: Mapped[int] = mapped_column(server_default=text("0"))
    errors: Mapped[int] = mapped_column(server_default=text("0"))
    space_id: Mapped[UUID | None]
    """Of its task; None where an older version of Loom has made the part."""
    turn: Mapped[int] = mapped_column(server_default=text("0"))
    """Among the ready parts of a queue and priority, the least goes first: `models.services.turns`."""
    ready_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    lease_owner: Mapped[str | None]
    lease_expires: Mapped[datetime | None]
    items_done: Mapped[int] = mapped_column(server_default=text("0"))
    bytes_done: Mapped[int] = mapped_column(server_default=text("0"))
    """Items and bytes handled so far by the running attempt; only for display."""


class TaskDiagnostic(Base):
    """A file that tells how a part of a task ran."""

    __tablename__ = "task_diagnostic"

    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    mime_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    size: Mapped[int]
    created: Mapped[Now]


class TaskItem(Base):
    """What became of one item of a task, if it may be tried again. Items that need no word have neither row nor run."""

    __tablename__ = "task_item"

    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    state: Mapped[str]
    code: Mapped[str | None]
    message: Mapped[str | None]
    asset_id: Mapped[UUID | None]
    input: Mapped[Json] = mapped_column(JSONB)
    """What the part was told about the item: enough to try it again."""


class TaskItemRun(Base):
    """What became of some items of a task that ended alike; `first` and `last` are the least and greatest index.

    `items` is a JSON list of the outcomes, each a list in the order of `models.services.task_items.ItemOutcome`.
    """

    __tablename__ = "task_item_run"
    __table_args__ = (Index("ix_task_item_run_task_id_first_id", "task_id", "first", "id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    task_id: Mapped[UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    state: Mapped[str]
    first: Mapped[int]
    last: Mapped[int]
    count: Mapped[int]
    items: Mapped[bytes] = mapped_column(LargeBinary)
