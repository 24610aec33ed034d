"""`pools.verify`: find files and stored bytes that are not what they were when they were hashed.

Nothing is changed by it. A file that somebody has written to since the last scan is no damage: the next scan finds it.
"""

from __future__ import annotations

import errno
import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from models.errors import NotFound
from models.messages import VERIFY_POOL
from models.paths import decode_path, encode_path
from models.payloads import VerifyPool
from models.services.task_items import ItemOutcome
from models.services.task_parts import NewPart, Outcome
from models.services.verifying import (
    Expected,
    count_expected,
    find_pool,
    hashes_of,
    last_position,
    list_expected,
    record_chunks,
)
from models.stamps import unpack_version
from models.storage import blob_key
from models.unit_of_work import UnitOfWork
from workers.handlers.scan_guard import look_at
from workers.handling import Planned, Step
from workers.processing.chunks import ChunkFacts
from workers.processing.hashing import Changing
from workers.processing.pace import Pace
from workers.processing.pool_files import open_pool
from workers.processing.walking import FoundFile

_PAGE = 256
_CHUNK_BYTES = 1024**2
_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_WORDS = {
    "content-corrupt": ("FAILED", "The bytes are not those that were hashed, though size and time are"),
    "content-truncated": ("FAILED", "The end is missing"),
    "content-missing": ("FAILED", "The stored bytes are not there"),
    "file-unreadable": ("FAILED", "The file cannot be read"),
    "file-changed": ("SKIPPED", "The file was written to since the last scan"),
    "file-vanished": ("SKIPPED", "The file is not there"),
}
_COUNTERS = ("verified", *_WORDS)


