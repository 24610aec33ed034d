"""How Loom is: each engine asked, each queue looked at. Nothing here raises; what does not answer is down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from models.bus import Bus
from models.errors import LoomError
from models.messages import Queue
from models.storage import BlobStore
from models.unit_of_work import UnitOfWork

UP = "UP"
DEGRADED = "DEGRADED"
DOWN = "DOWN"
_LATE_SECONDS = 30
_TROUBLE = (SQLAlchemyError, psycopg.Error)

Detail = dict[str, Any]

LAG = """
    SELECT r.reader, coalesce(extract(epoch FROM now() - (
        SELECT occurred FROM event e WHERE (e.xid, e.id) > (r.xid, r.id) ORDER BY e.xid, e.id LIMIT 1
    )), 0)::float FROM relay_position r ORDER BY r.reader
"""


def check_database(begin: Callable[[], UnitOfWork]) -> Detail:
    """Ask the database which version of the tables it has."""
    try:
        with begin() as uow:
            revision = uow.fetch("SELECT version_num FROM alembic_version")
    except _TROUBLE:
        return {"status": DOWN}
    return {"status": UP, "revision": revision[0][0] if revision else None}


def check_relay(begin: Callable[[], UnitOfWork]) -> Detail:
    """Say how old the oldest event is that a reader of the log has not got to."""
    try:
        with begin() as uow:
            lags = {reader: round(lag, 1) for reader, lag in uow.fetch(LAG)}
    except _TROUBLE:
        return {"status": DOWN}
    is_late = not lags or max(lags.values()) > _LATE_SECONDS
    return {"status": DEGRADED if is_late else UP, "lagSeconds": lags}


def check_bus(bus: Bus) -> Detail:
    """Ask Redis anything."""
    return {"status": DOWN if bus.count_wakes(Queue.INTERACTIVE) is None else UP}


def check_storage(blobs: BlobStore) -> Detail:
    """Prove that the blob store can be written."""
    try:
        blobs.check()
        free = blobs.free_bytes()
    except LoomError:
        return {"status": DOWN}
    return {"status": UP} if free is None else {"status": UP, "freeBytes": free}


def check_workers(bus: Bus) -> Detail:
    """Count the worker processes of each queue; a queue that nobody serves makes its tasks wait."""
    workers = bus.workers()
    if workers is None:
        return {"status": DEGRADED}
    counts = {str(queue): sum(queue in worker.queues for worker in workers) for queue in Queue}
    return {"status": UP if all(counts.values()) else DEGRADED, "queues": counts}
