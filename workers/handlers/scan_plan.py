"""The plan of a pool scan: merge the walk with the catalogue, in one ordered pass and bounded memory.

Both sides come in bytewise order of the path. What stands on one side only is new or gone, what stands on both with
another identity has changed; everything else is unchanged and costs nothing more than the walk's `stat`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from models.paths import decode_path, encode_path
from models.services.ingest import KnownFile, list_files
from models.services.task_parts import ItemOutcome, NewPart, Outcome
from models.wiring import Platform
from workers.handling import Planned
from workers.processing.walking import FoundFile, UnreadableDirectory

PART_FILES = 1024
PART_BYTES = 128 * 1024**2
_FIRST_PARTS, _PLAN_PARTS = 2, 16
"""Parts in the first pieces of a plan, so that workers soon have something to do, and in the later ones."""
_PLAN_SECONDS = 0.5
_PAGE = 10_000


def iter_known(platform: Platform, pool_id: UUID, after: bytes) -> Iterator[KnownFile]:
    """Yield the pool's locations behind a path, in order; pages are read apart, so no transaction stays open."""
    while True:
        with platform.unit_of_work() as uow:
            files = list_files(uow, pool_id, after, _PAGE)
        yield from files
        if len(files) < _PAGE:
            return
        after = files[-1].path


class Merge:
    """Compares found with known files and yields the plan, piece by piece."""

    def __init__(self, known: Iterator[KnownFile], first_index: int, position: bytes) -> None:
        self._known = known
        self._next_known = next(known, None)
        self._index = first_index
        self._position = position
        self._parts: list[NewPart] = []
        self._items: list[dict[str, Any]] = []
        self._part_bytes = 0
        self._piece_parts = _FIRST_PARTS // 2
        self._begin_piece()

    def run(self, found: Iterator[FoundFile | UnreadableDirectory]) -> Iterator[Planned]:
        """Yield the plan of the whole walk."""
        for entry in found:
            self._take_known_before(entry.path)
            if isinstance(entry, UnreadableDirectory):
                self._skip_below(entry)
            else:
                self._compare(entry)
            self._position = entry.path
            if self._is_full():
                yield self._end_piece()
        while self._next_known is not None:
            self._take_gone()
            if self._is_full():
                yield self._end_piece()
        yield self._end_piece()

    def _take_known_before(self, path: bytes) -> None:
        while self._next_known is not None and self._next_known.path < path:
            self._take_gone()

    def _take_gone(self) -> None:
        known = self._next_known
        assert known is not None
        if not known.is_missing:
            self._add({"was": "GONE", "path": encode_path(known.path), "id": str(known.id)}, 0)
        self._position = known.path
        self._next_known = next(self._known, None)

    def _skip_below(self, directory: UnreadableDirectory) -> None:
        """Nothing is known of files in a directory that cannot be read: they keep their state."""
        while self._next_known is not None and self._next_known.path.startswith(directory.path):
            self._next_known = next(self._known, None)
        if directory.path == self._position:
            return  # counted before the plan was interrupted, which goes on from here
        self._outcome.failed += 1
        self._problems.append(
            ItemOutcome(
                self._index, encode_path(directory.path), "FAILED", "directory-unreadable",
                f"The directory cannot be read: {directory.reason}",
            )
        )  # fmt: skip
        self._index += 1

    def _compare(self, found: FoundFile) -> None:
        known = self._next_known
        if known is None or known.path != found.path:
            self._add({"was": "NEW", "path": encode_path(found.path), "size": found.size}, found.size)
            return
        self._next_known = next(self._known, None)
        if known.identity != found[1:]:
            was = "RETURNED" if known.is_missing else "CHANGED"
            item = {"was": was, "path": encode_path(found.path), "size": found.size, "asset": str(known.asset_id)}
            self._add(item, found.size)
        elif known.is_missing:
            self._add({"was": "BACK", "path": encode_path(found.path), "id": str(known.id)}, 0)
        else:
            self._unchanged += 1
            self._index += 1

    def _add(self, item: dict[str, Any], size: int) -> None:
        if self._items and self._part_bytes + size > PART_BYTES:
            self._end_part()
        item["index"] = self._index
        self._items.append(item)
        self._part_bytes += size
        self._index += 1
        if len(self._items) == PART_FILES:
            self._end_part()

    def _end_part(self) -> None:
        if self._items:
            self._parts.append(NewPart(self._items))
        self._items, self._part_bytes = [], 0

    def _is_full(self) -> bool:
        return len(self._parts) >= self._piece_parts or (
            (self._index & 0xFF) == 0 and time.monotonic() - self._begun > _PLAN_SECONDS
        )

    def _begin_piece(self) -> None:
        self._parts = []
        self._piece_parts = min(2 * self._piece_parts, _PLAN_PARTS)
        self._unchanged = 0
        self._problems: list[ItemOutcome] = []
        self._outcome = Outcome()
        self._begun = time.monotonic()

    def _end_piece(self) -> Planned:
        self._end_part()
        outcome = self._outcome
        outcome.done = self._unchanged
        outcome.counts = {"unchanged": self._unchanged}
        outcome.items = self._problems
        planned = Planned(self._parts, outcome, {"path": encode_path(self._position), "index": self._index})
        self._begin_piece()
        return planned


def read_cursor(cursor: dict[str, Any] | None) -> tuple[bytes, int]:
    """Give the path behind which a plan goes on, and the index of its next item."""
    return (decode_path(cursor["path"]), cursor["index"]) if cursor else (b"", 0)
