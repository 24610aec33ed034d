"""What keeps a scan from believing that a pool has lost its files when it is the folder that is wrong.

A mount that is away looks like a folder whose files were deleted. So the root must be there, be reached by no symbolic
link, lie on the device that it lay on, and not be empty where it was not; and no scan takes away more than the pool's
threshold unless a person has said how much. Whatever is refused has changed nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from uuid import UUID

from models.entities import Pool
from models.errors import Conflict, NotFound
from models.paths import decode_path, encode_path
from models.payloads import ScanPool
from models.scan_rules import ScanRules
from models.services.ingest import count_present
from models.services.scan_checks import change_device, count_moved, record_root
from models.storage.buckets import is_bucket
from models.tree import leads_elsewhere
from workers.handlers.scan_plan import Cursor
from workers.handling import Step
from workers.processing.walking import signed

_SCAN = "POST /api/v1/asset-pools/{pool}/scan"


@dataclass(frozen=True)
class Root:
    """The folder of a pool as a scan meets it. Device and file system as the catalogue keeps them."""

    path: bytes
    device: int
    fsid: int
    rules: ScanRules


def find_root(step: Step[ScanPool]) -> Root:
    """Look at the folder of the pool, and refuse it when it is another than before.

    Raises:
        Conflict: saying why, and which request makes the scan go on all the same.
    """
    pool = _load_pool(step)
    root = look_at(decode_path(pool.fs_path), pool.rules)
    if not _is_where_it_was(root, pool) and not step.payload.confirm_root:
        raise Conflict(
            f"The root of the pool lies on another device than before ({root.device}, not {pool.root_device}), as if a "
            f'mount were away. Nothing was changed. If it is right: {_call(pool.id)} {{"confirmRoot": true}}',
            code="pool-root-moved",
        )
    return root


def settle_root(step: Step[ScanPool], root: Root) -> None:
    """Remember where the root lies. Known files keep their identity: the device alone has another number now."""
    pool = _load_pool(step)
    if (root.device, root.fsid) == (pool.root_device, pool.root_fsid) or step.payload.dry_run:
        return
    with step.platform.unit_of_work() as uow:
        if pool.root_device not in (None, root.device):
            change_device(uow, pool.id, pool.root_device, root.device)
        record_root(uow, pool.id, root.device, root.fsid)
        uow.commit()


def require_same(root: Root) -> None:
    """Asked again before anything is written: without its mount, every file of a part looks gone."""
    if look_at(root.path, root.rules).device != root.device:
        raise Conflict("The root of the pool was replaced while it was scanned", code="pool-root-moved")


def refuse_empty(step: Step[ScanPool]) -> None:
    """Refuse a root that is empty where it was not: far more often a lost mount than a person's wish."""
    with step.platform.unit_of_work() as uow:
        known = count_present(uow, step.payload.pool_uuid)
    if known > step.payload.confirm_missing:
        raise Conflict(
            f"The root of the pool is empty, but the catalogue has {known} files in it. {_confirm(step, known)}",
            code="pool-root-empty",
        )


def refuse_too_much(step: Step[ScanPool], rules: ScanRules, cursor: Cursor) -> None:
    """Refuse a plan by which more files would be gone than can be believed. Those that have only moved are none."""
    if cursor.gone <= step.payload.confirm_missing or not rules.is_too_much(cursor.gone, cursor.known):
        return
    with step.platform.unit_of_work() as uow:
        gone = cursor.gone - count_moved(uow, step.task_id)
    if gone > step.payload.confirm_missing and rules.is_too_much(gone, cursor.known):
        raise Conflict(
            f"{gone} of {cursor.known} files would go missing, more than {rules.missing_percent} % and "
            f"{rules.missing_files} files. {_confirm(step, gone)}",
            code="pool-missing-threshold",
        )


def _confirm(step: Step[ScanPool], gone: int) -> str:
    pool_id = step.payload.pool_uuid
    return f'Nothing was changed. If they are gone: {_call(pool_id)} {{"confirmMissing": {gone}}}'


def _call(pool_id: UUID) -> str:
    return _SCAN.format(pool=pool_id)


def _load_pool(step: Step[ScanPool]) -> Pool:
    with step.platform.unit_of_work() as uow:
        pool = uow.session.get(Pool, step.payload.pool_uuid)
    if pool is None:
        raise NotFound("The pool was removed")
    return pool


def look_at(root: bytes, rules: ScanRules) -> Root:
    """Look at a folder that shall be the root of a pool.

    Raises:
        Conflict: when it cannot be.
    """
    if is_bucket(root):
        return Root(root, 0, 0, rules)  # whether it can be listed is found out by listing it
    if not os.path.isdir(root):
        raise Conflict(f"The root of the pool is not there: {encode_path(root)}", code="pool-root-absent")
    if leads_elsewhere(root):
        # It may lead out of what LOOM_POOL_ROOTS allows; whoever means it sets the pool's folder anew.
        raise Conflict(f"A symbolic link stands in the way to the pool: {encode_path(root)}", code="pool-root-linked")
    try:
        return Root(root, signed(os.lstat(root).st_dev), signed(os.statvfs(root).f_fsid), rules)
    except OSError as error:
        raise Conflict(f"The root of the pool cannot be read: {error.strerror}", code="pool-root-unreadable") from error


def _is_where_it_was(root: Root, pool: Pool) -> bool:
    """Numbers of devices may change when a machine starts anew; ids of file systems do not, where there are any."""
    return pool.root_device in (None, root.device) or (root.fsid != 0 and root.fsid == pool.root_fsid)
