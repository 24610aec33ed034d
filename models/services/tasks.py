"""Tasks as callers see them: submit, read, cancel, retry, rename, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete

from models.entities import RunNode, Task, TaskPart, TaskState
from models.entities.task import PartRole
from models.errors import Conflict, InvalidInput
from models.events import TASK_CREATED, TASK_DELETED, NewEvent
from models.ids import new_id
from models.messages import KINDS, Priority, Queue, TaskKind, find_kind
from models.payloads import Payload
from models.permissions import Actor, Entity, Permission, Verb
from models.services.crud import Resource
from models.services.diagnostics import wanted_of
from models.services.task_items import forget_items, take_failed
from models.services.task_parts import (
    NewPart,
    add_step,
    add_work,
    drop_waiting,
    end_task,
    key_of,
    publish_update,
    touch,
)
from models.tracing import current_trace
from models.unit_of_work import UnitOfWork

_RETRY_PART = 64
TASKS = Resource(Task, "task", Entity.TASK, own="creator_id")


def submit(
    uow: UnitOfWork,
    kind: TaskKind,
    payload: Payload,
    *,
    space_id: UUID,
    title: str,
    max_attempts: int,
    actor: Actor | None = None,
    priority: Priority = Priority.MEDIUM,
    subject_id: UUID | None = None,
    schedule: tuple[UUID, datetime] | None = None,
    meta: dict[str, Any] | None = None,
) -> Task:
    """Record a task in the caller's transaction; workers hear of it when that commits.

    Raises:
        Forbidden: when the request asks for diagnostics, and comes from nobody who may have them.
    """
    user_id = actor.user_id if actor else None
    task = Task(
        id=new_id(), space_id=space_id, kind=kind.name, title=title, payload=payload.model_dump(mode="json"),
        priority=int(priority), subject_id=subject_id, max_attempts=max_attempts, meta=meta or {},
        creator_id=user_id, editor_id=user_id, state=TaskState.PENDING, open_parts=0,
        total=None if kind.part_queue else 1,
        schedule_id=schedule[0] if schedule else None, schedule_tick=schedule[1] if schedule else None,
        trace_id=current_trace(), token_id=actor.token_id if actor and actor.is_narrowed else None,
        diagnostics=wanted_of(actor),
    )  # fmt: skip
    uow.session.add(task)
    uow.session.flush()
    add_step(uow, task, PartRole.MAIN)
    publish_update(uow, task, TASK_CREATED)
    return task


def read_payload(actor: Actor, name: str, payload: dict[str, Any]) -> tuple[TaskKind, Payload]:
    """Check what a caller wants to submit.

    Raises:
        Forbidden: for what concerns all spaces, to who is no operator.
        InvalidInput: for an unknown kind, one with a route of its own, or a payload that does not fit it.
    """
    kind = find_kind(name)
    if not kind.is_public:
        raise InvalidInput(f"Tasks of the kind '{name}' are submitted by a route of their own")
    _require_reach(actor, kind)
    try:
        return kind, kind.payload.model_validate(payload)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(["payload", *map(str, first["loc"])])
        raise InvalidInput(f"{place}: {first['msg']}") from None


def _require_reach(actor: Actor, kind: TaskKind) -> None:
    """Insist that the actor may set such work going: what concerns all spaces is for operators."""
    if kind.is_installation_wide:
        actor.require_operator(Permission.MANAGE_SEARCH_INDEX)


def get_task(uow: UnitOfWork, actor: Actor, task_id: UUID) -> Task:
    """Give the task of that id, as it is now."""
    return TASKS.get(uow, actor, task_id)


def queue_position(uow: UnitOfWork, task: Task) -> int | None:
    """Count the parts that go before the first step of a pending task; None once it is claimed.

    Only those of its space: how much another one has to do is not for this one to know.
    """
    row: Any = uow.execute(
        """SELECT (SELECT count(*) FROM task_part other
                   WHERE other.queue = mine.queue AND other.state = 'READY' AND other.space_id = :space
                   AND (other.priority, mine.turn, mine.id) > (mine.priority, other.turn, other.id))
           FROM task_part mine WHERE mine.task_id = :task AND mine.state = 'READY' AND mine.role = 'MAIN'""",
        task=task.id,
        space=task.space_id,
    ).one_or_none()
    return None if row is None else int(row[0])


def first_queue(task: Task) -> Queue:
    """Name the queue whose workers begin the task."""
    return KINDS[task.kind].queue


def cancel(uow: UnitOfWork, actor: Actor, task_id: UUID) -> Task:
    """Ask a task to stop. What has begun stops between two items; what has not is dropped at once."""
    return stop(uow, actor, TASKS.get(uow, actor, task_id, Verb.UPDATE, lock=True))


def stop(uow: UnitOfWork, actor: Actor, task: Task) -> Task:
    """Cancel a task that is locked.

    Raises:
        Conflict: when it has ended.
    """
    if task.state.is_final:
        raise Conflict(f"The task has ended: {task.state}")
    if task.state != TaskState.CANCELLING:
        task.state, task.editor_id = TaskState.CANCELLING, actor.user_id
        touch(task)
        drop_waiting(uow, task)
        if task.open_parts:
            publish_update(uow, task)
        else:
            end_task(uow, task)
    return task


def retry(uow: UnitOfWork, actor: Actor, task_id: UUID, *, only_failed: bool) -> Task:
    """Run an ended task again: from the start, or only the items that failed. It takes what submitting it took."""
    task = TASKS.get(uow, actor, task_id, Verb.UPDATE, lock=True)
    _require_reach(actor, KINDS[task.kind])
    if not task.state.is_final:
        raise Conflict(f"The task has not ended: {task.state}")
    failed = take_failed(uow, task) if only_failed else []
    if only_failed and not failed and not task.error_code:
        raise Conflict("The task has no failed items")
    task.state, task.error_code, task.error_message = TaskState.PENDING, None, None
    task.finished, task.result, task.editor_id, task.attempt = None, None, actor.user_id, 0
    task.is_paused, task.diagnostics = False, wanted_of(actor)
    touch(task)
    if failed:
        _restart_items(uow, task, failed)
    else:
        _restart(uow, task)
    publish_update(uow, task)
    return task


def _restart_items(uow: UnitOfWork, task: Task, items: list[dict[str, Any]]) -> None:
    """Plan the failed items as new parts; a plan that did not come to its end goes on from its cursor."""
    task.failed -= len(items)
    batches = [items[start : start + _RETRY_PART] for start in range(0, len(items), _RETRY_PART)]
    add_work(uow, task, [NewPart(batch) for batch in batches])
    if not task.is_planned:
        add_step(uow, task, PartRole.MAIN)


def _restart(uow: UnitOfWork, task: Task) -> None:
    forget_items(uow, task)
    uow.session.execute(delete(RunNode).where(RunNode.task_id == task.id))
    uow.session.execute(delete(TaskPart).where(TaskPart.task_id == task.id))
    task.done = task.failed = task.skipped = task.bytes_done = task.open_parts = 0
    task.total = None if KINDS[task.kind].part_queue else 1
    task.counts, task.cursor, task.bytes_total, task.is_planned, task.started = {}, None, None, False, None
    add_step(uow, task, PartRole.MAIN)


def update(
    uow: UnitOfWork, actor: Actor, task_id: UUID, *,
    title: str | None = None, priority: Priority | None = None, meta: dict[str, Any] | None = None,
) -> Task:  # fmt: skip
    """Change what is given; a new priority also moves the parts that still wait."""
    if priority is not None:
        uow.execute(
            "UPDATE task_part SET priority = :priority WHERE task_id = :task AND state IN ('WAITING', 'READY')",
            priority=int(priority),
            task=TASKS.get(uow, actor, task_id, Verb.UPDATE).id,
        )
    task = TASKS.get(uow, actor, task_id, Verb.UPDATE, lock=True)
    task.title = title or task.title
    task.priority = task.priority if priority is None else int(priority)
    task.meta = task.meta if meta is None else meta
    task.editor_id = actor.user_id
    touch(task)
    publish_update(uow, task)
    return task


def remove(uow: UnitOfWork, actor: Actor, task_id: UUID) -> None:
    """Forget an ended task with its items."""
    task = TASKS.get(uow, actor, task_id, Verb.DELETE, lock=True)
    if not task.state.is_final:
        raise Conflict("The task has not ended; cancel it first")
    uow.publish(NewEvent(TASK_DELETED, task.space_id, task.id, task.creator_id, {"kind": task.kind, **key_of(task)}))
    uow.session.delete(task)
