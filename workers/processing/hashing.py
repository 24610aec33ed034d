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


class Hasher:
    """Hashes files one after the other in a buffer of its own. Not to be shared between threads.

    `check` is called between the megabytes of a file with the bytes read so far, and may raise to stop.
    """

    def __init__(self, tree: Tree, check: Callable[[int], None]) -> None:
        self._tree = tree
        self._check = check
        self._buffer = bytearray(_BUFFER_BYTES)

    def hash(self, path: bytes) -> HashedFile:
        """Hash one file; a file that changes meanwhile is read once more.

        Raises:
            OSError: when the file cannot be read, is gone, or changes again (`Changing`).
        """
        try:
            return self._hash_once(path)
        except Changing:
            return self._hash_once(path)

    def _hash_once(self, path: bytes) -> HashedFile:
        descriptor = self._tree.open_file(path)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise NotRegular("not a regular file any more")
            digest, head, size = self._read(descriptor, before.st_size)
            found = found_file(path, os.fstat(descriptor))
        finally:
            os.close(descriptor)
        if found != found_file(path, before) or size != found.size:
            raise Changing("it changes while it is read")
        return HashedFile(found, digest, head)

    def _read(self, descriptor: int, expected: int) -> tuple[str, bytes, int]:
        digest = hashlib.sha512()
        view = memoryview(self._buffer)
        size, head = 0, b""
        while count := os.readv(descriptor, [view]):
            if not size:
                head = bytes(view[: min(count, HEAD_BYTES)])
            digest.update(view[:count])
            size += count
            if size > expected:
                break  # it grows, perhaps faster than it can be read
            if count < _BUFFER_BYTES and size == expected:
                break  # spares small files the read that only tells the end
            self._check(size)
        return digest.hexdigest(), head, size
