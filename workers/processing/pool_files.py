"""The files of a pool, wherever they are: a folder of this machine, or a bucket."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from models.errors import NotFound, Unavailable
from models.storage.buckets import Bucket, BucketObject, is_bucket
from models.storage.object_reader import ObjectChanged
from models.tree import Tree
from workers.processing.hashing import HEAD_BYTES, Changing, HashedFile, Hasher, See
from workers.processing.walking import FileRun, FoundFile, UnreadableDirectory, walk

_BUFFER_BYTES = 1024**2

Check = Callable[[int], None]
"""Called between the megabytes of a file with the bytes read so far; may raise to stop."""


class PoolFiles(Protocol):
    """Files by their path below the root. Not to be shared between threads."""

    def has(self, path: bytes) -> bool:
        """Whether there is such a file.

        Raises:
            OSError: when that cannot be told.
        """

    def hash(self, path: bytes, see: See | None = None) -> HashedFile:
        """Hash one file, which must be the same from its first byte to its last; `see` is shown all bytes as well.

        Raises:
            OSError: when it cannot be read, is gone, or changes meanwhile (`Changing`).
        """


def walk_pool(
    root: bytes, after: bytes, below: bytes, takes: Callable[[bytes], bool] | None
) -> Iterator[FileRun | UnreadableDirectory]:  # fmt: skip
    """Yield the files below a root as `walk` does, from a folder or a bucket."""
    if not is_bucket(root):
        return walk(root, after, below, takes)
    found = Bucket(root.decode()).list(after.decode("utf-8", "replace"), below.decode("utf-8", "replace"))
    return ([_found(each).stamp] for each in found if takes is None or _is_taken(each.key.encode(), takes))


def _is_taken(path: bytes, takes: Callable[[bytes], bool]) -> bool:
    """Ask of the folders of a path as well, as a walk does on its way."""
    slash = path.find(b"/")
    while slash >= 0:
        if not takes(path[: slash + 1]):
            return False
        slash = path.find(b"/", slash + 1)
    return takes(path)


def _found(each: BucketObject) -> FoundFile:
    """Put what identifies an object into the catalogue's terms: its ETag stands where files have device and inode."""
    return FoundFile(each.key.encode(), *each.version, each.size, 0, 0)


@contextmanager
def open_pool(root: bytes, check: Check) -> Iterator[PoolFiles]:
    """Open the files below a root."""
    if is_bucket(root):
        yield BucketFiles(Bucket(root.decode()), check)
        return
    with Tree(root) as tree:
        yield FolderFiles(tree, check)


class FolderFiles:
    """Files of a folder."""

    def __init__(self, tree: Tree, check: Check) -> None:
        self._hasher = Hasher(tree, check)
        self.has = tree.has

    def hash(self, path: bytes, see: See | None = None) -> HashedFile:
        """Hash one file."""
        return self._hasher.hash(path, see)


class BucketFiles:
    """Objects of a bucket."""

    def __init__(self, bucket: Bucket, check: Check) -> None:
        self._bucket, self._check = bucket, check

    def has(self, path: bytes) -> bool:
        """Whether there is such an object."""
        return self._bucket.find(path.decode()) is not None

    def hash(self, path: bytes, see: See | None = None) -> HashedFile:
        """Stream one object; what is replaced meanwhile is read once more."""
        try:
            return self._hash_once(path, see)
        except Changing:
            return self._hash_once(path, see)

    def _hash_once(self, path: bytes, see: See | None) -> HashedFile:
        found = self._bucket.find(path.decode())
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such object")
        digest, head, size = hashlib.sha512(), b"", 0
        show = see(found.size) if see else None
        reader = self._bucket.open(found)
        try:
            while chunk := reader.read(_BUFFER_BYTES):
                digest.update(chunk)
                if show:
                    show(memoryview(chunk))
                head += chunk[: max(0, HEAD_BYTES - len(head))]
                size += len(chunk)
                self._check(size)
        except (NotFound, ObjectChanged) as error:
            raise Changing("it was replaced while it was read") from error
        except Unavailable as error:
            raise OSError(errno.EIO, "the bucket cannot be read") from error
        finally:
            reader.close()
        return HashedFile(_found(found), digest.hexdigest(), head)
