"""One part of a pool scan: hash the files, then write assets, locations and events in a few statements."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from models.paths import decode_path, display_name
from models.payloads import ScanPool
from models.services.task_items import ItemOutcome
from workers.handlers.scan_guard import Root
from workers.handling import Step
from workers.processing.hashing import Changing
from workers.processing.pool_files import PoolFiles, open_pool
from workers.processing.sniffing import sniff_mime
from workers.processing.walking import FoundFile

# A link in the place of a file or folder counts as gone: the scan does not follow links.
_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class NewContent(NamedTuple):
    """A file that was hashed, without its head: a part holds many.

    `was` is NEW, CHANGED or RETURNED, `asset_id` what stood at its path before.
    """

    was: str
    found: FoundFile
    sha512: str
    mime_type: str
    filename: str
    asset_id: UUID | None


@dataclass
class ScannedPart:
    """What the files of a part turned out to be."""

    root: Root
    contents: list[NewContent] = field(default_factory=list)
    gone: list[dict[str, Any]] = field(default_factory=list)
    back: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[ItemOutcome] = field(default_factory=list)
    unneeded: int = 0
    """Files that were gone when the plan was made and are there again: the next scan looks at them."""


def scan_files(step: Step[ScanPool], root: Root, items: Sequence[dict[str, Any]]) -> ScannedPart:
    """Look at every item of a part; trouble with one is its own outcome."""
    part = ScannedPart(root)
    hashed_bytes = 0
    with open_pool(root.path, lambda read: _go_on(step, len(part.contents), hashed_bytes + read)) as files:
        for item in items:
            step.check()
            path = decode_path(item["path"])
            try:
                _scan_file(part, files, item, path)
            except OSError as error:
                part.outcomes.append(_trouble(item, error))
            hashed_bytes += item.get("size", 0)
    return part


def _go_on(step: Step[ScanPool], files: int, size_bytes: int) -> None:
    step.check()
    step.report(items=files, size_bytes=size_bytes)


def _scan_file(part: ScannedPart, files: PoolFiles, item: dict[str, Any], path: bytes) -> None:
    if item["was"] == "GONE":
        if not files.has(path):
            part.gone.append(item)
        else:
            part.unneeded += 1
    elif item["was"] == "BACK":
        part.back.append(item)
    else:
        found, sha512, head = files.hash(path)
        filename = display_name(path)
        asset_id = UUID(item["asset"]) if "asset" in item else None
        part.contents.append(NewContent(item["was"], found, sha512, sniff_mime(head, filename), filename, asset_id))


def _trouble(item: dict[str, Any], error: OSError) -> ItemOutcome:
    if error.errno in _VANISHED:
        state, code, message = "SKIPPED", "file-vanished", "The file was gone before it could be read"
    elif isinstance(error, Changing):
        state, code, message = "FAILED", "file-changing", "The file was written to while it was read, twice"
    else:
        reason = os.strerror(error.errno) if error.errno else str(error)
        state, code, message = "FAILED", "file-unreadable", f"The file cannot be read: {reason}"
    return ItemOutcome(item["index"], item["path"], state, code, message, input=item)
