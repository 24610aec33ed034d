"""Moving a file below a root, or to another, so that at every moment its bytes lie whole in one place at least.

On one file system the file gets a second name and then loses the first; a name that is taken is never written over.
Else it is copied beside its new name, forced to disk, read back and held against its hash before it gets the name; only
then may the original go, if it still is the file that was copied. Whoever does it again after an interruption finds
what was done, and goes on from there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from models.tree import Tree

_BUFFER_BYTES = 1024**2
_MOST_SUFFIXES = 1000
_DRAFT = b".loom-move-"
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What file systems say that know no second names."""


class MoveRefused(Exception):
    """Nothing was changed; says why."""


class Taken(MoveRefused):
    """Something else has the new name."""


class Elsewhere(MoveRefused):
    """It would have to be copied, which is not asked for."""


class Flag(StrEnum):
    """What was done."""

    MOVED = "MOVED"
    COPIED = "COPIED"
    ALREADY_THERE = "ALREADY_THERE"


@dataclass(frozen=True)
class Spot:
    """A path below a root."""

    root: bytes
    path: bytes


@dataclass(frozen=True)
class Moving:
    """What is to be moved. `at` is told of each step, before it is done."""

    source: Spot
    target: Spot
    sha512: str
    size: int
    mtime_ns: int
    may_copy: bool = False
    keeps_source: bool = False
    """Of a copy: the original stays."""
    at: Callable[[str], None] = lambda _step: None


def move(moving: Moving) -> tuple[Flag, os.stat_result]:
    """Move the file; gives what was done, and the status of the file in its new place.

    Raises:
        Taken: when something else has the name.
        MoveRefused: when it cannot be done; nothing was changed.
        OSError: when the disk fails; what was there is there.
    """
    with ExitStack() as stack:
        folder, name = stack.enter_context(_folder_of(moving.target, is_made=True))
        found = _status(folder, name)
        source = stack.enter_context(_source(moving))
        if found is not None:
            return _settle(moving, source, folder, name, found)
        if source is None:
            raise MoveRefused("The file is not where the catalogue has it, or has changed since the last scan")
        if os.fstat(source[0]).st_dev == os.fstat(folder).st_dev and not moving.keeps_source:
            linked = _link(moving, source, folder, name)
            if linked is not None:
                return Flag.MOVED, linked
        if not moving.may_copy:
            raise Elsewhere("It lies on another file system, and copies are not asked for")
        return _copy(moving, source, folder, name)


def suffixed(path: bytes) -> Iterator[bytes]:
    """Yield names that may be tried instead of one that is taken: it, and it with a number."""
    yield path
    head, slash, name = path.rpartition(b"/")
    stem, dot, suffix = name.rpartition(b".") if b"." in name[1:] else (name, b"", b"")
    for number in range(1, _MOST_SUFFIXES):
        yield head + slash + stem + f"-{number}".encode() + dot + suffix


@contextmanager
def _folder_of(spot: Spot, *, is_made: bool) -> Iterator[tuple[int, bytes]]:
    """Open the folder of a path, never through a symbolic link; gives it and the last name."""
    folder, _, name = spot.path.rpartition(b"/")
    with Tree(spot.root) as tree:
        descriptor = tree.open_directory(b"")
        try:
            for part in folder.split(b"/") if folder else ():
                deeper = _enter(descriptor, part, is_made=is_made)
                os.close(descriptor)
                descriptor = deeper
            yield descriptor, name
        finally:
            os.close(descriptor)


def _enter(folder: int, name: bytes, *, is_made: bool) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    if is_made:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
            os.fsync(folder)
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            raise MoveRefused(f"'{os.fsdecode(name)}' on the way is no folder") from None
        raise


_Source = tuple[int, bytes, os.stat_result]
"""The folder, the name in it, and the status of the file that the catalogue knows."""


@contextmanager
def _source(moving: Moving) -> Iterator[_Source | None]:
    """Give the file that is to be moved; None when it is not there, or is another one."""
    with ExitStack() as stack:
        try:
            folder, name = stack.enter_context(_folder_of(moving.source, is_made=False))
        except FileNotFoundError:
            yield None
            return
        found = _status(folder, name)
        is_known = found is not None and (found.st_size, found.st_mtime_ns) == (moving.size, moving.mtime_ns)
        yield (folder, name, found) if found is not None and is_known else None


