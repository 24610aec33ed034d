"""Whether the files of an index are still those that tantivy wrote.

Tantivy maps its files into memory and trusts them: damage shows as wrong answers, a panic, or the death of the
process (a shortened file). So the writer looks at them itself, in full when it opens them and by their metadata after.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from models.search.port import IndexBroken

_EXTENSIONS = ("term", "idx", "pos", "fieldnorm", "fast", "store")
_TAIL = struct.Struct("<II")
_FOOTER_MAGIC = 1337
_LONGEST_FOOTER = 4096
_CHUNK = 1 << 20
_SEGMENT = re.compile("[0-9a-f]{32}")
_TRIES = 5


class Stamp(NamedTuple):
    """What changes when somebody else writes to a file. Files of segments never change."""

    inode: int
    size: int
    mtime_ns: int


class Watch:
    """Watches the files of one tantivy directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, Stamp] = {}

    def verify(self) -> None:
        """Read every file and compare its checksum with the one that tantivy wrote at its end.

        Raises:
            IndexBroken: naming what is wrong.
        """
        self.check()
        for name in self._seen:
            _verify(self._folder / name)

    def check(self) -> None:
        """Look whether all files are there and nobody touched them.

        Raises:
            IndexBroken: naming what is wrong.
        """
        for attempt in range(_TRIES):
            names = self._names()
            try:
                found = {name: _stamp(self._folder / name) for name in names}
            except OSError as error:
                # A merge may have ended between the list and the look: then the list has changed.
                if attempt + 1 < _TRIES and self._names() != names:
                    continue
                raise IndexBroken(f"A file of the text index is gone: {error.filename}") from error
            self._compare(found)
            return

    def count(self) -> tuple[int, int]:
        """Count the documents that there are, and those that were removed but still take room.

        Raises:
            IndexBroken: when that cannot be known.
        """
        segments = self._segments()
        removed = sum((segment.get("deletes") or {}).get("num_deleted_docs", 0) for segment in segments)
        return sum(segment["max_doc"] for segment in segments) - removed, removed

    def remove_strays(self) -> None:
        """Remove files of segments that are not in the list: only for who alone writes, and before it does.

        Readers that have them open keep them.
        """
        with suppress(IndexBroken):  # a new index has no list yet
            kept = {name.partition(".")[0] for name in self._names()}
            for path in self._folder.iterdir():
                stem = path.name.partition(".")[0]
                if _SEGMENT.fullmatch(stem) and stem not in kept:
                    path.unlink(missing_ok=True)

    def _compare(self, found: dict[str, Stamp]) -> None:
        for name, stamp in found.items():
            if self._seen.get(name, stamp) != stamp:
                raise IndexBroken(f"A file of the text index was changed: {name}")
        self._seen = found

    def _names(self) -> list[str]:
        return [name for segment in self._segments() for name in _file_names(segment)]

    def _segments(self) -> list[dict[str, Any]]:
        try:
            segments: list[dict[str, Any]] = json.loads((self._folder / "meta.json").read_bytes())["segments"]
            for segment in segments:
                _file_names(segment)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexBroken("The list of segments cannot be read") from error
        return segments


def _file_names(segment: dict[str, Any]) -> list[str]:
    stem = segment["segment_id"].replace("-", "")
    names = [f"{stem}.{extension}" for extension in _EXTENSIONS]
    if segment.get("deletes"):
        names.append(f"{stem}.{segment['deletes']['opstamp']}.del")
    return names


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def _verify(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            expected, actual = _checksums(stream)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise IndexBroken(f"A file of the text index cannot be read: {path.name}") from error
    if actual != expected:
        raise IndexBroken(f"A file of the text index is damaged: {path.name}")


def _checksums(stream: BinaryIO) -> tuple[int, int]:
    """Give the noted and the actual checksum of a file.

    Source: tantivy's `directory/footer.rs`: body, JSON with `crc`, its length, 1337.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL.size))
    length, magic = _TAIL.unpack(stream.read())
    left = size - _TAIL.size - length
    if magic != _FOOTER_MAGIC or length > _LONGEST_FOOTER or left < 0:
        raise ValueError("no footer")
    stream.seek(left)
    expected = int(json.loads(stream.read(length))["crc"])
    stream.seek(0)
    actual = 0
    while left and (chunk := stream.read(min(left, _CHUNK))):
        actual, left = zlib.crc32(chunk, actual), left - len(chunk)
    return expected, actual
