"""Pools that are watched, and the scans that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from models.entities import Pool
from models.messages import DELETE_POOL, SCAN_POOL, Priority
from models.paths import decode_path
from models.payloads import ScanPool
from models.services import tasks
from models.services.holders import open_task
from models.unit_of_work import UnitOfWork


def list_watched(uow: UnitOfWork) -> Sequence[tuple[UUID, bytes]]:
    """Give the pools that are watched, with their roots."""
    rows = uow.session.execute(select(Pool.id, Pool.fs_path).where(Pool.is_watched, Pool.fs_path.startswith("/")))
    return [(pool_id, decode_path(fs_path)) for pool_id, fs_path in rows]


def scan_changed(uow: UnitOfWork, pool_id: UUID, folder: str, max_attempts: int) -> bool:
    """Ask for a scan of a folder in which something has changed.

    Returns:
        Whether it is taken care of. While something else works on the pool, it is not: that may have passed the folder.
    """
    pool = uow.session.get(Pool, pool_id, with_for_update=True)
    if pool is None or not pool.is_watched:
        return True
    if open_task(uow, pool_id, SCAN_POOL, DELETE_POOL) is not None:
        return False
    tasks.submit(
        uow, SCAN_POOL, ScanPool(pool_uuid=pool_id, path=folder), space_id=pool.space_id,
        title=f"Scan of what has changed in {pool.name}", max_attempts=max_attempts, priority=Priority.LOW,
        subject_id=pool_id,
    )  # fmt: skip
    return True
