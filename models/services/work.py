"""What workers do with parts: claim, extend, settle, hand back; and what the reaper does with the dead.

Each claim raises the part's `attempt`. Every write of the claimer is conditional on it, so a worker that was given
up and comes back can change nothing (`LeaseLost`). Lock order: part, then task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.entities import Task, TaskState
from models.entities.task import PartRole
from models.errors import LeaseLost, TaskCancelled
from models.events import RUN_STARTED
from models.messages import KINDS, TaskKind
from models.services.task_items import ItemOutcome
from models.services.task_parts import (
    NewPart,
    Outcome,
    add_outcome,
    add_work,
    close_step,
    fail_task,
    lock_task,
    publish_update,
    single_items,
    tell_of_run,
    touch,
)
from models.unit_of_work import UnitOfWork

_CLAIM = """
    UPDATE task_part SET state = 'RUNNING', attempt = attempt + 1, lease_owner = :owner, items_done = 0,
           bytes_done = 0,
           lease_expires = clock_timestamp() + make_interval(secs => :lease)
    WHERE id = (SELECT id FROM task_part
                WHERE queue = :queue AND state = 'READY' AND ready_at <= clock_timestamp()
                ORDER BY priority DESC, turn, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, task_id, role, attempt, payload, size, errors, seq
"""


@dataclass(frozen=True)
class Claim:
    """A part that this worker may work on, for as long as it holds the lease."""

    part_id: UUID
    task_id: UUID
    role: PartRole
    attempt: int
    payload: dict[str, Any]
    size: int
    errors: int
    seq: int


def claim(uow: UnitOfWork, queue: str, owner: str, lease_seconds: float) -> Claim | None:
    """Take the part that is next in the queue, by priority and then by turn; None when nothing is runnable."""
    row: Any = uow.execute(_CLAIM, queue=queue, owner=owner, lease=lease_seconds).one_or_none()
    return None if row is None else read_claim(row)


def read_claim(row: Sequence[Any]) -> Claim:
    """Give the claim that a row of `_CLAIM` tells of."""
    part_id, task_id, role, *rest = row
    return Claim(part_id, task_id, PartRole(role), *rest)


def begin(uow: UnitOfWork, claimed: Claim) -> tuple[Task, TaskKind]:
    """Give the task of a claim; its first claim starts it.

    Raises:
        TaskCancelled: when the task was cancelled between the claim and now.
    """
    task = uow.session.get_one(Task, claimed.task_id)
    if task.state == TaskState.PENDING:
        task = lock_task(uow, claimed.task_id)
        if task.state == TaskState.PENDING:
            touch(task)
            task.state, task.started = TaskState.RUNNING, task.edited
            publish_update(uow, task)
            tell_of_run(uow, task, RUN_STARTED)
    if task.state == TaskState.CANCELLING:
        raise TaskCancelled
    return task, KINDS[task.kind]


def renew(uow: UnitOfWork, owner: str, parts: Sequence[UUID], lease_seconds: float) -> dict[UUID, bool]:
    """Renew the leases of parts that this owner still runs.

    Returns:
        For each part still owned, whether its task is being cancelled. A part not in the answer was lost.
    """
    rows: Any = uow.execute(
        """UPDATE task_part p SET lease_expires = clock_timestamp() + make_interval(secs => :lease)
           FROM task t WHERE p.id = ANY(CAST(:parts AS uuid[])) AND p.lease_owner = :owner AND p.state = 'RUNNING'
           AND t.id = p.task_id RETURNING p.id, t.state = 'CANCELLING'""",
        parts=list(parts),
        owner=owner,
        lease=lease_seconds,
    ).all()
    return {row[0]: row[1] for row in rows}


def note_progress(uow: UnitOfWork, claimed: Claim, items: int, size_bytes: int) -> None:
    """Show how far a long step has come; no more than a display value."""
    uow.execute(
        """UPDATE task_part SET items_done = :items, bytes_done = :bytes
           WHERE id = :id AND attempt = :attempt AND state = 'RUNNING'""",
        items=items,
        bytes=size_bytes,
        id=claimed.part_id,
        attempt=claimed.attempt,
    )


def set_total(uow: UnitOfWork, claimed: Claim, items: int) -> None:
    """Say how many items a task has, once it is known."""
    _require_lease(uow, claimed)
    lock_task(uow, claimed.task_id).total = items


def count(uow: UnitOfWork, claimed: Claim, name: str, number: int) -> int:
    """Raise one of the task's own counters in the transaction of what it counts; gives its new value."""
    _require_lease(uow, claimed)
    task = lock_task(uow, claimed.task_id)
    add_outcome(uow, task, Outcome(counts={name: number}))
    return int(task.counts[name])


def extend(
    uow: UnitOfWork, claimed: Claim, parts: Sequence[NewPart], outcome: Outcome, cursor: dict[str, Any],
    *, is_held: bool = False,
) -> Task:  # fmt: skip
    """Add planned parts and move the plan's cursor, in one transaction.

    `outcome` counts the items that needed no part; the total grows by both. Held parts begin when the plan is whole.
    """
    _require_lease(uow, claimed)
    task = lock_task(uow, claimed.task_id)
    if task.state == TaskState.CANCELLING:
        raise TaskCancelled
    settled = outcome.done + outcome.failed + outcome.skipped
    task.total = (task.total or 0) + settled + sum(part.size for part in parts)
    task.bytes_total = (task.bytes_total or 0) + outcome.bytes_done
    task.bytes_total += sum(item.get("size", 0) for part in parts for item in part.items)
    task.cursor = cursor
    add_outcome(uow, task, outcome)
    if parts:
        add_work(uow, task, parts, is_held=is_held)
    touch(task)
    return task


def settle(uow: UnitOfWork, claimed: Claim, outcome: Outcome) -> None:
    """Mark the part done, with its outcome, in the transaction that holds its effects."""
    _end_part(uow, claimed, "DONE")
    task = lock_task(uow, claimed.task_id)
    add_outcome(uow, task, outcome)
    if outcome.rest and task.state != TaskState.CANCELLING and not task.error_code:
        add_work(uow, task, outcome.rest)
    touch(task)
    close_step(uow, task, claimed.role)


def hand_back(
    uow: UnitOfWork, claimed: Claim, *, delay_seconds: float = 0, turns: int = 0, is_error: bool = False
) -> None:
    """Let somebody else go on, so many turns later: after an interruption, a slice of a plan, an unexpected error."""
    rows = uow.execute(
        """UPDATE task_part SET state = 'READY', lease_owner = NULL, lease_expires = NULL,
               turn = turn + :turns,
               ready_at = clock_timestamp() + make_interval(secs => :delay), errors = errors + :errors
           WHERE id = :id AND attempt = :attempt AND state = 'RUNNING' RETURNING queue""",
        turns=turns,
        delay=delay_seconds,
        errors=int(is_error),
        id=claimed.part_id,
        attempt=claimed.attempt,
    ).all()
    if rows and not delay_seconds:
        uow.wake(str(rows[0][0]))


def cancel_part(uow: UnitOfWork, claimed: Claim) -> None:
    """End a part of a cancelled task; what it had not done yet is not done."""
    _end_part(uow, claimed, "CANCELLED")
    task = lock_task(uow, claimed.task_id)
    touch(task)
    close_step(uow, task, claimed.role)


def give_up(uow: UnitOfWork, claimed: Claim, code: str, message: str) -> None:
    """Fail a part: a planned part costs its own items, the first or last step costs the task."""
    _end_part(uow, claimed, "FAILED")
    task = lock_task(uow, claimed.task_id)
    if claimed.role is PartRole.WORK:
        items = [
            ItemOutcome(item["index"], str(item.get("path", item["index"])), "FAILED", code, message, input=item)
            for item in single_items(claimed.payload["items"])
        ]
        add_outcome(uow, task, Outcome(failed=claimed.size, items=items))
    else:
        task.failed += int(KINDS[task.kind].part_queue is None)
        fail_task(uow, task, code, message)
    touch(task)
    close_step(uow, task, claimed.role)


def _end_part(uow: UnitOfWork, claimed: Claim, state: str) -> None:
    changed = uow.execute(
        """UPDATE task_part SET state = :state, payload = '{}', lease_owner = NULL, lease_expires = NULL
           WHERE id = :id AND attempt = :attempt AND state = 'RUNNING'""",
        state=state,
        id=claimed.part_id,
        attempt=claimed.attempt,
    ).rowcount
    if changed != 1:
        raise LeaseLost


def _require_lease(uow: UnitOfWork, claimed: Claim) -> None:
    held = uow.execute(
        "SELECT 1 FROM task_part WHERE id = :id AND attempt = :attempt AND state = 'RUNNING' FOR UPDATE",
        id=claimed.part_id,
        attempt=claimed.attempt,
    ).one_or_none()
    if held is None:
        raise LeaseLost