def _status(folder: int, name: bytes) -> os.stat_result | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise Taken("Something that is no file has the new name")
    return found


def _settle(
    moving: Moving, source: _Source | None, folder: int, name: bytes, found: os.stat_result
) -> tuple[Flag, os.stat_result]:
    """The name is there: by this very file, of an earlier attempt, or it is taken."""
    if source is not None and (found.st_dev, found.st_ino) == (source[2].st_dev, source[2].st_ino):
        if (moving.source.root, moving.source.path) == (moving.target.root, moving.target.path):
            return Flag.ALREADY_THERE, found
        _remove_source(moving, source)
        return Flag.MOVED, os.stat(name, dir_fd=folder, follow_symlinks=False)
    if found.st_size != moving.size or _hash(folder, name) != moving.sha512:
        raise Taken("Another file has the new name")
    if source is not None and not moving.keeps_source:
        _remove_source(moving, source)
    return Flag.ALREADY_THERE, found


def _link(moving: Moving, source: _Source, folder: int, name: bytes) -> os.stat_result | None:
    """Give the file its new name and take the old one; None where that is not to be had."""
    moving.at("link")
    try:
        os.link(source[1], name, src_dir_fd=source[0], dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise Taken("Another file has the new name") from None
    except OSError as error:
        if error.errno in _NO_LINKS or error.errno == errno.EXDEV:
            return None
        raise
    moving.at("sync the new name")
    os.fsync(folder)
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if (found.st_dev, found.st_ino) != (source[2].st_dev, source[2].st_ino):
        os.unlink(name, dir_fd=folder)  # somebody put another file into the old place just now: theirs stays there
        raise MoveRefused("The file was replaced meanwhile")
    _remove_source(moving, source)
    return os.stat(name, dir_fd=folder, follow_symlinks=False)  # with the time of the last change as it is now


def _copy(moving: Moving, source: _Source, folder: int, name: bytes) -> tuple[Flag, os.stat_result]:
    draft = _DRAFT + hashlib.sha256(name).hexdigest()[:24].encode()
    moving.at("copy")
    with suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=folder)  # of an attempt that was interrupted
    try:
        _write(moving, source, folder, draft)
        moving.at("verify")
        if _hash(folder, draft) != moving.sha512:
            raise MoveRefused("The copy is not what the catalogue has: the file has changed, or the disk fails")
        moving.at("name the copy")
        try:
            os.link(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            raise Taken("Another file has the new name") from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)
    moving.at("sync the new name")
    os.fsync(folder)
    if not moving.keeps_source:
        _remove_source(moving, source)
    return Flag.COPIED, os.stat(name, dir_fd=folder, follow_symlinks=False)


def _write(moving: Moving, source: _Source, folder: int, draft: bytes) -> None:
    reading = os.open(source[1], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=source[0])
    with os.fdopen(reading, "rb", buffering=0) as original:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        writing = os.open(draft, flags, stat.S_IMODE(source[2].st_mode), dir_fd=folder)
        with os.fdopen(writing, "wb", buffering=0) as copy:
            while data := original.read(_BUFFER_BYTES):
                view = memoryview(data)
                while view:
                    view = view[copy.write(view) :]
            os.utime(copy.fileno(), ns=(source[2].st_atime_ns, source[2].st_mtime_ns))
            moving.at("sync the copy")
            os.fsync(copy.fileno())
            with suppress(AttributeError, OSError):  # so that what is read back comes from the disk
                os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _remove_source(moving: Moving, source: _Source) -> None:
    """Take the old name, if it still means the file that has the new one."""
    moving.at("take the old name")
    now = _status(source[0], source[1])
    same = ("st_dev", "st_ino", "st_size", "st_mtime_ns")
    if now is None or any(getattr(now, field) != getattr(source[2], field) for field in same):
        return  # somebody has put another file there: it is theirs
    os.unlink(source[1], dir_fd=source[0])
    moving.at("sync the old folder")
    os.fsync(source[0])


def _hash(folder: int, name: bytes) -> str:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
