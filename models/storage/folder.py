"""A blob store in a local folder: plain files, so that an upload is written once and a copy is a hard link.

obstore could do this too, but it syncs neither files nor folders: after a power cut a stored blob could be empty.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from models.errors import LoomError, NotFound, StorageFull, Unavailable
from models.storage.port import BlobReader, BlobWriter, hash_of, pour

_STAGING = "staging"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_CHECK_BYTES = 256 * 1024**2
"""A writer looks again how much room is left each time it has written this much."""


def _error(error: OSError) -> LoomError:
    if error.errno in _FULL:
        return StorageFull()
    return Unavailable(f"The blob store cannot be used: {error.strerror}")


class FolderBlobStore:
    """Keys are paths below a folder. Drafts lie in `staging/`, so that the sweep finds what a dead process left."""

    def __init__(self, folder: Path, *, min_free_bytes: int) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes

    def write(self, key: str, *, size: int | None = None) -> BlobWriter:
        """Begin to write a key."""
        self.require_room(size or 0)
        try:
            return _FolderWriter(self, self._draft(), self._folder / key)
        except OSError as error:
            raise _error(error) from error

    def read(self, key: str) -> BlobReader:
        """Open a key."""
        try:
            return (self._folder / key).open("rb", buffering=0)
        except FileNotFoundError:
            raise NotFound("The stored bytes are not there") from None
        except OSError as error:
            raise _error(error) from error

    def size(self, key: str) -> int | None:
        """Tell how many bytes lie under a key."""
        try:
            return (self._folder / key).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _error(error) from error

    def copy(self, source: str, target: str) -> None:
        """Link the file under the other key as well; where the file system has no links, copy it."""
        draft = self._draft()
        try:
            os.link(self._folder / source, draft)
            self.publish(draft, self._folder / target)
        except FileNotFoundError:
            raise NotFound("The stored bytes are not there") from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise _error(error) from error
            self._copy_bytes(source, target)

    def delete(self, key: str) -> None:
        """Remove a key."""
        path = self._folder / key
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise _error(error) from error

    def iter_staged(self, before: datetime) -> Iterator[str]:
        """Give the keys of staged uploads and of drafts."""
        with suppress(FileNotFoundError), os.scandir(self._folder / _STAGING) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                        yield f"{_STAGING}/{entry.name}"

    def iter_blobs(self, before: datetime) -> Iterator[tuple[str, int]]:
        """Give what lies two folders deep, one folder after the other."""
        for first in _names(self._folder):
            for second in _names(self._folder / first):
                for name in _names(self._folder / first / second):
                    sha512 = hash_of(f"{first}/{second}/{name}")
                    with suppress(FileNotFoundError):
                        status = (self._folder / first / second / name).stat()
                        if sha512 and status.st_mtime < before.timestamp():
                            yield sha512, status.st_size

    def free_bytes(self) -> int | None:
        """Tell how much room the disk has."""
        try:
            return shutil.disk_usage(_existing(self._folder)).free
        except OSError as error:
            raise _error(error) from error

    def check(self) -> None:
        """Write and remove a small file."""
        key = f"{_STAGING}/check-{uuid4()}"
        writer = self.write(key)
        writer.write(b"loom")
        writer.commit()
        self.delete(key)

    def require_room(self, more_bytes: int) -> None:
        """Refuse what would leave less than the configured free space.

        Raises:
            StorageFull: when it would.
        """
        free = self.free_bytes()
        if free is not None and free - more_bytes < self._min_free_bytes:
            raise StorageFull

    def publish(self, draft: Path, target: Path) -> None:
        """Give a finished draft its name, for good: the folders that lead to it are synced too."""
        _make_folders(target.parent)
        draft.replace(target)
        # Renaming one hard link over another of the same file does nothing at all, says POSIX.
        draft.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def _draft(self) -> Path:
        staging = self._folder / _STAGING
        try:
            _make_folders(staging)
        except OSError as error:
            raise _error(error) from error
        return staging / f"draft-{uuid4()}"

    def _copy_bytes(self, source: str, target: str) -> None:
        pour(self.read(source), self.write(target, size=self.size(source)))


class _FolderWriter:
    """Writes a draft that gets its name when it is whole and synced."""

    def __init__(self, store: FolderBlobStore, draft: Path, target: Path) -> None:
        self._store, self._draft, self._target = store, draft, target
        self._file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._until_check = _CHECK_BYTES
        self._is_open, self._is_named = True, False

    def write(self, data: bytes) -> int:
        """Append bytes."""
        self._until_check -= len(data)
        if self._until_check < 0:
            self._store.require_room(len(data))
            self._until_check = _CHECK_BYTES
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise _error(error) from error
        return len(data)

    def sync(self) -> bool:
        """Sync the file; the first time, name it and sync its folder."""
        try:
            os.fsync(self._file)
            if not self._is_named:
                self._store.publish(self._draft, self._target)
                self._is_named = True
        except OSError as error:
            self.abort()
            raise _error(error) from error
        return True

    def commit(self) -> None:
        """Sync what has come since, and be done."""
        self.sync()
        self._close()

    def abort(self) -> None:
        """Remove the draft."""
        self._close()
        self._draft.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._file)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _error(error) from error


def _existing(folder: Path) -> Path:
    """Give the nearest folder on the way up that exists: the store's own is made by its first write."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, each synced into its parent."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