@dataclass
class Verified:
    """What the files of a part turned out to be: codes by index, and none for those that are right."""

    codes: dict[int, str | None] = field(default_factory=dict)
    bytes_read: int = 0
    chunks: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Chunk hash and zero chunks of what is right, by SHA-512."""
    facts: ChunkFacts | None = None
    """Of the file at hand, if they are wanted."""

    def see(self, size: int) -> Callable[[bytes | memoryview], None]:
        """Begin with a file of that size."""
        self.facts = ChunkFacts(size)
        return self.facts.update

    def keep_facts(self, sha512: str) -> None:
        """Note what was found out about a file that is right."""
        if self.facts is not None:
            self.chunks[sha512] = self.facts.chunk_hash, self.facts.zero_chunks


class VerifyPoolHandler:
    """One part at a time, so that a pace is kept however many workers there are."""

    kind = VERIFY_POOL

    def plan(self, step: Step[VerifyPool]) -> Iterator[Planned]:
        """Yield a page of files as a part, from where the last run has ended, and around to there at most."""
        cursor = step.cursor or self._begin(step)
        while cursor["left"] > 0:
            with step.platform.unit_of_work() as uow:
                page = list_expected(uow, step.space_id, step.payload.pool_uuid, bytes.fromhex(cursor["after"]), _PAGE)
            if not page:
                if cursor["is_around"]:
                    break
                cursor = {**cursor, "after": "", "is_around": True}
                continue
            wanted = [each for each in page if each.asset_id or not each.version][: cursor["left"]]
            items = [self._item(cursor["index"] + offset, each) for offset, each in enumerate(wanted)]
            last = wanted[-1] if len(wanted) == cursor["left"] else page[-1]
            cursor = {
                **cursor, "after": last.name.hex(), "left": cursor["left"] - len(wanted),
                "index": cursor["index"] + len(wanted),
            }  # fmt: skip
            yield Planned([NewPart(items)] if items else [], Outcome(), cursor)

    def _begin(self, step: Step[VerifyPool]) -> dict[str, Any]:
        pool_id = step.payload.pool_uuid
        with step.platform.unit_of_work() as uow:
            count = count_expected(uow, step.space_id, pool_id)
            after = last_position(uow, step.space_id, pool_id)
        return {"after": after.hex(), "left": math.ceil(count * step.payload.share), "index": 0, "is_around": not after}

    def _item(self, index: int, expected: Expected) -> dict[str, Any]:
        if not expected.version:
            return {"index": index, "path": expected.name.hex()}
        known = unpack_version(expected.version)
        return {
            "index": index, "path": encode_path(expected.name), "asset": str(expected.asset_id), "size": known[2],
            "mtime": known[3],
        }  # fmt: skip

    def compute(self, step: Step[VerifyPool], items: list[dict[str, Any]]) -> Verified:
        """Read the files of a part."""
        verified = Verified()
        pace = Pace(step.payload.bytes_per_second, step.check)

        def note(size: int) -> None:
            pace.keep(verified.bytes_read + size)
            step.report(items=len(verified.codes), size_bytes=verified.bytes_read + size)

        looking = self._look_at_files if step.payload.pool_uuid else self._look_at_store
        look = looking(step, items, note, verified)
        for item in items:
            step.check()
            code, size = look(item)
            verified.codes[item["index"]] = code
            verified.bytes_read += size
            note(0)
        return verified

    def _look_at_files(
        self, step: Step[VerifyPool], items: list[dict[str, Any]], note: Callable[[int], None], verified: Verified
    ) -> Callable[[dict[str, Any]], tuple[str | None, int]]:
        assert step.payload.pool_uuid is not None
        with step.platform.unit_of_work() as uow:
            pool = find_pool(uow, step.payload.pool_uuid)
            hashes = hashes_of(uow, [UUID(item["asset"]) for item in items])
        root = look_at(decode_path(pool.fs_path), pool.rules)
        see = verified.see if step.payload.chunks else None

        def look(item: dict[str, Any]) -> tuple[str | None, int]:
            with open_pool(root.path, note) as files:
                try:
                    found, sha512, _ = files.hash(decode_path(item["path"]), see)
                except Changing:
                    return "file-changed", 0
                except OSError as error:
                    return "file-vanished" if error.errno in _VANISHED else "file-unreadable", 0
            is_right = sha512 == hashes.get(UUID(item["asset"]))
            if is_right:
                verified.keep_facts(sha512)
            return _judge(item, found, is_right=is_right), found.size

        return look

    def _look_at_store(
        self, step: Step[VerifyPool], _: list[dict[str, Any]], note: Callable[[int], None], verified: Verified
    ) -> Callable[[dict[str, Any]], tuple[str | None, int]]:
        def look(item: dict[str, Any]) -> tuple[str | None, int]:
            try:
                reader = step.platform.blobs.read(blob_key(item["path"]))
            except NotFound:
                return "content-missing", 0
            running, size = hashlib.sha512(), 0
            show = verified.see(step.platform.blobs.size(blob_key(item["path"])) or 0) if step.payload.chunks else None
            try:
                while chunk := reader.read(_CHUNK_BYTES):
                    running.update(chunk)
                    if show:
                        show(chunk)
                    size += len(chunk)
                    note(size)
            finally:
                reader.close()
            if running.hexdigest() != item["path"]:
                return "content-corrupt", size
            verified.keep_facts(item["path"])
            return None, size

        return look

    def apply(self, uow: UnitOfWork, step: Step[VerifyPool], verified: Verified) -> Outcome:
        """Report what is not right, and note what is wanted of the rest."""
        record_chunks(uow, step.space_id, step.creator_id, verified.chunks)
        outcome = Outcome(bytes_done=verified.bytes_read)
        items = {item["index"]: item for item in step.claim.payload["items"]}
        outcome.items = [_outcome(items[index], code) for index, code in verified.codes.items() if code is not None]
        outcome.failed = sum(item.state == "FAILED" for item in outcome.items)
        outcome.skipped = len(outcome.items) - outcome.failed
        outcome.done = len(verified.codes) - len(outcome.items)
        outcome.counts = {"verified": outcome.done}
        for item in outcome.items:
            outcome.counts[str(item.code)] = outcome.counts.get(str(item.code), 0) + 1
        return outcome

    def finish(self, uow: UnitOfWork, step: Step[VerifyPool]) -> dict[str, Any]:
        """Report, and say where the next run goes on."""
        counts = {name: step.counts.get(name, 0) for name in _COUNTERS}
        return {**counts, "next": (step.cursor or {}).get("after", "")}


def _judge(item: dict[str, Any], found: FoundFile, *, is_right: bool) -> str | None:
    if is_right:
        return None
    if found.mtime_ns != item["mtime"] or found.size > item["size"]:
        return "file-changed"
    return "content-truncated" if found.size < item["size"] else "content-corrupt"


def _outcome(item: dict[str, Any], code: str) -> ItemOutcome:
    state, message = _WORDS[code]
    asset_id = UUID(item["asset"]) if "asset" in item else None
    return ItemOutcome(item["index"], item["path"], state, code, message, asset_id, item)
