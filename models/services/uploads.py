"""Uploads that come in over several requests: how far they are, whose bytes count, and what becomes of them.

Each request that brings bytes writes a piece of its own, so that two at the same time cannot spoil each other's. Which
of them counts is decided in the row: the latest is its `writer`, and what another one reports is refused. So the stale
request of a client that has come back loses at once, wherever it hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update

from models.entities import Task, Upload
from models.errors import Conflict, Forbidden, InvalidInput, NotFound, TooLarge
from models.ids import new_id
from models.messages import STORE_BINARY
from models.payloads import StoreBinary
from models.permissions import Actor
from models.services import tasks
from models.storage import Piece
from models.unit_of_work import UnitOfWork

_MOST_PIECES = 10_000
_EXPIRED = 1_000


@dataclass(frozen=True)
class NewUpload:
    """What a client announces. `size`: in bytes. `seconds`: how long the upload is kept after it has moved last."""

    size: int
    filename: str
    origin: str
    seconds: int
    metadata_text: str = ""
    asset_id: UUID | None = None
    library_id: UUID | None = None
    digests: dict[str, str] = field(default_factory=dict)
    is_partial: bool = False


@dataclass(frozen=True)
class Claim:
    """One request's hold on an upload: what was safe when it began, and the key that its own bytes go to."""

    upload_id: UUID
    writer: UUID
    size: int
    offset: int
    seconds: int
    pieces: Sequence[Piece]


def begin_upload(uow: UnitOfWork, actor: Actor, new: NewUpload) -> Upload:
    """Make an upload of which nothing has come in yet."""
    upload = Upload(
        id=new_id(), space_id=actor.space_id, creator_id=actor.user_id, size=new.size, filename=new.filename,
        origin=new.origin, metadata_text=new.metadata_text, asset_id=new.asset_id, library_id=new.library_id,
        digests=new.digests, is_partial=new.is_partial, expires=_from_now(new.seconds), offset=0, pieces=[],
    )  # fmt: skip
    uow.session.add(upload)
    uow.session.flush()
    return upload


def get_upload(uow: UnitOfWork, actor: Actor, upload_id: UUID, *, lock: bool = False) -> Upload:
    """Give an upload of the actor's own.

    Raises:
        NotFound: when there is none, or none any more.
    """
    query = select(Upload).where(
        Upload.id == upload_id, Upload.space_id == actor.space_id, Upload.creator_id == actor.user_id,
        Upload.expires > func.now(),
    )  # fmt: skip
    found = uow.session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no upload {upload_id}, or it has expired")
    return found


def settle(uow: UnitOfWork, actor: Actor, upload_id: UUID) -> Upload:
    """Give an upload whose offset stays what it is until the next request with bytes: one that hangs has lost."""
    upload = get_upload(uow, actor, upload_id, lock=True)
    upload.writer = None
    return upload


def release(uow: UnitOfWork, held: Claim) -> None:
    """Let go of an upload to which a request has brought nothing more that counts."""
    statement = update(Upload).where(Upload.id == held.upload_id, Upload.writer == held.writer)
    uow.session.execute(statement.values(writer=None))


def claim(uow: UnitOfWork, actor: Actor, upload_id: UUID, offset: int, seconds: int) -> Claim:
    """Let the request at hand go on with an upload, in place of any other.

    Raises:
        Conflict: when it would not go on where the upload has come to, or has come in too many pieces.
        Forbidden: when the upload is made of others.
    """
    upload = get_upload(uow, actor, upload_id, lock=True)
    if upload.parts is not None:
        raise Forbidden("An upload that is made of others takes no bytes")
    if upload.offset != offset:
        raise Conflict(f"The upload goes on at byte {upload.offset}", code="offset-mismatch")
    if len(upload.pieces) >= _MOST_PIECES:
        raise Conflict("The upload has come in too many pieces; send fewer, larger ones", code="too-many-pieces")
    upload.writer = new_id()
    pieces = [Piece(*piece) for piece in upload.pieces]
    return Claim(upload.id, upload.writer, upload.size, offset, seconds, pieces)


