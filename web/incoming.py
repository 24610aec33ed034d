"""The bytes that one request adds to an upload: written to a piece of their own, and safe from time to time."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Any
from uuid import UUID

from flask import request
from gunicorn.http.errors import ParseException

from models.entities import Upload
from models.errors import Conflict, InvalidInput, Stalled, TooLarge
from models.ids import new_id
from models.services.uploads import Claim
from models.storage import BlobStore, BlobWriter, Piece, staging_key
from web.offload import in_thread
from web.tus import Checksum

_READ_BYTES = 256 * 1024
_BLOCK_BYTES = 1024**2
_SYNC_SECONDS = 2
"""So much of what has come in may be lost with the process."""
_REMEMBERED = 256

Keep = Callable[[Piece, bool], Upload]
"""Records that the first bytes of the piece, or all, are safe; raises Conflict when somebody else goes on by now."""


class RunningHashes:
    """SHA-512 of what has come in of uploads, while all requests of one come to this process; else a worker hashes."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[int, Any]] = OrderedDict()

    def take(self, upload_id: UUID, offset: int) -> Any:
        """Give the hash of the first `offset` bytes, to be gone on with; None where it is not known."""
        known_offset, hasher = self._known.pop(upload_id, (-1, None))
        if known_offset == offset:
            return hasher
        return hashlib.sha512() if offset == 0 else None

    def put(self, upload_id: UUID, offset: int, hasher: Any) -> None:
        """Remember the hash of the first `offset` bytes."""
        if hasher is not None:
            self._known[upload_id] = (offset, hasher)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


class IncomingPiece:
    """Writes the body of the request at hand behind what there is of an upload."""

    def __init__(self, store: BlobStore, held: Claim, hasher: Any, keep: Keep) -> None:
        self.key = staging_key(new_id())
        self.size = 0
        self._store, self._keep, self._hasher = store, keep, hasher
        self._left = held.size - held.offset
        self._checksum = Checksum()
        self._block = bytearray()
        self._writer: BlobWriter | None = None
        self._kept_at, self._kept = monotonic(), 0
        self._may_count = False

    @property
    def is_safe(self) -> bool:
        """Whether all that was written is safe, and counted."""
        return self._kept == self.size

    def receive(self) -> Upload:
        """Take in the whole body; when it breaks off, what has come of it stays, unless it has a checksum.

        Raises:
            ChecksumMismatch: when it is not what its checksum says; then nothing of it stays.
            Conflict: when another request has taken the upload over; what was reported before stays.
            TooLarge: when it is longer than what the upload awaits; so here.
            InvalidInput: when it breaks off.
            Stalled: when it does not go on.
        """
        try:
            self._read()
            return self._finish()
        except (OSError, ParseException, Stalled, InvalidInput) as error:
            self._rescue()
            if isinstance(error, (Stalled, InvalidInput)):
                raise
            raise InvalidInput("The body could not be read to its end") from error
        except BaseException:
            self._drop()
            raise

    def _read(self) -> None:
        if (request.content_length or 0) > self._left:
            raise TooLarge(f"The upload awaits {self._left} more bytes")
        request.max_content_length = self._left + _READ_BYTES
        while data := request.stream.read(_READ_BYTES):
            if self.size + len(self._block) + len(data) > self._left:
                raise TooLarge(f"The upload awaits {self._left} more bytes")
            self._checksum.update(data)
            self._block += data
            if len(self._block) >= _BLOCK_BYTES or self._is_due():
                self._write()

    def _finish(self) -> Upload:
        if request.content_length is not None and self.size + len(self._block) < request.content_length:
            raise InvalidInput("The body ended before its announced length")
        self._checksum.check()
        if self._block or self._writer is not None:
            in_thread(self._put, is_last=True)
        return self._report(is_last=True)

    def _report(self, *, is_last: bool) -> Upload:
        """Record how far the piece has come."""
        may_count, self._may_count = self._may_count, True
        try:
            upload = self._keep(Piece(self.key, self.size), is_last)
        except Conflict:
            self._may_count = may_count
            raise
        self._kept_at, self._kept = monotonic(), self.size
        return upload

    def _rescue(self) -> None:
        """Keep what has come in of a body that has broken off."""
        if self._checksum or not (self._block or self._writer):
            self._drop()
            return
        try:
            in_thread(self._put, is_last=True)
            self._report(is_last=True)
        except BaseException:
            self._drop()
            raise

    def _is_due(self) -> bool:
        """Whether what has come in should be made safe; not what has a checksum, before that was checked."""
        return not self._checksum and monotonic() - self._kept_at > _SYNC_SECONDS

    def _write(self) -> None:
        if in_thread(self._put, is_due=self._is_due()):
            self._report(is_last=False)

    def _put(self, *, is_due: bool = False, is_last: bool = False) -> bool:
        """Hash and write, in another thread; tells whether all is durable."""
        if self._writer is None:
            self._writer = self._store.write(self.key, size=self._left)
        block, self._block = self._block, bytearray()
        if self._hasher is not None:
            self._hasher.update(block)
        self.size += self._writer.write(bytes(block))
        if is_last:
            self._writer.commit()
            return True
        return is_due and self._writer.sync()

    def _drop(self) -> None:
        """Remove the piece, unless the upload may refer to its first bytes: then the sweep looks whether it does."""
        if self._writer is not None:
            in_thread(self._remove, self._writer)

    def _remove(self, writer: BlobWriter) -> None:
        writer.abort()
        if not self._may_count:
            self._store.delete(self.key)
