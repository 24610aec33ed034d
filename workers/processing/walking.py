"""Walking a tree in the bytewise order of its relative paths, from any place on, in memory bounded by one directory.

Sorting the names of each directory, with `/` added to those of directories, yields exactly the order in which
PostgreSQL sorts the paths as bytes; so a scan can merge the walk with the catalogue in one pass.

Files come as runs of stamps (`models.stamps`): most are compared by the hundred and never looked at singly.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import NamedTuple, Protocol

from models.stamps import pack_found, packed_version_of, path_of, unpack_version
from models.tree import Tree

# Above this length the kernel may refuse a path (PATH_MAX is 4096 with its end); then directories are entered
# one component at a time, which is slower.
_LONG_PATH = 3800
_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_SIGN, _WRAP = 1 << 63, 1 << 64
_SLASH = ord("/")
_RUN = 512


class FoundFile(NamedTuple):
    """A regular file as the walk met it. Device and inode are signed, as the catalogue keeps them."""

    path: bytes
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def stamp(self) -> bytes:
        """All of it in one value."""
        _, device, inode, size, mtime_ns, ctime_ns = self
        return self.path + pack_found(device % _WRAP, inode % _WRAP, size, mtime_ns, ctime_ns, 0)


def read_stamp(stamp: bytes) -> FoundFile:
    """Give the file that a walk has met."""
    return FoundFile(path_of(stamp), *unpack_version(packed_version_of(stamp)))


FileRun = list[bytes]
"""Stamps of files that follow each other, in order."""


class UnreadableDirectory(NamedTuple):
    """A directory that could not be listed: nothing is known of what lies below `path` (which ends in `/`)."""

    path: bytes
    reason: str


class _Entry(Protocol):
    """What the walk asks of an `os.DirEntry`."""

    def stat(self, *, follow_symlinks: bool) -> os.stat_result: ...


class _Looked(NamedTuple):
    """An entry whose status is known already."""

    status: os.stat_result

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        del follow_symlinks
        return self.status


_Child = tuple[bytes, _Entry]
"""The name, with `/` at its end for a directory, and what can be asked."""


def walk(
    root: bytes, after: bytes = b"", below: bytes = b"", takes: Callable[[bytes], bool] | None = None
) -> Iterator[FileRun | UnreadableDirectory]:
    """Yield the regular files below `root` whose path sorts after `after`; symbolic links are not followed.

    `below` is a folder to keep to, relative to the root and with `/` at its end; `takes` tells which paths are wanted.

    Raises:
        OSError: when the root itself, or that folder, cannot be listed.
    """
    if below:
        _require_folder(root, below)
    stack = [(below, iter(_list(root, below)))]
    while stack:
        prefix, children = stack[-1]
        run, folder = _take_run(prefix, children, after, takes)
        if run:
            yield run
        elif folder is None:
            stack.pop()
        if folder is not None:
            try:
                stack.append((folder, iter(_list(root, folder))))
            except OSError as error:
                if error.errno not in _VANISHED:
                    yield UnreadableDirectory(folder, os.strerror(error.errno or 0))


def _take_run(
    prefix: bytes, children: Iterator[_Child], after: bytes, takes: Callable[[bytes], bool] | None
) -> tuple[FileRun, bytes | None]:
    """Look at the next files of a directory; gives the folder that comes behind them, if one does."""
    run: FileRun = []
    for key, entry in children:
        path = prefix + key
        is_folder = key[-1] == _SLASH
        if path <= after and not (is_folder and after.startswith(path)):
            continue
        if takes is not None and not takes(path):
            continue
        if is_folder:
            return run, path
        if stamp := _look(path, entry):
            run.append(stamp)
            if len(run) == _RUN:
                break
    return run, None


def _require_folder(root: bytes, folder: bytes) -> None:
    """Refuse a folder to which a symbolic link leads.

    Raises:
        OSError: as `walk` does.
    """
    with Tree(root) as tree:
        os.close(tree.open_directory(folder.rstrip(b"/")))


def _look(path: bytes, entry: _Entry) -> bytes | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return path + pack_found(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, 0)


def found_file(path: bytes, status: os.stat_result) -> FoundFile:
    """Put what identifies a file version into the catalogue's terms."""
    return FoundFile(
        path, signed(status.st_dev), signed(status.st_ino), status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


def signed(number: int) -> int:
    """Give an unsigned number of 64 bits as the signed one with the same bits, which a column can hold."""
    return number if number < _SIGN else number - 2 * _SIGN


def _list(root: bytes, path: bytes) -> list[_Child]:
    place = os.path.join(root, path)
    children = _list_long(root, path) if len(place) > _LONG_PATH else _list_short(place)
    children.sort(key=itemgetter(0))
    _require_searchable(children)
    return children


def _require_searchable(children: list[_Child]) -> None:
    """Refuse a directory that gives its names and nothing more: else its files would seem to be gone.

    Raises:
        PermissionError: when it does.
    """
    entry = next((entry for key, entry in children if not key.endswith(b"/")), None)
    if entry is not None:
        try:
            entry.stat(follow_symlinks=False)  # asked for later anyway, and remembered
        except PermissionError:
            raise
        except OSError:
            return


def _list_short(place: bytes) -> list[_Child]:
    with os.scandir(place) as entries:
        return [(entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name, entry) for entry in entries]


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
    return name + b"/" if stat.S_ISDIR(status.st_mode) else name, _Looked(status)
