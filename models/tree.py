"""Reaching files below a root that somebody else may be changing.

Each component is opened relative to its parent and never through a symbolic link, so no name in the tree can lead
out of it, and a path may be longer than the kernel accepts in one call.
"""

from __future__ import annotations

import errno
import os
import stat
from types import TracebackType
from typing import Self

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, a file that was swapped for a pipe would hold the worker for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Tree:
    """A directory and what lies below it. Keeps the last parent open: neighbours are asked for in sequence."""

    def __init__(self, root: bytes) -> None:
        self._root = _open_root(root)
        self._parent_path = b""
        self._parent = self._root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget_parent()
        os.close(self._root)

    def open_file(self, path: bytes) -> int:
        """Open a file for reading; the caller closes it and checks that it is a regular one."""
        directory, _, name = path.rpartition(b"/")
        return os.open(name, _FILE, dir_fd=self._enter(directory))

    def open_directory(self, path: bytes) -> int:
        """Open a directory; the caller closes it."""
        descriptor = os.dup(self._root)
        try:
            for name in path.split(b"/") if path else ():
                deeper = os.open(name, _DIRECTORY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = deeper
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def stat(self, path: bytes) -> os.stat_result | None:
        """Look at a file without opening it; None when it, or a directory on its way, does not exist."""
        directory, _, name = path.rpartition(b"/")
        try:
            return os.stat(name, dir_fd=self._enter(directory), follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def has(self, path: bytes) -> bool:
        """Whether a scan would find a file of exactly this name: where case does not matter, it may open another."""
        status = self.stat(path)
        if status is None or not stat.S_ISREG(status.st_mode):
            return False
        directory, _, name = path.rpartition(b"/")
        return os.fsdecode(name) in os.listdir(self._enter(directory))

    def _enter(self, directory: bytes) -> int:
        if directory != self._parent_path:
            self._forget_parent()
            if directory:
                self._parent = self.open_directory(directory)
                self._parent_path = directory
        return self._parent

    def _forget_parent(self) -> None:
        if self._parent != self._root:
            os.close(self._parent)
        self._parent, self._parent_path = self._root, b""


def leads_elsewhere(root: bytes) -> bool:
    """Tell whether a root that was resolved once (`models.services.pools`) is, or lies below, a symbolic link now."""
    return os.path.realpath(root) != os.path.normpath(root)


def _open_root(root: bytes) -> int:
    descriptor = os.open(root, _DIRECTORY)
    if leads_elsewhere(root):
        os.close(descriptor)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), root)
    return descriptor


def open_beneath(root: bytes, relative: bytes) -> int:
    """Open a regular file below a folder for reading; the caller owns the descriptor.

    Raises:
        OSError: when the path is not one below the root, names no regular file, or cannot be opened.
    """
    if b"\x00" in root + relative or set(relative.split(b"/")) & {b"", b".", b".."}:
        raise OSError(errno.EINVAL, "Not a path below the root", relative)
    with Tree(root) as tree:
        descriptor = tree.open_file(relative)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "Not a regular file", relative)
    return descriptor
