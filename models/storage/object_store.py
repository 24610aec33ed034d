"""A blob store in a bucket: S3, Google Cloud Storage or Azure, by obstore.

A process that dies during an upload leaves an unfinished multipart upload, which no listing shows: give the bucket a
lifecycle rule that aborts those after a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from uuid import uuid4

import obstore
from obstore.store import ObjectStore, from_url

from models.errors import NotFound, Unavailable
from models.storage.object_reader import ObjectReader, told
from models.storage.port import BlobReader, BlobWriter, hash_of, pour

_PART_BYTES = 8 * 1024**2
_MOST_PARTS = 9_000
"""S3 takes 10,000 parts to an upload; the rest is a margin for a size that was told wrong."""
_UNKNOWN_BYTES = 128 * 1024**3
"""An upload of unknown size may become this large."""
_PARTS_IN_FLIGHT = 3
_LARGEST_COPY_BYTES = 5 * 1024**3
"""S3's CopyObject takes no more; what is larger goes through this process."""


class ObjectBlobStore:
    """Keys are the names of objects. Nothing is connected before the first use, so it survives a fork until then."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> ObjectStore:
        return from_url(self._url)

    def write(self, key: str, *, size: int | None = None) -> BlobWriter:
        """Begin to write a key, in parts large enough for the size."""
        part = max(_PART_BYTES, (size or _UNKNOWN_BYTES) // _MOST_PARTS + 1)
        with told():
            return _ObjectWriter(
                obstore.open_writer(self._store, key, buffer_size=part, max_concurrency=_PARTS_IN_FLIGHT)
            )

    def read(self, key: str) -> BlobReader:
        """Open a key."""
        size = self.size(key)
        if size is None:
            raise NotFound("The stored bytes are not there")
        return ObjectReader(self._store, key, size)

    def size(self, key: str) -> int | None:
        """Tell how many bytes lie under a key."""
        with told():
            try:
                return obstore.head(self._store, key)["size"]
            except FileNotFoundError:
                return None

    def copy(self, source: str, target: str) -> None:
        """Let the bucket copy; only what it cannot copy goes through this process."""
        size = self.size(source)
        if size is not None and size > _LARGEST_COPY_BYTES:
            self._copy_bytes(source, target, size)
        else:
            with told():
                obstore.copy(self._store, source, target)

    def delete(self, key: str) -> None:
        """Remove a key."""
        with suppress(NotFound), told():
            obstore.delete(self._store, key)

    def iter_staged(self, before: datetime) -> Iterator[str]:
        """Give the keys of staged uploads."""
        with told():
            for batch in obstore.list(self._store, prefix="staging"):
                yield from (found["path"] for found in batch if found["last_modified"] < before)

    def iter_blobs(self, before: datetime) -> Iterator[tuple[str, int]]:
        """Go through all of the bucket, a thousand objects at a time."""
        with told():
            for batch in obstore.list(self._store):
                for found in batch:
                    sha512 = hash_of(found["path"])
                    if sha512 and found["last_modified"] < before:
                        yield sha512, found["size"]

    def free_bytes(self) -> int | None:
        """Buckets do not tell."""
        return None

    def check(self) -> None:
        """Write and remove a small object."""
        key = f"staging/check-{uuid4()}"
        try:
            with told():
                obstore.put(self._store, key, b"loom")
        except NotFound:
            raise Unavailable("The bucket does not exist") from None
        self.delete(key)

    def _copy_bytes(self, source: str, target: str, size: int) -> None:
        pour(self.read(source), self.write(target, size=size))


class _ObjectWriter:
    """Sends parts as they fill up; the object appears when the last one is acknowledged."""

    def __init__(self, stream: obstore.WritableFile) -> None:
        self._stream: obstore.WritableFile | None = stream

    def write(self, data: bytes) -> int:
        """Append bytes."""
        assert self._stream is not None
        with told():
            return self._stream.write(data)

    def sync(self) -> bool:
        """Objects appear when they are whole."""
        return False

    def commit(self) -> None:
        """Finish the object."""
        assert self._stream is not None
        with told():
            self._stream.close()
        self._stream = None

    def abort(self) -> None:
        """Leave the stream as if an error had come: only then does it abort the upload instead of finishing it."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(NotFound, Unavailable), told():
                stream.__exit__(InterruptedError, None, None)
