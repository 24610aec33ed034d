"""How the parts of a task are laid out, let into the window, counted, and how a task ends.

All functions here run with the task's row locked (`lock_task`), in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from models.entities import PartState, Task, TaskPart, TaskState
from models.entities.task import PartRole
from models.events import RUN_COMPLETED, RUN_PAUSED, RUN_RESUMED, TASK_UPDATED, NewEvent
from models.ids import new_id
from models.messages import KINDS, RUN_PIPELINE
from models.services.task_items import ItemOutcome, keep_items
from models.services.turns import TURNS, of_task
from models.unit_of_work import UnitOfWork, as_rows


@dataclass(frozen=True)
class NewPart:
    """A part to be planned: JSON objects, each with its `index` in the task.

    One with a `count` stands for so many items in a row, the first of which has that index; the kind knows where they
    are. A single one of them is spelt without `count`, and with the `first` of its row (`single_items`).
    """

    items: list[dict[str, Any]]

    @property
    def size(self) -> int:
        """How many items it has."""
        return sum(item.get("count", 1) for item in self.items)


def single_items(items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Spell the items of a part one by one."""
    for item in items:
        if "count" not in item:
            yield item
            continue
        row = {name: value for name, value in item.items() if name != "count"}
        for index in range(item["index"], item["index"] + item["count"]):
            yield {**row, "index": index, "first": item["index"]}


@dataclass
class Outcome:
    """What a step did. `counts` are the kind's own counters, summed over all steps of the task.

    `rest` is what a part has not come to: others go on with it.
    """

    done: int = 0
    failed: int = 0
    skipped: int = 0
    bytes_done: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    items: Sequence[ItemOutcome] = ()
    result: dict[str, Any] | None = None
    rest: Sequence[NewPart] = ()


def lock_task(uow: UnitOfWork, task_id: UUID) -> Task:
    """Give the task, locked until the transaction ends.

    Not against rows that refer to it: those of two parts would else wait for each other, each holding the task's key.
    """
    held = select(Task).where(Task.id == task_id).with_for_update(key_share=True)
    return uow.session.execute(held.execution_options(populate_existing=True)).scalar_one()


def part_queue_of(task: Task) -> str:
    """Tell where the parts of a task wait: as its kind says, or for runs of pipelines as their nodes need."""
    kind = KINDS[task.kind]
    return str(task.payload.get("queue") or kind.part_queue or kind.queue)


_INSERT = f"""
    WITH {TURNS}
    INSERT INTO task_part (id, task_id, space_id, seq, role, queue, priority, state, deaths, payload, size, turn)
    SELECT id, :task, :space, seq, :role, :queue, :priority, :state, :deaths, payload, size,
        CASE WHEN :is_ready THEN (SELECT first FROM turns) ELSE 0 END
    FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, seq bigint, payload jsonb, size bigint)
"""  # noqa: S608 - no value from outside
# Materialized: as the inner side of a nested loop the choice would be made once per row, each time of other rows.
_OPEN = f"""
    WITH next AS MATERIALIZED (
        SELECT id, row_number() OVER (ORDER BY seq) - 1 AS number FROM (
            SELECT id, seq FROM task_part WHERE task_id = :task AND state = 'WAITING' ORDER BY seq
            LIMIT greatest(0, :window - (SELECT count(*) FROM task_part WHERE task_id = :task
                                         AND role = 'WORK' AND state IN ('READY', 'RUNNING')))
            FOR UPDATE SKIP LOCKED) AS chosen),
    {TURNS}
    UPDATE task_part SET state = 'READY', ready_at = clock_timestamp(),
        turn = (SELECT first + number * step FROM turns)
    FROM next WHERE task_part.id = next.id
"""  # noqa: S608 - no value from outside


def add_step(uow: UnitOfWork, task: Task, role: PartRole) -> None:
    """Append the first or the last step of a task, ready to be claimed."""
    kind = KINDS[task.kind]
    _insert(uow, task, role, [NewPart([])], PartState.READY)
    task.open_parts += 1
    uow.wake(kind.queue)


def add_work(uow: UnitOfWork, task: Task, parts: Sequence[NewPart], *, deaths: int = 0, is_held: bool = False) -> None:
    """Append parts; as many as the window has room for become ready at once, unless they are held.

    `deaths` is how many of their attempts are already used up.
    """
    _insert(uow, task, PartRole.WORK, parts, PartState.WAITING, deaths)
    task.open_parts += len(parts)
    if not is_held:
        open_window(uow, task)


def _insert(
    uow: UnitOfWork, task: Task, role: PartRole, parts: Sequence[NewPart], state: PartState, deaths: int = 0
) -> None:
    first = uow.session.execute(
        select(func.coalesce(func.max(TaskPart.seq), -1) + 1).where(TaskPart.task_id == task.id)
    ).scalar_one()
    queue = part_queue_of(task) if role is PartRole.WORK else KINDS[task.kind].queue
    uow.execute(
        _INSERT,
        **of_task(task, queue),
        role=role,
        state=state,
        is_ready=state is PartState.READY,
        deaths=deaths,
        rows=as_rows(
            [
                {"id": new_id(), "seq": seq, "payload": {"items": part.items}, "size": part.size}
                for seq, part in enumerate(parts, first)
            ]
        ),
    )


