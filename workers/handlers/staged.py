"""Staged bytes on their way to the blob store: read once, hashed, kept.

Bytes and their row are made safe in a transaction of their own, as a bucket may take minutes to copy; the transaction
that ends the task then finds them there. Whatever dies in between, the next attempt does the same again to the same
effect, and bytes that nothing came to refer to are swept up (`models.services.blobs`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeVar

from models.errors import Conflict, NotFound
from models.messages import StagedPayload
from models.services.blobs import keep_blob, lock_blob, staging_gone
from models.services.unwanted import refuse_blacklisted
from models.storage import BlobReader
from models.unit_of_work import UnitOfWork
from workers.handling import Step
from workers.processing.sniffing import HEAD_BYTES, sniff_mime

_CHUNK_BYTES = 1024**2

S = TypeVar("S", bound=StagedPayload)


@dataclass(frozen=True)
class Hashed:
    """What staged bytes are. `mime_type` is what they say themselves."""

    sha512: str
    size: int
    mime_type: str


def read_staged(step: Step[S]) -> Hashed:
    """Read the staged bytes of a task once, from beginning to end.

    Raises:
        NotFound: when they are gone.
    """
    try:
        reader = step.platform.blobs.read(step.payload.staging_key)
    except NotFound:
        raise staging_gone() from None
    try:
        digest, size, head = _digest(step, reader)
    finally:
        reader.close()
    return Hashed(digest, size, sniff_mime(head, step.payload.filename))


def keep_staged(uow: UnitOfWork, step: Step[S], hashed: Hashed) -> None:
    """Make sure that the bytes are kept for as long as the transaction lasts at least; takes the lock of their hash.

    Raises:
        Conflict: when they are blacklisted in the space; then they are staged no longer.
    """
    lock_blob(uow, hashed.sha512)
    try:
        refuse_blacklisted(uow, step.space_id, hashed.sha512)
    except Conflict:
        drop_staged(step)
        raise
    keep_blob(uow, step.platform.blobs, hashed.sha512, hashed.size, step.payload.staging_key)


def drop_staged(step: Step[S]) -> None:
    """Remove the staged bytes."""
    step.platform.blobs.delete(step.payload.staging_key)


def _digest(step: Step[S], reader: BlobReader) -> tuple[str, int, bytes]:
    hasher, size, head = hashlib.sha512(), 0, b""
    while chunk := reader.read(_CHUNK_BYTES):
        hasher.update(chunk)
        size += len(chunk)
        if len(head) < HEAD_BYTES:
            head += chunk[: HEAD_BYTES - len(head)]
        step.report(size_bytes=size)
        step.check()
    return hasher.hexdigest(), size, head
