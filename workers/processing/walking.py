"""Walking a tree in the bytewise order of its relative paths, from any place on, in memory bounded by one directory.

Sorting the names of each directory, with `/` added to those of directories, yields exactly the order in which
PostgreSQL sorts the paths as bytes; so a scan can merge the walk with the catalogue in one pass.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from models.tree import Tree

# Above this length the kernel may refuse a path (PATH_MAX is 4096 with its end); then directories are entered
# one component at a time, which is slower.
_LONG_PATH = 3800
_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_SIGN = 1 << 63


class FoundFile(NamedTuple):
    """A regular file as the walk met it. Device and inode are signed, as the catalogue keeps them."""

    path: bytes
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class UnreadableDirectory(NamedTuple):
    """A directory that could not be listed: nothing is known of what lies below `path` (which ends in `/`)."""

    path: bytes
    reason: str


class _Child(NamedTuple):
    key: bytes
    """The name, with `/` at its end for a directory."""
    stat: Callable[[], os.stat_result]


def walk(root: bytes, after: bytes = b"") -> Iterator[FoundFile | UnreadableDirectory]:
    """Yield the regular files below `root` whose path sorts after `after`; symbolic links are not followed.

    Raises:
        OSError: when the root itself cannot be listed.
    """
    stack = [(b"", iter(_list(root, b"")))]
    while stack:
        prefix, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            continue
        path = prefix + child.key
        if path <= after and not (child.key.endswith(b"/") and after.startswith(path)):
            continue
        if not child.key.endswith(b"/"):
            found = _look(path, child)
            if found:
                yield found
            continue
        try:
            stack.append((path, iter(_list(root, path))))
        except OSError as error:
            if error.errno not in _VANISHED:
                yield UnreadableDirectory(path, os.strerror(error.errno or 0))


def _look(path: bytes, child: _Child) -> FoundFile | None:
    try:
        status = child.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return found_file(path, status)


def found_file(path: bytes, status: os.stat_result) -> FoundFile:
    """Put what identifies a file version into the catalogue's terms."""
    device, inode = status.st_dev, status.st_ino
    return FoundFile(
        path,
        device if device < _SIGN else device - 2 * _SIGN,
        inode if inode < _SIGN else inode - 2 * _SIGN,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _list(root: bytes, path: bytes) -> list[_Child]:
    place = os.path.join(root, path)
    children = _list_long(root, path) if len(place) > _LONG_PATH else _list_short(place)
    children.sort(key=_key)
    return children


def _key(child: _Child) -> bytes:
    return child.key


def _list_short(place: bytes) -> list[_Child]:
    with os.scandir(place) as entries:
        return [
            _Child(entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name, _status_of(entry))
            for entry in entries
        ]


def _status_of(entry: os.DirEntry[bytes]) -> Callable[[], os.stat_result]:
    return lambda: entry.stat(follow_symlinks=False)


def _list_long(root: bytes, path: bytes) -> list[_Child]:
    with Tree(root) as tree:
        descriptor = tree.open_directory(path.rstrip(b"/"))
    try:
        return [child for name in os.listdir(descriptor) if (child := _child_at(descriptor, os.fsencode(name)))]
    finally:
        os.close(descriptor)


def _child_at(descriptor: int, name: bytes) -> _Child | None:
    try:
        status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return _Child(name + b"/" if stat.S_ISDIR(status.st_mode) else name, lambda: status)
