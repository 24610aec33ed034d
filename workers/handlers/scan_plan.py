"""The plan of a pool scan: merge the walk with the catalogue, in one ordered pass and bounded memory.

Both sides come in bytewise order of the path. What stands on one side only is new or gone, what stands on both with
another identity has changed; everything else is unchanged and costs nothing more than the walk's `stat`. What is not
looked at, by the rules of the pool or the words of the request, keeps its state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Self
from uuid import UUID

from models.paths import decode_path, encode_path
from models.services.ingest import KnownFile, asset_of, is_missing, list_files, location_of
from models.services.task_items import ItemOutcome
from models.services.task_parts import NewPart, Outcome
from models.stamps import flags_of, packed_version_of, path_of
from models.wiring import Platform
from workers.handling import Planned
from workers.processing.selecting import Selection
from workers.processing.walking import FileRun, FoundFile, UnreadableDirectory, read_stamp

PART_FILES = 1024
PART_BYTES = 128 * 1024**2
_FIRST_PARTS, _PLAN_PARTS = 2, 16
"""Parts in the first pieces of a plan, so that workers soon have something to do, and in the later ones."""
_PLAN_SECONDS = 0.5
_PAGE = 10_000
_MOST_WORDS = 1_000
"""Items in a piece of a plan that is only told."""
_FORESEEN = {
    "NEW": "would-be-added", "CHANGED": "would-be-hashed", "RETURNED": "would-be-hashed", "BACK": "would-be-restored",
    "GONE": "would-be-unseen",
}  # fmt: skip


@dataclass(frozen=True)
class Mode:
    """How a plan is made.

    Parts that are held wait until the plan is whole and believed; a plan that is only told has none.
    """

    is_held: bool = False
    is_told: bool = False


@dataclass
class Cursor:
    """How far a plan has come, and what it has seen until there."""

    path: bytes = b""
    index: int = 0
    known: int = 0
    """Files of the catalogue that were there when last looked at."""
    gone: int = 0
    """Those of them that the walk did not meet."""

    @classmethod
    def read(cls, stored: dict[str, Any] | None) -> Self:
        """Go on from where an interrupted plan has come to."""
        return cls(**{**stored, "path": decode_path(stored["path"])}) if stored else cls()

    def spell(self) -> dict[str, Any]:
        """Give it as it is stored."""
        return {**asdict(self), "path": encode_path(self.path)}


class KnownFiles:
    """The locations of a pool, or of a folder of it, behind a path, in order; `next` is the one that is up, if any.

    Pages are read apart, so no transaction stays open, and ahead: PostgreSQL works on the next while this is merged.
    """

    def __init__(self, pages: Iterator[list[KnownFile]]) -> None:
        self._pages = pages
        self._page: list[KnownFile] = []
        self._stamps: list[bytes] = []
        self._place = 0
        self.next: KnownFile | None = None
        self.go_on(0)

    def go_on(self, files: int = 1) -> None:
        """Step over so many of the files of this page."""
        self._place += files
        while self._place >= len(self._page):
            page = next(self._pages, None)
            if page is None:
                self.next = None
                return
            self._page, self._stamps, self._place = page, [stamp for stamp, _ in page], 0
        self.next = self._page[self._place]

    def count_same(self, run: FileRun, start: int) -> int:
        """How many files of a run, from `start` on, are next, and as they were; of those on this page."""
        place = self._place
        most = min(len(run) - start, len(self._stamps) - place)
        if self._stamps[place : place + most] == run[start : start + most]:
            return most
        return next(each for each in range(most) if self._stamps[place + each] != run[start + each])


def iter_known(platform: Platform, pool_id: UUID, after: bytes, below: bytes = b"") -> Iterator[list[KnownFile]]:
    """Yield the pages of the locations of a pool, or of a folder of it, behind a path, in order."""

    def read(after: bytes) -> list[KnownFile]:
        with platform.unit_of_work() as uow:
            return list_files(uow, pool_id, after, _PAGE)

    with ThreadPoolExecutor(1, "known-files") as ahead:
        page = ahead.submit(read, max(after, below))
        while True:
            files = page.result()
            is_last = len(files) < _PAGE or not files[-1][0].startswith(below)
            if not is_last:
                page = ahead.submit(read, path_of(files[-1][0]))
            yield [file for file in files if file[0].startswith(below)] if below else files
            if is_last:
                return


class Merge:
    """Compares found with known files and yields the plan, piece by piece."""

    def __init__(self, known: Iterator[list[KnownFile]], cursor: Cursor, selection: Selection, mode: Mode) -> None:
        self.cursor = cursor
        self._known = KnownFiles(known)
        self._selection = selection
        self._takes = selection.paths
        self._mode = mode
        self._parts: list[NewPart] = []
        self._items: list[dict[str, Any]] = []
        self._part_bytes = 0
        self._piece_parts = _FIRST_PARTS // 2
        self._begin_piece()

    def run(self, found: Iterator[FileRun | UnreadableDirectory]) -> Iterator[Planned]:
        """Yield the plan of the whole walk."""
        for entry in found:
            if isinstance(entry, list):
                yield from self._merge(entry)
            else:
                self._take_known_before(entry.path)
                self._skip_below(entry)
                self.cursor.path = entry.path
            if self._is_full():
                yield self._end_piece()
        while self._known.next is not None:
            self._take_gone()
            if self._is_full():
                yield self._end_piece()
        yield self._end_piece()

    def _merge(self, run: FileRun) -> Iterator[Planned]:
        """Deal with files that nothing has happened to, as with nearly all, at once, and with the others singly."""
        place = 0
        while place < len(run):
            same = self._known.count_same(run, place) if self._selection.takes_all_files else 0
            if same:
                self._take_unchanged(same)
                place += same
                self.cursor.path = path_of(run[place - 1])
                continue
            found = read_stamp(run[place])
            self._take_known_before(found.path)
            self._compare(found)
            self.cursor.path = found.path
            place += 1
            if self._is_full():
                yield self._end_piece()

    def _take_unchanged(self, files: int) -> None:
        self._known.go_on(files)
        self._unchanged += files
        self.cursor.index += files
        self.cursor.known += files

    def _take_known_before(self, path: bytes) -> None:
        while self._known.next is not None and path_of(self._known.next[0]) < path:
            self._take_gone()

    def _take_gone(self) -> None:
        known = self._known.next
        assert known is not None
        path = path_of(known[0])
        if not is_missing(known) and (self._takes is None or self._takes(path)):
            self._add({"was": "GONE", "path": encode_path(path), "id": str(location_of(known))}, 0)
            self.cursor.gone += 1
            self.cursor.known += 1
        self.cursor.path = path
        self._known.go_on()

    def _skip_below(self, directory: UnreadableDirectory) -> None:
        """Nothing is known of files in a directory that cannot be read: they keep their state."""
        while self._known.next is not None and self._known.next[0].startswith(directory.path):
            self._known.go_on()
        if directory.path == self.cursor.path:
            return  # counted before the plan was interrupted, which goes on from here
        self._outcome.failed += 1
        self._problems.append(
            ItemOutcome(
                self.cursor.index, encode_path(directory.path), "FAILED", "directory-unreadable",
                f"The directory cannot be read: {directory.reason}",
            )
        )  # fmt: skip
        self.cursor.index += 1

    def _compare(self, found: FoundFile) -> None:
        known = self._known.next
        if known is not None and path_of(known[0]) != found.path:
            known = None
        if known is not None:
            self._known.go_on()
        if not self._selection.takes_file(found):
            self._ignored += 1
        elif known is not None:
            self._compare_versions(found, known)
        else:
            self._add(self._new(found), found.size)

    def _new(self, found: FoundFile) -> dict[str, Any]:
        item = {"was": "NEW", "path": encode_path(found.path), "size": found.size}
        if self._mode.is_held:  # then somebody may ask whether it is a known file at a new place
            item["file"] = [found.device, found.inode, found.mtime_ns]
        return item

    def _compare_versions(self, found: FoundFile, known: KnownFile) -> None:
        self.cursor.known += not is_missing(known)
        if packed_version_of(known[0]) != packed_version_of(found.stamp):
            was = "RETURNED" if is_missing(known) else "CHANGED"
            item = {"was": was, "path": encode_path(found.path), "size": found.size, "asset": str(asset_of(known))}
            self._add(item, found.size)
        elif flags_of(known[0]):
            self._add({"was": "BACK", "path": encode_path(found.path), "id": str(location_of(known))}, 0)
        else:
            self._unchanged += 1
            self.cursor.index += 1

    def _add(self, item: dict[str, Any], size: int) -> None:
        if self._mode.is_told:
            self._tell(item)
            return
        if self._items and self._part_bytes + size > PART_BYTES:
            self._end_part()
        item["index"] = self.cursor.index
        self._items.append(item)
        self._part_bytes += size
        self.cursor.index += 1
        if len(self._items) == PART_FILES:
            self._end_part()

    def _tell(self, item: dict[str, Any]) -> None:
        code = _FORESEEN[item["was"]]
        self._problems.append(
            ItemOutcome(self.cursor.index, item["path"], "SKIPPED", code, "A scan that is no dry run would look at it")
        )
        self._told[code] = self._told.get(code, 0) + 1
        self._outcome.skipped += 1
        self.cursor.index += 1

    def _end_part(self) -> None:
        if self._items:
            self._parts.append(NewPart(self._items))
        self._items, self._part_bytes = [], 0

    def _is_full(self) -> bool:
        return (
            len(self._parts) >= self._piece_parts
            or len(self._problems) >= _MOST_WORDS
            or time.monotonic() - self._begun > _PLAN_SECONDS
        )

    def _begin_piece(self) -> None:
        self._parts = []
        self._piece_parts = min(2 * self._piece_parts, _PLAN_PARTS)
        self._unchanged = self._ignored = 0
        self._told: dict[str, int] = {}
        self._problems: list[ItemOutcome] = []
        self._outcome = Outcome()
        self._begun = time.monotonic()

    def _end_piece(self) -> Planned:
        self._end_part()
        outcome = self._outcome
        outcome.done = self._unchanged
        outcome.counts = {"unchanged": self._unchanged, "ignored": self._ignored, **self._told}
        outcome.items = self._problems
        planned = Planned(self._parts, outcome, self.cursor.spell(), is_held=self._mode.is_held)
        self._begin_piece()
        return planned