def advance(uow: UnitOfWork, held: Claim, piece: Piece, *, is_last: bool) -> Upload:
    """Record that the first bytes of a request's piece are safe, or all of them; gives the upload, locked.

    Raises:
        Conflict: when another request has taken the upload over, or it is gone.
    """
    query = select(Upload).where(Upload.id == held.upload_id, Upload.writer == held.writer).with_for_update()
    upload = uow.session.execute(query).scalar_one_or_none()
    if upload is None:
        raise Conflict("Another request goes on with the upload, or it was ended", code="taken-over")
    upload.pieces = [*held.pieces, piece] if piece.size else list(held.pieces)
    upload.offset = held.offset + piece.size
    upload.expires = _from_now(held.seconds)
    if is_last:
        upload.writer = None
    return upload


def complete(uow: UnitOfWork, actor: Actor, upload: Upload, max_attempts: int, sha512: str | None = None) -> None:
    """Ask for an asset of a locked upload, if it is whole and not to be a part of another one.

    `sha512` is its hash, if that was computed on the way. From then on the bytes are the task's.
    """
    if upload.is_partial or upload.task_id is not None or upload.offset < upload.size:
        return
    payload = StoreBinary(
        pieces=tuple((key, size) for key, size in upload.pieces), filename=upload.filename, origin=upload.origin,
        sha512=sha512, digests=upload.digests, asset_uuid=upload.asset_id, library_uuid=upload.library_id,
    )  # fmt: skip
    task: Task = tasks.submit(
        uow, STORE_BINARY, payload, space_id=upload.space_id, title=f"Store {upload.filename}", actor=actor,
        max_attempts=max_attempts, subject_id=upload.asset_id,
    )  # fmt: skip
    task.bytes_total = upload.size
    upload.task_id, upload.pieces, upload.writer = task.id, [], None


def concatenate(uow: UnitOfWork, actor: Actor, new: NewUpload, part_ids: Sequence[UUID], most_bytes: int) -> Upload:
    """Make an upload of whole partial ones, in that order. Who asks for the same again gets the same.

    Raises:
        Conflict: when one of them is not whole, or a part of another upload already.
        InvalidInput: when one is no partial upload, or is named twice.
        TooLarge: when all together are larger than uploads may be.
    """
    if not part_ids or len(set(part_ids)) < len(part_ids):
        raise InvalidInput("Upload-Concat: names no uploads, or one of them twice")
    parts = {part_id: get_upload(uow, actor, part_id, lock=True) for part_id in sorted(part_ids)}
    ordered = [parts[part_id] for part_id in part_ids]
    if known := _made_of(uow, actor, ordered):
        return known
    _require_joinable(ordered)
    size = sum(part.size for part in ordered)
    if size > most_bytes:
        raise TooLarge(f"An upload may have {most_bytes} bytes at most")
    final = begin_upload(uow, actor, new)
    final.size = final.offset = size
    final.parts = [str(part_id) for part_id in part_ids]
    final.pieces = [piece for part in ordered for piece in part.pieces]
    for part in ordered:
        part.final_id, part.pieces, part.writer = final.id, [], None
    return final


def _made_of(uow: UnitOfWork, actor: Actor, parts: Sequence[Upload]) -> Upload | None:
    """Give the upload that was made of just these parts."""
    if parts[0].final_id is None or any(part.final_id != parts[0].final_id for part in parts):
        return None
    final = get_upload(uow, actor, parts[0].final_id, lock=True)
    return final if final.parts == [str(part.id) for part in parts] else None


def _require_joinable(parts: Sequence[Upload]) -> None:
    for part in parts:
        if not part.is_partial:
            raise InvalidInput(f"Upload-Concat: {part.id} is no partial upload")
        if part.final_id is not None or part.offset < part.size:
            raise Conflict(f"The upload {part.id} is not whole, or a part of another one", code="not-joinable")


def terminate(uow: UnitOfWork, actor: Actor, upload_id: UUID) -> list[Piece]:
    """Forget an upload; gives the pieces to be removed once that is committed. What its task has is the task's."""
    upload = get_upload(uow, actor, upload_id, lock=True)
    pieces = [Piece(*piece) for piece in upload.pieces]
    uow.session.delete(upload)
    return pieces


def remove_expired(begin: Callable[[], UnitOfWork]) -> int:
    """Forget one batch of uploads that have expired; the sweep of the staging area removes their bytes."""
    expired = select(Upload.id).where(Upload.expires < func.now()).limit(_EXPIRED)
    with begin() as uow:
        count = len(uow.session.execute(delete(Upload).where(Upload.id.in_(expired)).returning(Upload.id)).all())
        uow.commit()
    return count


def _from_now(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
