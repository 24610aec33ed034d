"""How long history is kept. Deletes run in batches, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable

from models.messages import SCAN_POOL
from models.unit_of_work import UnitOfWork

_TASKS = 200
_KEPT_SCANS = 20
"""Of each pool: their results are the reports of what a scan has found."""
_EVENTS = 20_000


def remove_old_tasks(begin: Callable[[], UnitOfWork], days: int) -> int:
    """Forget one batch of tasks that ended that long ago. Returns how many."""
    return _run(
        begin,
        """DELETE FROM task WHERE id IN (SELECT id FROM task WHERE finished < now() - make_interval(days => :days)
               AND state IN ('SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED') AND NOT (
                   kind = :scan AND EXISTS (SELECT 1 FROM pool WHERE pool.id = task.subject_id) AND (
                       SELECT count(*) FROM task newer WHERE newer.subject_id = task.subject_id
                       AND newer.kind = :scan AND newer.id > task.id) < :kept)
               LIMIT :batch)""",
        days,
        _TASKS,
        scan=SCAN_POOL.name,
        kept=_KEPT_SCANS,
    )


def remove_old_events(begin: Callable[[], UnitOfWork], days: int) -> int:
    """Forget one batch of events of that age which all who follow the log have read. Returns how many."""
    return _run(
        begin,
        """DELETE FROM event WHERE id IN (
               SELECT event.id FROM event, (SELECT xid, id FROM relay_position ORDER BY xid, id LIMIT 1) AS slowest
               WHERE (event.xid, event.id) <= (slowest.xid, slowest.id)
               AND occurred < now() - make_interval(days => :days)
               ORDER BY event.xid, event.id LIMIT :batch)""",
        days,
        _EVENTS,
    )


def remove_old_deliveries(begin: Callable[[], UnitOfWork], days: int) -> int:
    """Forget one batch of deliveries to webhooks that ended that long ago. Returns how many."""
    return _run(
        begin,
        """DELETE FROM webhook_delivery WHERE id IN (
               SELECT id FROM webhook_delivery WHERE finished < now() - make_interval(days => :days) LIMIT :batch)""",
        days,
        _EVENTS,
    )


def remove_old_answers(begin: Callable[[], UnitOfWork]) -> int:
    """Forget one batch of idempotency keys that are kept no longer. Returns how many."""
    return _run(
        begin,
        """DELETE FROM idempotency_key WHERE (space_id, user_id, key) IN (
               SELECT space_id, user_id, key FROM idempotency_key WHERE created < now() - make_interval(days => :days)
               LIMIT :batch)""",
        1,
        _EVENTS,
    )


def remove_old_sessions(begin: Callable[[], UnitOfWork]) -> int:
    """Forget one batch of logins that ran out a day ago. Returns how many."""
    return _run(
        begin,
        """DELETE FROM session WHERE id IN (
               SELECT id FROM session WHERE expires < now() - make_interval(days => :days) LIMIT :batch)""",
        1,
        _EVENTS,
    )


def _run(begin: Callable[[], UnitOfWork], statement: str, days: int, batch: int, **more: object) -> int:
    with begin() as uow:
        count = uow.execute(statement, days=days, batch=batch, **more).rowcount
        uow.commit()
    return count
