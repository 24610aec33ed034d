"""Files of this machine on their way to a server: found, opened, hashed, read in blocks."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import BinaryIO

from compose.client.exits import Interrupted
from models.errors import InvalidInput

_BLOCK_BYTES = 256 * 1024

Advance = Callable[[int], None]
"""Told of each number of bytes that has been dealt with; a negative one takes some of that back."""


class Stop:
    """Asks threads to end between two blocks."""

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Ask."""
        self._event.set()

    def check(self) -> None:
        """End here if that was asked for.

        Raises:
            Interrupted: if so.
        """
        if self._event.is_set():
            raise Interrupted

    def wait(self, seconds: float) -> None:
        """Sleep, unless asked to end; raises as `check`."""
        self._event.wait(seconds)
        self.check()


def find_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Give the files that are named, and those below the folders that are, in the order of their names.

    Links in folders are passed over: they may lead anywhere, and in circles.
    """
    for path in paths:
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(root, name)
            if stat.S_ISREG(file.lstat().st_mode):
                yield file


def open_file(file: Path) -> BinaryIO:
    """Open a regular file; a pipe or device would have no size to tell, and could block for ever.

    Raises:
        InvalidInput: if it is none, or cannot be read.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidInput(error.strerror) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInput("This is not a file")
    return os.fdopen(descriptor, "rb")


def size_of(stream: BinaryIO) -> int:
    """Tell how large an open file is."""
    return os.fstat(stream.fileno()).st_size


def hash_file(file: Path, stop: Stop) -> str:
    """Give the SHA-512 of a file; raises as `open_file`."""
    hasher = hashlib.sha512()
    with open_file(file) as stream:
        for block in iter(lambda: stream.read(4 * _BLOCK_BYTES), b""):
            stop.check()
            hasher.update(block)
    return hasher.hexdigest()


def blocks(stream: BinaryIO, size: int, advance: Advance, stop: Stop) -> Iterator[bytes]:
    """Give exactly the bytes that were promised, even if the file grows meanwhile.

    Raises:
        InvalidInput: if it shrinks.
        Interrupted: when `stop` is set.
    """
    left = size
    while left and (block := stream.read(min(left, _BLOCK_BYTES))):
        stop.check()
        left -= len(block)
        yield block
        advance(len(block))
    if left:
        raise InvalidInput("The file became shorter while it was being sent")
