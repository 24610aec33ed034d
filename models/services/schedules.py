"""What is done again and again: pool scans and Loom's own sweeps, as rows that survive every restart.

The calendar arithmetic is APScheduler's. A trigger is a cron expression of five fields (UTC), or an interval such as
`30s`, `15m`, `2h`, `1d`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert

from models.entities import Pipeline, Pool, Schedule, Task, TaskState
from models.errors import InvalidInput, LoomError
from models.ids import new_id
from models.logs import get_logger
from models.messages import INDEX_VECTORS, KINDS, RECONCILE_INDEX, RUN_PIPELINE, SCAN_POOL, SWEEP, Priority, TaskKind
from models.payloads import IndexVectors, Payload, ReconcileIndex, ScanPool, Sweep
from models.pipelines.triggers import Trigger
from models.services import tasks
from models.services.auto_runs import scheduled_payload
from models.services.credentials import actor_of_task
from models.unit_of_work import UnitOfWork

logger = get_logger(__name__)

_INTERVAL = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHORTEST = timedelta(seconds=10)
_LONGEST = timedelta(days=366)
_MOST_JITTER_SECONDS = 60
_JITTER_SHARE = 10
_OPEN = (TaskState.PENDING, TaskState.RUNNING, TaskState.CANCELLING)
_BATCH = 100


def parse_trigger(text: str) -> BaseTrigger:
    """Read a trigger. Runs are spread by up to a tenth of the interval, at most a minute.

    Raises:
        InvalidInput: when it is neither a cron expression nor an interval between 10 seconds and a year.
    """
    match = _INTERVAL.fullmatch(text)
    if match:
        interval = timedelta(**{_UNITS[match[2]]: int(match[1])})
        if not _SHORTEST <= interval <= _LONGEST:
            raise InvalidInput("An interval lies between 10s and 366d")
        jitter = min(_MOST_JITTER_SECONDS, int(interval.total_seconds()) // _JITTER_SHARE)
        return IntervalTrigger(seconds=int(interval.total_seconds()), timezone=UTC, jitter=jitter or None)
    try:
        return CronTrigger.from_crontab(text, timezone=UTC)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"A schedule is a cron expression such as '*/15 * * * *' or an interval such as '15m': {error}"
        ) from None


def next_run(trigger: str, after: datetime) -> datetime:
    """Tell when a trigger fires next: however many ticks were missed, once."""
    fire_time: datetime | None = parse_trigger(trigger).get_next_fire_time(after, after)
    return fire_time or after + _LONGEST


def set_pool_schedule(uow: UnitOfWork, pool: Pool) -> None:
    """Make the pool's schedule what its row says."""
    if not pool.schedule:
        uow.session.execute(delete(Schedule).where(Schedule.pool_id == pool.id))
        return
    due = next_run(pool.schedule, datetime.now(UTC))
    values = {"trigger": pool.schedule, "next_run": due, "name": f"Scan of pool {pool.id}", "editor_id": pool.editor_id}
    uow.session.execute(
        insert(Schedule)
        .values(
            id=new_id(), space_id=pool.space_id, kind=SCAN_POOL.name, pool_id=pool.id,
            payload=ScanPool(pool_uuid=pool.id).model_dump(mode="json"), creator_id=pool.editor_id, **values,
        )
        .on_conflict_do_update(index_elements=[Schedule.pool_id], set_=values)
    )  # fmt: skip


def set_pipeline_schedule(uow: UnitOfWork, pipeline: Pipeline) -> None:
    """Make the pipeline's schedule what its trigger says.

    Raises:
        InvalidInput: when that is no schedule.
    """
    trigger = Trigger.model_validate(pipeline.trigger or {}).schedule
    if not trigger or not pipeline.enabled:
        uow.session.execute(delete(Schedule).where(Schedule.pipeline_id == pipeline.id))
        return
    due = next_run(trigger, datetime.now(UTC))
    values = {"trigger": trigger, "name": f"Run of pipeline {pipeline.id}", "editor_id": pipeline.editor_id}
    made = insert(Schedule).values(
        id=new_id(), space_id=pipeline.space_id, kind=RUN_PIPELINE.name, pipeline_id=pipeline.id, payload={},
        creator_id=pipeline.editor_id, next_run=due, **values,
    )  # fmt: skip
    is_other = Schedule.trigger != trigger
    changed = made.on_conflict_do_update(
        index_elements=[Schedule.pipeline_id],
        set_={**values, "next_run": case((is_other, due), else_=Schedule.next_run)},
    )
    uow.session.execute(changed)


def ensure_built_in(uow: UnitOfWork, space_id: Any) -> None:
    """Make sure that Loom's own schedules exist."""
    built_in: list[tuple[str, str, TaskKind, Payload]] = [
        ("Sweep", "1h", SWEEP, Sweep()), ("Index vectors", "1h", INDEX_VECTORS, IndexVectors()),
        ("Reconcile search", "24h", RECONCILE_INDEX, ReconcileIndex()),
    ]  # fmt: skip
    for name, trigger, kind, payload in built_in:
        due = next_run(trigger, datetime.now(UTC))
        values = {"name": name, "kind": kind.name, "payload": payload.model_dump(mode="json")}
        made = insert(Schedule).values(id=new_id(), space_id=space_id, trigger=trigger, next_run=due, **values)
        uow.session.execute(made.on_conflict_do_nothing())


def submit_due(uow: UnitOfWork, max_attempts: int) -> int:
    """Submit a task for every schedule whose time has come. Returns how many were submitted.

    A tick is a unique key, so two schedulers at the same moment submit one task. A schedule whose last task has not
    ended skips its tick and counts it.
    """
    now = datetime.now(UTC)
    due = (
        select(Schedule).where(Schedule.next_run <= now).order_by(Schedule.next_run).limit(_BATCH)
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    submitted = 0
    for schedule in uow.session.execute(due).scalars().all():
        tick, schedule.next_run = schedule.next_run, next_run(schedule.trigger, now)
        if _is_running(uow, schedule):
            schedule.skipped += 1
            continue
        try:
            _submit(uow, schedule, tick, max_attempts)
        except LoomError as error:  # whoever made it does not count any more
            logger.warning("a schedule rests", schedule=schedule.name, reason=error.code)
            schedule.skipped += 1
            continue
        schedule.last_run = now
        submitted += 1
    return submitted


def _is_running(uow: UnitOfWork, schedule: Schedule) -> bool:
    query = select(Task.id).where(Task.kind == schedule.kind, Task.state.in_(_OPEN))
    subject = schedule.pool_id or schedule.pipeline_id
    query = query.where(Task.subject_id == subject if subject else Task.schedule_id == schedule.id)
    return uow.session.execute(query.limit(1)).first() is not None


def _submit(uow: UnitOfWork, schedule: Schedule, tick: datetime, max_attempts: int) -> None:
    kind = KINDS[schedule.kind]
    payload: Payload
    if schedule.pipeline_id is None:
        payload, actor, subject = kind.payload.model_validate(schedule.payload), None, schedule.pool_id
    else:
        payload, pipeline = scheduled_payload(uow, schedule.pipeline_id)
        subject, actor = pipeline.id, actor_of_task(uow, pipeline.space_id, pipeline.editor_id, None)
    tasks.submit(
        uow, kind, payload, space_id=schedule.space_id, title=schedule.name, max_attempts=max_attempts,
        priority=Priority.LOW, subject_id=subject, schedule=(schedule.id, tick), actor=actor,
    )  # fmt: skip
