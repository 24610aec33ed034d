"""Take back what dead workers left, and find work that nobody was woken for."""

from __future__ import annotations

from typing import Any

from models.entities.task import PartRole
from models.services.task_parts import NewPart, add_work, close_step, lock_task, single_items
from models.services.work import Claim, give_up, read_claim
from models.unit_of_work import UnitOfWork

_DEADLY = "worker-died"
_BATCH = 50

_EXPIRED = """
    SELECT p.id, p.task_id, p.role, p.attempt, p.payload, p.size, p.errors, p.seq, p.queue, p.deaths + 1, t.max_attempts
    FROM task_part p JOIN task t ON t.id = p.task_id
    WHERE p.state = 'RUNNING' AND p.lease_expires < clock_timestamp()
      AND pg_postmaster_start_time() < clock_timestamp() - make_interval(secs => :grace)
    ORDER BY p.lease_expires LIMIT :batch FOR UPDATE OF p SKIP LOCKED
"""


def reap(uow: UnitOfWork, lease_seconds: float) -> int:
    """Treat every part whose lease ran out as one whose worker died. Returns how many there were.

    For one lease after PostgreSQL has started nobody is declared dead: nobody could renew while it was away.
    """
    rows: Any = uow.execute(_EXPIRED, batch=_BATCH, grace=lease_seconds).all()
    for row in rows:
        *claimed, queue, deaths, most = row
        _bury(uow, read_claim(claimed), queue, deaths, most)
    return len(rows)


def _bury(uow: UnitOfWork, claimed: Claim, queue: str, deaths: int, most: int) -> None:
    uow.execute(
        "UPDATE task SET attempt = greatest(attempt, :deaths), revision = revision + 1 WHERE id = :id",
        deaths=deaths,
        id=claimed.task_id,
    )
    if deaths < most:
        _offer_again(uow, claimed, queue, deaths)
    elif claimed.role is PartRole.WORK and claimed.size > 1:
        _split(uow, claimed, deaths=most - 1)
    else:
        give_up(uow, claimed, _DEADLY, f"The worker died {deaths} times while it worked on this")


def _offer_again(uow: UnitOfWork, claimed: Claim, queue: str, deaths: int) -> None:
    uow.execute(
        """UPDATE task_part SET state = 'READY', deaths = :deaths, ready_at = clock_timestamp(),
               lease_owner = NULL, lease_expires = NULL WHERE id = :id""",
        deaths=deaths,
        id=claimed.part_id,
    )
    uow.wake(queue)


def _split(uow: UnitOfWork, claimed: Claim, deaths: int) -> None:
    """Give each item of a deadly part one last chance alone, so that the deadly one costs only itself."""
    uow.execute(
        "UPDATE task_part SET state = 'CANCELLED', payload = '{}', lease_expires = NULL WHERE id = :id",
        id=claimed.part_id,
    )
    task = lock_task(uow, claimed.task_id)
    add_work(uow, task, [NewPart([item]) for item in single_items(claimed.payload["items"])], deaths=deaths)
    close_step(uow, task, claimed.role)


def reopen_windows(uow: UnitOfWork) -> int:
    """Mend tasks that wait with nothing in flight; none should exist, and none may be stuck if one does."""
    rows: Any = uow.execute(
        """SELECT DISTINCT w.task_id FROM task_part w JOIN task ON task.id = w.task_id
           WHERE w.state = 'WAITING' AND NOT task.is_paused AND NOT EXISTS (
               SELECT 1 FROM task_part r WHERE r.task_id = w.task_id AND r.state IN ('READY', 'RUNNING'))
           LIMIT :batch""",
        batch=_BATCH,
    ).all()
    for (task_id,) in rows:
        task = lock_task(uow, task_id)
        task.open_parts += 1
        close_step(uow, task, PartRole.WORK)
    return len(rows)


def waiting_queues(uow: UnitOfWork) -> list[str]:
    """Give the queues in which parts are ready."""
    rows: Any = uow.execute("SELECT DISTINCT queue FROM task_part WHERE state = 'READY' ORDER BY queue").all()
    return [row[0] for row in rows]


def count_runnable(uow: UnitOfWork, queue: str, most: int) -> int:
    """Count parts that could run now, up to `most`."""
    return int(
        str(
            uow.execute(
                """SELECT count(*) FROM (SELECT 1 FROM task_part WHERE queue = :queue AND state = 'READY'
                   AND ready_at <= clock_timestamp() LIMIT :most) AS runnable""",
                queue=queue,
                most=most,
            ).scalar_one()
        )
    )
