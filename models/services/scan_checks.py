"""What the guard of pool scans asks of the catalogue and writes into it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models.unit_of_work import UnitOfWork

_ITEMS = """SELECT item FROM task_part, jsonb_array_elements(task_part.payload -> 'items') AS items (item)
            WHERE task_id = :task AND state = 'WAITING'"""


def record_root(uow: UnitOfWork, pool_id: UUID, device: int, fsid: int) -> None:
    """Remember where the root of a pool lies."""
    uow.execute(
        "UPDATE pool SET root_device = :device, root_fsid = :fsid WHERE id = :id", id=pool_id, device=device, fsid=fsid
    )


def change_device(uow: UnitOfWork, pool_id: UUID, before: int | None, after: int) -> None:
    """Note that the same file system has another number now, so that its files are still known by theirs."""
    uow.execute(
        "UPDATE location SET device = :after WHERE pool_id = :pool AND device = :before",
        pool=pool_id, before=before, after=after,
    )  # fmt: skip


def count_moved(uow: UnitOfWork, task_id: UUID) -> int:
    """Count the files that a held plan has not met in their places but, by device and inode, in others."""
    count: Any = uow.execute(
        f"""WITH items AS ({_ITEMS}),
            new AS (SELECT DISTINCT CAST(item -> 'file' ->> 0 AS bigint) AS device,
                        CAST(item -> 'file' ->> 1 AS bigint) AS inode, CAST(item ->> 'size' AS bigint) AS size,
                        CAST(item -> 'file' ->> 2 AS bigint) AS mtime_ns
                    FROM items WHERE item ->> 'was' = 'NEW')
            SELECT count(*) FROM location JOIN new USING (device, inode, size, mtime_ns)
            WHERE id IN (SELECT CAST(item ->> 'id' AS uuid) FROM items
                         WHERE item ->> 'was' = 'GONE')""",  # noqa: S608 - only a constant is put in
        task=task_id,
    ).scalar_one()
    return int(count)
