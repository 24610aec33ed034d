"""Staged bytes on their way to the blob store: read once, hashed, kept.

Bytes and their row are made safe in a transaction of their own, as a bucket may take minutes to copy; the transaction
that ends the task then finds them there. Whatever dies in between, the next attempt does the same again to the same
effect, and bytes that nothing came to refer to are swept up (`models.services.blobs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from models.digests import DIGEST_MISMATCH, DIGESTS
from models.errors import Conflict, InvalidInput, NotFound
from models.payloads import StagedPayload
from models.services.blobs import keep_blob, lock_blob, staging_gone
from models.services.removal import drop_pieces
from models.services.unwanted import refuse_blacklisted
from models.storage import Piece, PiecesReader, read_span
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


def read_staged(step: Step[S], *, sha512: str | None = None, digests: Mapping[str, str] | None = None) -> Hashed:
    """Read the staged bytes of a task once, from beginning to end; where all is known of them, only how they begin.

    `sha512` is their hash, if somebody has computed it. `digests` are what they were declared to be, see `web.digests`.

    Raises:
        NotFound: when they are gone.
        InvalidInput: when they are not what was declared; then they are staged no longer.
    """
    size, hashers = sum(piece.size for piece in pieces_of(step)), _hashers(sha512, digests or {})
    with staged_bytes(step) as reader:
        head = _digest(step, reader, hashers) if hashers else _head(reader)
    found = {name: hasher.hexdigest() for name, hasher in hashers.items()}
    if sha512:
        found["sha-512"] = sha512
    if any(found[name] != digest for name, digest in (digests or {}).items()):
        with step.platform.unit_of_work() as uow:
            drop_staged(uow, step)
        raise InvalidInput("The bytes do not have the digest that was declared", code=DIGEST_MISMATCH)
    return Hashed(found["sha-512"], size, sniff_mime(head, step.payload.filename))


def _hashers(sha512: str | None, digests: Mapping[str, str]) -> dict[str, Any]:
    names = {*digests, "sha-512"} - ({"sha-512"} if sha512 else set())
    return {name: DIGESTS[name]() for name in names}


@contextmanager
def staged_bytes(step: Step[S]) -> Iterator[PiecesReader]:
    """Open the staged bytes of a task.

    Raises:
        NotFound: when they are gone, also while they are read.
    """
    reader = PiecesReader(step.platform.blobs, pieces_of(step))
    try:
        yield reader
    except NotFound:
        raise staging_gone() from None
    finally:
        reader.close()


def staged_span(step: Step[S], offset: int, size: int) -> bytes:
    """Give some of the staged bytes of a task.

    Raises:
        NotFound: when they are gone.
    """
    try:
        return read_span(step.platform.blobs, pieces_of(step), offset, size)
    except NotFound:
        raise staging_gone() from None


def pieces_of(step: Step[S]) -> list[Piece]:
    """Say where the staged bytes of a task lie."""
    return [Piece(*piece) for piece in step.payload.pieces]


def keep_staged(uow: UnitOfWork, step: Step[S], hashed: Hashed) -> None:
    """Make sure that the staged bytes of a task are kept; raises as `keep_pieces_of`."""
    keep_pieces_of(uow, step, hashed, pieces_of(step))


def keep_pieces_of(uow: UnitOfWork, step: Step[Any], hashed: Hashed, pieces: Sequence[Piece]) -> None:
    """Make sure that bytes are kept for as long as the transaction lasts at least; takes the lock of their hash.

    Raises:
        Conflict: when they are blacklisted in the space; then they are staged no longer.
    """
    lock_blob(uow, hashed.sha512)
    try:
        refuse_blacklisted(uow, step.space_id, hashed.sha512)
    except Conflict:
        drop_pieces(uow, step.platform.blobs, pieces)
        raise
    keep_blob(uow, step.platform.blobs, hashed.sha512, hashed.size, pieces)


def drop_staged(uow: UnitOfWork, step: Step[S]) -> None:
    """Remove the staged bytes."""
    drop_pieces(uow, step.platform.blobs, pieces_of(step))


def _head(reader: PiecesReader) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES and (more := reader.read(HEAD_BYTES - len(head))):
        head += more
    return head


def _digest(step: Step[S], reader: PiecesReader, hashers: Mapping[str, Any]) -> bytes:
    """Show all bytes to hashers; gives the first of them."""
    size, head = 0, b""
    while chunk := reader.read(_CHUNK_BYTES):
        for hasher in hashers.values():
            hasher.update(chunk)
        size += len(chunk)
        if len(head) < HEAD_BYTES:
            head += chunk[: HEAD_BYTES - len(head)]
        step.report(size_bytes=size)
        step.check()
    return head
