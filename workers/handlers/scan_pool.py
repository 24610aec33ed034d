"""`pools.scan`: bring the catalogue up to date with a folder."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import chain
from typing import Any

from models.errors import Conflict, LoomError
from models.messages import SCAN_POOL
from models.paths import decode_path
from models.payloads import ScanPool
from models.services.ingest import count_unseen, has_locations
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handlers.scan_files import ScannedPart, scan_files
from workers.handlers.scan_guard import Root, find_root, refuse_empty, refuse_too_much, require_same, settle_root
from workers.handlers.scan_plan import Cursor, Merge, Mode, iter_known
from workers.handlers.scan_record import record
from workers.handling import Planned, Step
from workers.processing.pool_files import walk_pool
from workers.processing.selecting import Selection
from workers.processing.walking import FileRun, UnreadableDirectory

_COUNTERS = ("new", "changed", "moved", "returned", "touched", "unchanged", "ignored", "duplicates", "bytesHashed")
_FORESEEN = ("would-be-added", "would-be-hashed", "would-be-restored", "would-be-unseen")
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

Found = Iterator[FileRun | UnreadableDirectory]


class ScanPoolHandler:
    """Plans by merging, hashes in parts, counts at the end.

    Where there are files already, no part begins before the whole plan is made and believed.
    """

    kind = SCAN_POOL

    def plan(self, step: Step[ScanPool]) -> Iterator[Planned]:
        """Yield the parts of the scan from the cursor on."""
        root, cursor, payload = find_root(step), Cursor.read(step.cursor), step.payload
        settle_root(step, root)
        below = decode_path(payload.path) + b"/" if payload.path else b""
        selection = Selection(root.rules, payload.include, payload.exclude)
        found = _walk(root, cursor.path, below, selection)
        if step.cursor is None:
            found = _require_files(step, found, is_whole=not below and selection.paths is None)
        known = iter_known(step.platform, payload.pool_uuid, cursor.path, below)
        yield from Merge(known, cursor, selection, self._mode(step)).run(found)
        if not payload.dry_run:
            refuse_too_much(step, root.rules, cursor)

    def _mode(self, step: Step[ScanPool]) -> Mode:
        if step.payload.dry_run:
            return Mode(is_told=True)
        with step.platform.unit_of_work() as uow:
            return Mode(is_held=has_locations(uow, step.payload.pool_uuid))

    def compute(self, step: Step[ScanPool], items: list[dict[str, Any]]) -> ScannedPart:
        """Hash the files of one part."""
        return scan_files(step, find_root(step), items)

    def apply(self, uow: UnitOfWork, step: Step[ScanPool], part: ScannedPart) -> Outcome:
        """Write what one part found."""
        require_same(part.root)
        return record(uow, step, part)

    def finish(self, uow: UnitOfWork, step: Step[ScanPool]) -> dict[str, Any]:
        """Report what changed."""
        if step.payload.dry_run:
            return {"dryRun": True, **self._foresee(step)}
        counts = {name: step.counts.get(name, 0) for name in _COUNTERS}
        return {**counts, **count_unseen(uow, step.task_id)}

    def _foresee(self, step: Step[ScanPool]) -> dict[str, Any]:
        counts = {name: step.counts.get(name, 0) for name in ("unchanged", "ignored", *_FORESEEN)}
        try:
            refuse_too_much(step, find_root(step).rules, Cursor.read(step.cursor))
        except LoomError as error:
            return {**counts, "refusal": {"code": error.code, "message": error.message}}
        return counts


def _walk(root: Root, position: bytes, below: bytes, selection: Selection) -> Found:
    try:
        yield from walk_pool(root.path, position, below, selection.paths)
    except OSError as error:
        if below and error.errno in _NO_FOLDER:
            return  # then all that was below is gone, which has its own guard
        raise Conflict(f"The root of the pool cannot be read: {error.strerror}", code="pool-root-unreadable") from error


def _require_files(step: Step[ScanPool], found: Found, *, is_whole: bool) -> Found:
    first = next(found, None)
    if first is not None:
        return chain([first], found)
    if is_whole:
        refuse_empty(step)
    return iter(())