def open_window(uow: UnitOfWork, task: Task) -> None:
    """Make waiting parts ready until the task's window is full.

    Each gets its turn then, see `models.services.turns`.
    """
    if task.is_paused:
        return
    queue = part_queue_of(task)
    ready = uow.execute(_OPEN, **of_task(task, queue), window=KINDS[task.kind].window).rowcount
    if ready:
        uow.wake(queue, ready)


def add_outcome(uow: UnitOfWork, task: Task, outcome: Outcome) -> None:
    """Count what a step did and keep the word about each item that needs one."""
    task.done += outcome.done
    task.failed += outcome.failed
    task.skipped += outcome.skipped
    task.bytes_done += outcome.bytes_done
    if outcome.counts:
        task.counts = {
            key: task.counts.get(key, 0) + outcome.counts.get(key, 0) for key in {**task.counts, **outcome.counts}
        }
    if outcome.result is not None:
        task.result = outcome.result
    if outcome.items:
        keep_items(uow, task.id, outcome.items)


def close_step(uow: UnitOfWork, task: Task, role: PartRole) -> None:
    """One step has ended: let the next ones in, or end the task."""
    task.open_parts -= 1
    if role is PartRole.MAIN and not task.error_code:
        task.is_planned = True
    if task.open_parts:
        open_window(uow, task)
        return
    kind = KINDS[task.kind]
    is_whole = task.is_planned and not task.error_code and task.state != TaskState.CANCELLING
    if kind.part_queue and is_whole and role is not PartRole.FINISH:
        add_step(uow, task, PartRole.FINISH)
    else:
        end_task(uow, task)


def pause(uow: UnitOfWork, task: Task) -> None:
    """Let no further part of a task that is locked begin; those that have begun go on to their end."""
    task.is_paused = True
    uow.execute(
        "UPDATE task_part SET state = 'WAITING' WHERE task_id = :task AND role = 'WORK' AND state = 'READY'",
        task=task.id,
    )
    touch(task)
    publish_update(uow, task)
    tell_of_run(uow, task, RUN_PAUSED)


def resume(uow: UnitOfWork, task: Task) -> None:
    """Let the parts of a task that is locked go on."""
    task.is_paused = False
    open_window(uow, task)
    touch(task)
    publish_update(uow, task)
    tell_of_run(uow, task, RUN_RESUMED)


def fail_task(uow: UnitOfWork, task: Task, code: str, message: str) -> None:
    """Note why the task fails and drop its parts that have not begun."""
    task.error_code, task.error_message = code, message
    drop_waiting(uow, task)


def drop_waiting(uow: UnitOfWork, task: Task) -> None:
    """Cancel the parts that no worker has begun."""
    task.open_parts -= uow.execute(
        """UPDATE task_part SET state = 'CANCELLED' WHERE id IN
           (SELECT id FROM task_part WHERE task_id = :task AND state IN ('WAITING', 'READY') FOR UPDATE SKIP LOCKED)""",
        task=task.id,
    ).rowcount


def end_task(uow: UnitOfWork, task: Task) -> None:
    """Give the task its final state; its progress reaches 100 % whatever happened."""
    total = max(task.total or 0, task.done + task.failed + task.skipped)
    task.skipped = total - task.done - task.failed
    task.total = total
    task.state, task.is_paused = _final_state(task), False
    task.finished = datetime.now(UTC)
    touch(task)
    publish_update(uow, task)
    spent = (task.finished - task.started) if task.started else timedelta()
    tell_of_run(uow, task, RUN_COMPLETED, status=str(task.state), durationMs=round(spent.total_seconds() * 1000))


def _final_state(task: Task) -> TaskState:
    if task.state == TaskState.CANCELLING:
        return TaskState.CANCELLED
    if task.error_code or (task.failed and not task.done and not task.skipped):
        return TaskState.FAILED
    return TaskState.PARTIAL if task.failed else TaskState.SUCCEEDED


def touch(task: Task) -> None:
    """Count a change, so that the task's ETag moves on."""
    task.revision += 1
    task.edited = datetime.now(UTC)


def publish_update(uow: UnitOfWork, task: Task, kind: str = TASK_UPDATED) -> None:
    """Tell that the task's state has changed."""
    data = {"kind": task.kind, "title": task.title, "state": str(task.state), **key_of(task)}
    uow.publish(NewEvent(kind, task.space_id, task.id, task.creator_id, data))


def tell_of_run(uow: UnitOfWork, task: Task, kind: str, **data: Any) -> None:
    """Tell what happens to a run of a pipeline, in the words of runs; of other tasks nothing."""
    if task.kind == RUN_PIPELINE.name:
        named = {"pipelineName": task.payload.get("pipeline_name", "")}
        uow.publish(NewEvent(kind, task.space_id, task.id, task.creator_id, {**named, **data}))


def key_of(task: Task) -> dict[str, str]:
    """Name the narrowed API key that asked for a task, in its events: whoever has that key may hear of it."""
    return {"_token": str(task.token_id)} if task.token_id else {}
