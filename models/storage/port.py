"""What Loom needs of a blob store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol
from uuid import UUID

_COPY_BYTES = 1024**2
_SHA512 = re.compile("[0-9a-f]{128}")


class BlobReader(Protocol):
    """A seekable stream of stored bytes. Not to be shared between threads."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes from the current position; empty at the end only."""

    def seek(self, offset: int, /) -> int:
        """Move to an absolute position."""

    def close(self) -> None:
        """Let go of the file or connection."""


class BlobWriter(Protocol):
    """A stream into one key, where nothing is before `sync` or `commit`. Not to be shared between threads."""

    def write(self, data: bytes, /) -> int:
        """Append bytes."""

    def sync(self) -> bool:
        """Make what was written so far durable under the key, and go on. False: that is only possible by `commit`."""

    def commit(self) -> None:
        """Make the bytes durable under their key: after this, a power cut does not lose them."""

    def abort(self) -> None:
        """Forget what was not made durable; harmless after `commit`."""


class BlobStore(Protocol):
    """Bytes by key: a folder, or a bucket. Safe to use from many threads.

    Every method may raise `Unavailable` when the store is out of reach.
    """

    def write(self, key: str, *, size: int | None = None) -> BlobWriter:
        """Begin to write a key. `size` is how many bytes will come, where that is known.

        Raises:
            StorageFull: when less than the configured free space would be left. So does the writer, when the bytes
                turn out to be too many.
        """

    def read(self, key: str) -> BlobReader:
        """Open a key.

        Raises:
            NotFound: when nothing is stored there.
        """

    def size(self, key: str) -> int | None:
        """Tell how many bytes lie under a key; None when there are none."""

    def copy(self, source: str, target: str) -> None:
        """Put the bytes of one key under another as well, durably and without reading them where possible."""

    def delete(self, key: str) -> None:
        """Remove a key; harmless when it is not there."""

    def iter_staged(self, before: datetime) -> Iterator[str]:
        """Give the keys of staged uploads, finished or not, that were last written before that moment."""

    def iter_blobs(self, before: datetime) -> Iterator[tuple[str, int]]:
        """Give the hashes and sizes of all contents that were written before that moment (`blob_key`)."""

    def free_bytes(self) -> int | None:
        """Tell how much room is left; None where that cannot be known (a bucket)."""

    def check(self) -> None:
        """Prove that the store can be written.

        Raises:
            Unavailable: saying why it cannot.
        """


class Source(Protocol):
    """Something to be read from beginning to end."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes; empty at the end only."""

    def close(self) -> None:
        """Let go of it."""


def pour(source: Source, target: BlobWriter) -> None:
    """Write all that there is to read, and end both: durably, or not at all."""
    try:
        while chunk := source.read(_COPY_BYTES):
            target.write(chunk)
        target.commit()
    finally:
        target.abort()
        source.close()


def blob_key(sha512: str) -> str:
    """Name the place of a content."""
    return f"{sha512[:2]}/{sha512[2:4]}/{sha512}"


def hash_of(key: str) -> str | None:
    """Read the hash of a content from the name of its place; None if it is none."""
    sha512 = key.rpartition("/")[2]
    return sha512 if _SHA512.fullmatch(sha512) and key == blob_key(sha512) else None


def staging_key(upload_id: UUID) -> str:
    """Name the place of an upload that is not hashed yet."""
    return f"staging/{upload_id}"
