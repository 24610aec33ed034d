"""What became of the items of a task: kept by the steps that did them, read by the callers.

What may be tried again has a row of its own. All else of a step that ended alike is one row, a run: writing an outcome
into a run takes a twentieth of the time of a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select

from models.entities import RunItem, Task, TaskItem, TaskItemRun
from models.unit_of_work import UnitOfWork, as_rows

FAILED = "FAILED"
_RUNS = 8
"""So many runs are read at a time: one holds about as many items as a page may have."""


@dataclass(slots=True)
class ItemOutcome:
    """What became of one item, for the caller to read. `state` is DONE, FAILED or SKIPPED."""

    index: int
    subject: str
    state: str
    code: str | None = None
    message: str | None = None
    asset_id: UUID | None = None
    input: dict[str, Any] | None = None
    """What the part was told about the item: enough to try it again."""


def keep_items(uow: UnitOfWork, task_id: UUID, items: Iterable[ItemOutcome]) -> None:
    """Keep what became of some items."""
    by_state: dict[str, list[ItemOutcome]] = defaultdict(list)
    for item in items:
        by_state[item.state].append(item)
    _insert_rows(uow, task_id, by_state.pop(FAILED, []))
    for state, alike in by_state.items():
        indexes = [item.index for item in alike]
        uow.execute(
            """INSERT INTO task_item_run (task_id, state, first, last, count, items)
               VALUES (:task, :state, :first, :last, :count, :items)""",
            task=task_id, state=state, first=min(indexes), last=max(indexes), count=len(alike),
            items=orjson.dumps([_pack(item) for item in sorted(alike, key=_index_of)]),
        )  # fmt: skip


def _insert_rows(uow: UnitOfWork, task_id: UUID, items: Sequence[ItemOutcome]) -> None:
    if not items:
        return
    uow.execute(
        """INSERT INTO task_item (task_id, index, subject, state, code, message, asset_id, input)
           SELECT :task, index, subject, state, code, message, asset_id, COALESCE(input, '{}')
           FROM json_to_recordset(CAST(:rows AS json)) AS new (index bigint, subject text, state text, code text,
                message text, asset_id uuid, input jsonb)
           ON CONFLICT (task_id, index) DO UPDATE SET state = excluded.state, code = excluded.code,
               message = excluded.message, asset_id = excluded.asset_id""",
        task=task_id,
        rows=as_rows(items),
    )


def count_items(uow: UnitOfWork, task: Task, state: str | None) -> int:
    """Count the items that have a word about them."""
    rows = select(func.count()).where(TaskItem.task_id == task.id)
    runs = select(func.coalesce(func.sum(TaskItemRun.count), 0)).where(TaskItemRun.task_id == task.id)
    if state:
        rows, runs = rows.where(TaskItem.state == state), runs.where(TaskItemRun.state == state)
    return int(uow.session.execute(rows).scalar_one() + uow.session.execute(runs).scalar_one())


def list_items(uow: UnitOfWork, task_id: UUID, state: str | None, after: int, limit: int) -> list[ItemOutcome]:
    """Page through the outcomes of a task's items, by their index."""
    found = [*_rows(uow, task_id, state, after, limit), *_of_runs(uow, task_id, state, after, limit)]
    return sorted(found, key=_index_of)[:limit]


def _rows(uow: UnitOfWork, task_id: UUID, state: str | None, after: int, limit: int) -> Iterator[ItemOutcome]:
    rows = uow.fetch(
        """SELECT index, subject, state, code, message, asset_id, input FROM task_item
           WHERE task_id = %(task)s AND index > %(after)s AND state = COALESCE(%(state)s::text, state)
           ORDER BY index LIMIT %(limit)s""",
        task=task_id, after=after, state=state, limit=limit,
    )  # fmt: skip
    return (ItemOutcome(*row) for row in rows)


def _of_runs(uow: UnitOfWork, task_id: UUID, state: str | None, after: int, limit: int) -> list[ItemOutcome]:
    """Read runs by where they begin, until none that is left can hold an item of the page."""
    found: list[ItemOutcome] = []
    place = -1, 0
    while True:
        runs = uow.fetch(
            """SELECT first, id, items FROM task_item_run
               WHERE task_id = %(task)s AND last > %(after)s AND state = COALESCE(%(state)s::text, state)
               AND (first, id) > (%(first)s, %(id)s) ORDER BY first, id LIMIT %(limit)s""",
            task=task_id, after=after, state=state, first=place[0], id=place[1], limit=_RUNS,
        )  # fmt: skip
        for first, _, items in runs:
            if len(found) >= limit and found[limit - 1].index < first:
                return found
            found += [item for item in _unpack(items) if item.index > after]
            found.sort(key=_index_of)
        if len(runs) < _RUNS:
            return found
        place = runs[-1][:2]


def _pack(item: ItemOutcome) -> tuple[Any, ...]:
    return item.index, item.subject, item.state, item.code, item.message, item.asset_id, item.input


def _unpack(items: bytes) -> Iterator[ItemOutcome]:
    for index, subject, state, code, message, asset_id, given in orjson.loads(items):
        yield ItemOutcome(index, subject, state, code, message, UUID(asset_id) if asset_id else None, given)


def _index_of(item: ItemOutcome) -> int:
    return item.index


def take_failed(uow: UnitOfWork, task: Task) -> list[dict[str, Any]]:
    """Give the failed items of a task that can be tried again, and forget what became of them."""
    failed = delete(TaskItem).where(TaskItem.task_id == task.id, TaskItem.state == FAILED, TaskItem.input != {})
    rows = uow.session.execute(failed.returning(TaskItem.index, TaskItem.input)).all()
    return [row[1] for row in sorted(rows, key=lambda row: row[0])]


def has_failed_items(uow: UnitOfWork, task_id: UUID, key: str) -> bool:
    """Whether items of a task have failed of which a part was told something by that name."""
    query = select(TaskItem.index).where(TaskItem.task_id == task_id, TaskItem.input.has_key(key))
    return uow.session.execute(query.limit(1)).first() is not None


def forget_items(uow: UnitOfWork, task: Task) -> None:
    """Forget what became of the items of a task."""
    uow.session.execute(delete(TaskItem).where(TaskItem.task_id == task.id))
    uow.session.execute(delete(TaskItemRun).where(TaskItemRun.task_id == task.id))
    uow.session.execute(delete(RunItem).where(RunItem.task_id == task.id))
