"""SHA-512 in one pass over the bytes, with a proof that the file was the same from the first byte to the last."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from models.tree import Tree
from workers.processing.walking import FoundFile, found_file

HEAD_BYTES = 4096
"""How much of a file the recognition of its type looks at."""
_BUFFER_BYTES = 1 << 20


class HashedFile(NamedTuple):
    """A file version with the hash of exactly its bytes."""

    found: FoundFile
    sha512: str
    head: bytes


class NotRegular(OSError):
    """What was a file is now something else."""


class Changing(OSError):
    """The file was written to while it was read."""


See = Callable[[int], Callable[[memoryview], None]]
"""Given the size of a file, gives what is to be shown its bytes, from the first on."""


class Hasher:
    """Hashes files one after the other in a buffer of its own. Not to be shared between threads.

    `check` is called between the megabytes of a file with the bytes read so far, and may raise to stop.
    """

    def __init__(self, tree: Tree, check: Callable[[int], None]) -> None:
        self._tree = tree
        self._check = check
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    def hash(self, path: bytes, see: See | None = None) -> HashedFile:
        """Hash one file; a file that changes meanwhile is read once more. `see` is shown all bytes as well.

        Raises:
            OSError: when the file cannot be read, is gone, or changes again (`Changing`).
        """
        try:
            return self._hash_once(path, see)
        except Changing:
            return self._hash_once(path, see)

    def _hash_once(self, path: bytes, see: See | None) -> HashedFile:
        descriptor = self._tree.open_file(path)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise NotRegular("not a regular file any more")
            digest, head, size = self._read(descriptor, before.st_size, see(before.st_size) if see else None)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        # Device and inode are those of the open file, and cannot change.
        if (
            size != after.st_size
            or size != before.st_size
            or before.st_mtime_ns != after.st_mtime_ns
            or before.st_ctime_ns != after.st_ctime_ns
        ):
            raise Changing("it changes while it is read")
        return HashedFile(found_file(path, after), digest, head)

    def _read(
        self, descriptor: int, expected: int, show: Callable[[memoryview], None] | None
    ) -> tuple[str, bytes, int]:  # fmt: skip
        buffer = self._buffer
        size = count = os.readv(descriptor, [buffer])
        digest = hashlib.sha512(buffer[:size])
        head = bytes(buffer[: min(size, HEAD_BYTES)])
        if show:
            show(buffer[:size])
        # Beyond what was expected it grows, perhaps faster than it can be read. An incomplete read that reaches the
        # expected size was the last: that spares small files the read that only tells the end.
        while count and (size < expected or (size == expected and count == _BUFFER_BYTES)):
            self._check(size)
            count = os.readv(descriptor, [buffer])
            digest.update(buffer[:count])
            if show:
                show(buffer[:count])
            size += count
        return digest.hexdigest(), head, size
