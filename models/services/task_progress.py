"""How far tasks are and why they wait, for a whole page of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from models.bus import Bus, WorkerInfo
from models.entities import Task, TaskState
from models.messages import KINDS
from models.services.tasks import first_queue, queue_position
from models.unit_of_work import UnitOfWork

_LEAST_SECONDS = 1.0
"""No rate is told of less: it would be a guess."""
_NEARLY = 99.9


@dataclass(frozen=True)
class Progress:
    """Counts of items, which reach the total in the end; rates only while the task runs."""

    total: int | None
    done: int
    failed: int
    skipped: int
    bytes_done: int | None
    bytes_total: int | None
    percent: float | None
    per_second: float | None
    eta_seconds: int | None


@dataclass(frozen=True)
class Waiting:
    """Why a task has not begun. `position` counts from 1, over the space's work in its queue."""

    reason: str
    position: int | None


def measure_progress(uow: UnitOfWork, tasks: Sequence[Task]) -> dict[UUID, Progress]:
    """Tell how far each task is, with what its running steps have handled and not settled yet."""
    running = _running(uow, [task.id for task in tasks if task.started and not task.state.is_final])
    return {task.id: _progress(task, *running.get(task.id, (0, 0))) for task in tasks}


def _running(uow: UnitOfWork, task_ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    if not task_ids:
        return {}
    rows = uow.fetch(
        """SELECT task_id, sum(items_done)::bigint, sum(bytes_done)::bigint FROM task_part
           WHERE task_id = ANY(%(tasks)s) AND state = 'RUNNING' GROUP BY task_id""",
        tasks=task_ids,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _progress(task: Task, running_items: int, running_bytes: int) -> Progress:
    settled = task.done + task.failed + task.skipped
    # What runs may have been counted into the total a moment ago: never show more than there is.
    running_items = max(0, min(running_items, (task.total or 0) - settled))
    handled, bytes_done = settled + running_items, task.bytes_done + running_bytes
    rate = _rate(task, handled)
    left = task.total - handled if task.total is not None and _is_planned(task) else None
    return Progress(
        total=task.total,
        done=task.done + running_items,
        failed=task.failed,
        skipped=task.skipped,
        bytes_done=bytes_done if bytes_done or task.bytes_total else None,
        bytes_total=task.bytes_total,
        percent=_percent(task, handled, bytes_done),
        per_second=round(rate, 1) if rate else None,
        eta_seconds=round(left / rate) if rate and left is not None else None,
    )


def _is_planned(task: Task) -> bool:
    """Whether the total is final: a plan that still goes on finds more."""
    return task.is_planned or KINDS[task.kind].part_queue is None


def _percent(task: Task, handled: int, bytes_done: int) -> float | None:
    if task.state.is_final:
        return 100.0
    if not task.total or not _is_planned(task):
        return None
    share = handled / task.total
    if task.total == 1 and task.bytes_total:
        share = bytes_done / task.bytes_total
    return min(round(100 * share, 1), _NEARLY)


def _rate(task: Task, handled: int) -> float | None:
    if task.state != TaskState.RUNNING or task.started is None or not handled:
        return None
    seconds = (datetime.now(UTC) - task.started).total_seconds()
    return handled / seconds if seconds >= _LEAST_SECONDS else None


def why_waiting(uow: UnitOfWork, bus: Bus, tasks: Sequence[Task], *, with_position: bool) -> dict[UUID, Waiting]:
    """Tell of each pending task why it waits."""
    pending = [task for task in tasks if task.state == TaskState.PENDING]
    if not pending:
        return {}
    workers = bus.workers()
    before = {task.id: queue_position(uow, task) for task in pending} if with_position else {}
    return {task.id: Waiting(_reason(first_queue(task), workers), _position(before.get(task.id))) for task in pending}


def _reason(queue: str, workers: Sequence[WorkerInfo] | None) -> str:
    if workers is None:
        return "Redis is out of reach, so nobody knows which workers there are"
    if not any(queue in worker.queues for worker in workers):
        return f"No worker serves the queue '{queue}'"
    return "Waits for a free worker"


def _position(before: int | None) -> int | None:
    return None if before is None else before + 1
