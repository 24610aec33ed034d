"""`pools.scan`: bring the catalogue up to date with a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from typing import Any

from models.errors import Conflict, NotFound
from models.messages import SCAN_POOL, ScanPool
from models.paths import decode_path, encode_path
from models.services.ingest import count_missing, has_locations
from models.services.task_parts import Outcome
from models.tree import leads_elsewhere
from models.unit_of_work import UnitOfWork
from workers.handlers.scan_files import ScannedPart, scan_files
from workers.handlers.scan_plan import Merge, iter_known, read_cursor
from workers.handlers.scan_record import record
from workers.handling import Planned, Step
from workers.processing.walking import FoundFile, UnreadableDirectory, walk

_COUNTERS = ("new", "changed", "moved", "returned", "touched", "unchanged", "duplicates", "bytesHashed")


class ScanPoolHandler:
    """Plans by merging, hashes in parts, counts at the end."""

    kind = SCAN_POOL

    def plan(self, step: Step[ScanPool]) -> Iterator[Planned]:
        """Yield the parts of the scan from the cursor on."""
        root = _find_root(step)
        position, index = read_cursor(step.cursor)
        found = _walk(root, position)
        if step.cursor is None:
            found = _require_files(step, found)
        known = iter_known(step.platform, step.payload.pool_uuid, position)
        yield from Merge(known, index, position).run(found)

    def compute(self, step: Step[ScanPool], items: list[dict[str, Any]]) -> ScannedPart:
        """Hash the files of one part."""
        return scan_files(step, _find_root(step), items)

    def apply(self, uow: UnitOfWork, step: Step[ScanPool], part: ScannedPart) -> Outcome:
        """Write what one part found."""
        _require_root(part.root)
        return record(uow, step, part)

    def finish(self, uow: UnitOfWork, step: Step[ScanPool]) -> dict[str, Any]:
        """Report what changed."""
        counts = {name: step.counts.get(name, 0) for name in _COUNTERS}
        return {**counts, "missing": count_missing(uow, step.task_id)}


def _find_root(step: Step[ScanPool]) -> bytes:
    with step.platform.reading() as uow:
        rows = uow.fetch("SELECT fs_path FROM pool WHERE id = %(pool)s", pool=step.payload.pool_uuid)
    if not rows:
        raise NotFound("The pool was removed")
    root = decode_path(rows[0][0])
    _require_root(root)
    return root


def _require_root(root: bytes) -> None:
    """Asked again before anything is written: without its root, every file of a part looks gone."""
    if not os.path.isdir(root):
        raise Conflict(f"The root of the pool is not there: {encode_path(root)}", code="pool-root-absent")
    if leads_elsewhere(root):
        # It may lead out of what LOOM_POOL_ROOTS allows; whoever means it sets the pool's folder anew.
        raise Conflict(f"A symbolic link stands in the way to the pool: {encode_path(root)}", code="pool-root-linked")


def _walk(root: bytes, position: bytes) -> Iterator[FoundFile | UnreadableDirectory]:
    try:
        yield from walk(root, position)
    except OSError as error:
        raise Conflict(f"The root of the pool cannot be read: {error.strerror}", code="pool-root-unreadable") from error


def _require_files(
    step: Step[ScanPool], found: Iterator[FoundFile | UnreadableDirectory]
) -> Iterator[FoundFile | UnreadableDirectory]:
    """Refuse a root that is empty where it was not: far more often a lost mount than a person's wish."""
    first = next(found, None)
    if first is not None:
        return chain([first], found)
    with step.platform.unit_of_work() as uow:
        if has_locations(uow, step.payload.pool_uuid):
            raise Conflict("The root of the pool is empty, but the catalogue has files in it", code="pool-root-empty")
    return iter(())
