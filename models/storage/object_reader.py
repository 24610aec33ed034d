"""Reading an object of a bucket as a stream that goes on after a connection is cut."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import ObjectStore

from models.errors import NotFound, Unavailable

_CHUNK_BYTES = 1024**2
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.2


class ObjectChanged(OSError):
    """The object is another than the one that was meant."""


@contextmanager
def told() -> Iterator[None]:
    """Turn what obstore raises into Loom's errors; its texts name buckets and addresses, so they stay inside."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("The stored bytes are not there") from None
    except PreconditionError as error:
        raise ObjectChanged("the object was replaced") from error
    except (BaseError, OSError) as error:
        raise Unavailable("The blob store cannot be used") from error


class ObjectReader:
    """Reads on from its position by one streaming request; a seek begins another when bytes are next asked for.

    So does a connection that breaks, a few times. `etag`: the version that is meant, None for whatever is there.
    """

    def __init__(self, store: ObjectStore, key: str, size: int, etag: str | None = None) -> None:
        self._store, self._key, self._size, self._etag = store, key, size, etag
        self._position = 0
        self._chunks: Iterator[bytes] | None = None
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Give up to `size` bytes.

        Raises:
            NotFound: when the object is gone.
            ObjectChanged: when it is another version.
            Unavailable: when the bucket cannot be read, several times.
        """
        if self._position >= self._size:
            return b""
        if not self._rest:
            self._rest = memoryview(self._next_chunk())
        data = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        self._position += len(data)
        return data

    def seek(self, offset: int) -> int:
        """Move to an absolute position."""
        self.close()
        self._position = offset
        return offset

    def close(self) -> None:
        """Drop the request."""
        self._chunks, self._rest = None, memoryview(b"")

    def _next_chunk(self) -> bytes:
        """Read on, where a connection has broken by another one; an object that ends early is broken off too."""
        for attempt in range(_ATTEMPTS):
            try:
                with told():
                    if chunk := bytes(next(self._stream(), b"")):
                        return chunk
            except Unavailable:
                if attempt == _ATTEMPTS - 1:
                    raise
            self._chunks = None
            time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
        raise Unavailable("The blob store ends objects early")

    def _stream(self) -> Iterator[bytes]:
        if self._chunks is None:
            answer = obstore.get(
                self._store,
                self._key,
                options={"range": {"offset": self._position}, **({"if_match": self._etag} if self._etag else {})},
            )
            self._chunks = iter(answer.stream(min_chunk_size=_CHUNK_BYTES))
        return self._chunks
