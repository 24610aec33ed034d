"""Uploads that resume: tus 1.0 with creation, checksums, expiration, termination and concatenation.

A request that brings bytes and breaks off leaves what has come of it; the client asks how far the upload is (HEAD) and
goes on from there (PATCH). When the last byte is in, a task makes an asset of it, named in `Upload-Task`.
"""

from __future__ import annotations

from functools import partial
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from werkzeug.http import http_date

from models.bodies.fields import AnswerSchema, Instant
from models.entities import Upload
from models.errors import InvalidInput, TooLarge, UnsupportedMedia
from models.ids import parse_uuid
from models.paths import clean_name
from models.permissions import Actor, Permission
from models.services import uploads
from models.services.asset_access import require_on_asset
from models.services.libraries import refer_for_upload
from models.services.uploads import Claim, NewUpload
from models.storage import Piece, delete_pieces
from models.unit_of_work import UnitOfWork
from web import tus
from web.auth import signed_in
from web.blueprints import PREFIX, LoomBlueprint, describe
from web.incoming import IncomingPiece
from web.offload import in_thread
from web.state import platform, state
from web.tus_openapi import CREATED, CREATION, ENDING, MOVED, PIECE, STATE

_LONGEST_ORIGIN = 255
_ONE = "/uploads/<uuid:upload_id>"
_PATIENCE_SECONDS = 3
"""A request whose line was cut may have so much to make durable yet."""
_LOOK_SECONDS = 0.02
_OVERRIDE = "X-HTTP-Method-Override"

blueprint = LoomBlueprint("uploads", "Uploads that resume (tus 1.0)")
blueprint.after_request(tus.tell_protocol)


class UploadSchema(AnswerSchema):
    """How far an upload is."""

    id = fields.UUID(data_key="uuid")
    filename = fields.String()
    size = fields.Integer(metadata={"description": "In bytes, as announced"})
    offset = fields.Integer(metadata={"description": "So many of them are safe"})
    created = Instant()
    expires = Instant(metadata={"description": "When it is forgotten, unless more comes in"})
    is_partial = fields.Boolean(data_key="partial", metadata={"description": "It is to become a part of another one"})
    task_id = fields.UUID(data_key="taskUuid", metadata={"description": "The task that makes an asset of it"})


_SCHEMA = UploadSchema()


def tell_capabilities() -> Response | None:
    """Tell everybody who asks by OPTIONS what the server can do."""
    if request.method != "OPTIONS":
        return None
    return Response(status=204, headers=tus.capabilities(platform().settings.storage_max_upload_size))


blueprint.before_request(tell_capabilities)


@blueprint.route("/uploads", methods=["POST"])
@describe("Begin an upload, perhaps with its first bytes; or make one of partial uploads", **CREATION)
@signed_in(Permission.CREATE_ASSET)
@blueprint.response(201, UploadSchema, headers=CREATED)
def begin_one(uow: UnitOfWork, actor: Actor) -> Response:
    """Make an upload."""
    tus.require_version()
    concat = tus.Concat.read()
    if concat.parts is None:
        upload = uploads.begin_upload(uow, actor, _announced(uow, actor, tus.read_number("Upload-Length"), concat))
        if request.mimetype != tus.PIECE_TYPE:
            _complete(uow, actor, upload)
    elif "Upload-Length" in request.headers:
        raise InvalidInput("Upload-Length: is that of the parts together, where there are parts")
    else:
        new = _announced(uow, actor, 0, concat)
        upload = uploads.concatenate(uow, actor, new, concat.parts, platform().settings.storage_max_upload_size)
        _complete(uow, actor, upload)
    uow.commit()
    if concat.parts is None and request.mimetype == tus.PIECE_TYPE:
        upload = _receive(uow, actor, upload.id, 0)
    answer = jsonify(_SCHEMA.dump(upload))
    answer.status_code = 201
    answer.headers["Location"] = f"{PREFIX}/uploads/{upload.id}"
    return _tell_state(answer, upload)


def _announced(uow: UnitOfWork, actor: Actor, size: int, concat: tus.Concat) -> NewUpload:
    """Read what is announced, and see that the actor may do that."""
    settings = platform().settings
    if size > settings.storage_max_upload_size:
        raise TooLarge(f"An upload may have {settings.storage_max_upload_size} bytes at most")
    text = request.headers.get("Upload-Metadata", "")
    told = tus.read_metadata(text)
    asset_id, library_id = (_read_id(told, name) for name in ("assetUuid", "libraryUuid"))
    if asset_id:
        require_on_asset(uow, actor, asset_id, Permission.CREATE_ASSET_BINARY)
    if library_id:
        refer_for_upload(uow, actor, library_id)
    return NewUpload(
        size=size, filename=clean_name(told.get("filename") or told.get("name") or ""),
        origin=(told.get("origin") or "upload")[:_LONGEST_ORIGIN], metadata_text=text, asset_id=asset_id,
        library_id=library_id, digests=tus.read_whole_digests(), is_partial=concat.is_partial,
        seconds=settings.upload_expiration_time,
    )  # fmt: skip


def _read_id(told: dict[str, str], name: str) -> UUID | None:
    try:
        return parse_uuid(told[name]) if told.get(name) else None
    except InvalidInput as error:
        raise InvalidInput(f"Upload-Metadata: {name}: {error}") from None


def _complete(uow: UnitOfWork, actor: Actor, upload: Upload, sha512: str | None = None) -> None:
    uploads.complete(uow, actor, upload, platform().settings.task_max_attempts, sha512)


@blueprint.route(_ONE, methods=["HEAD", "GET"])
@describe("Tell how far an upload is", **STATE)
@signed_in(Permission.CREATE_ASSET)
@blueprint.response(200, UploadSchema, headers=MOVED)
def load_one(_: UnitOfWork, actor: Actor, upload_id: UUID) -> Response:
    """Give the state of an upload; with HEAD, the way tus clients ask, a request that still hangs loses its hold."""
    if request.method != "HEAD":
        with platform().unit_of_work() as uow:
            answer = jsonify(_SCHEMA.dump(upload := uploads.get_upload(uow, actor, upload_id)))
            return _tell_state(answer, upload)
    tus.require_version()
    return _tell_state(Response(mimetype="application/json"), _settle(actor, upload_id))


def _settle(actor: Actor, upload_id: UUID) -> Upload:
    """Give an upload that nothing is added to; a request whose line was cut first gets to say what it has brought."""
    until = monotonic() + _PATIENCE_SECONDS
    while True:
        with platform().unit_of_work() as uow:
            if uploads.get_upload(uow, actor, upload_id).writer is None or monotonic() > until:
                upload = uploads.settle(uow, actor, upload_id)
                uow.commit()
                return upload
        sleep(_LOOK_SECONDS)


def _tell_state(answer: Response, upload: Upload) -> Response:
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.size),
        "Upload-Expires": http_date(upload.expires),
        "Cache-Control": "no-store",
    }
    if upload.metadata_text:
        headers["Upload-Metadata"] = upload.metadata_text
    if upload.is_partial:
        headers["Upload-Concat"] = "partial"
    elif upload.parts is not None:
        headers["Upload-Concat"] = "final;" + " ".join(f"{PREFIX}/uploads/{part}" for part in upload.parts)
    if upload.task_id is not None:
        headers["Upload-Task"] = f"{PREFIX}/tasks/{upload.task_id}"
    answer.headers.update(headers)
    return answer


@blueprint.route(_ONE, methods=["PATCH"])
@describe("Send the next bytes of an upload", **PIECE)
@signed_in(Permission.CREATE_ASSET)
@blueprint.response(204, headers=MOVED)
def send_piece(uow: UnitOfWork, actor: Actor, upload_id: UUID) -> Response:
    """Take bytes in, from the offset that the upload has come to."""
    return _send(uow, actor, upload_id)


def _send(uow: UnitOfWork, actor: Actor, upload_id: UUID) -> Response:
    tus.require_version()
    if request.mimetype != tus.PIECE_TYPE:
        raise UnsupportedMedia(f"The body must be {tus.PIECE_TYPE}")
    upload = _receive(uow, actor, upload_id, tus.read_number("Upload-Offset"))
    return _tell_state(Response(status=204), upload)


def _receive(uow: UnitOfWork, actor: Actor, upload_id: UUID, offset: int) -> Upload:
    """Take in the body of the request at hand; gives the upload as it is then."""
    held = uploads.claim(uow, actor, upload_id, offset, platform().settings.upload_expiration_time)
    uow.commit()
    uow.release()
    hasher = state().hashes.take(upload_id, offset)
    incoming = IncomingPiece(platform().blobs, held, hasher, partial(_keep, actor, held, hasher))
    try:
        return incoming.receive()
    except BaseException:
        uploads.release(uow, held)
        uow.commit()
        raise
    finally:
        if incoming.is_safe:
            state().hashes.put(upload_id, offset + incoming.size, hasher)


def _keep(actor: Actor, held: Claim, hasher: Any, piece: Piece, is_last: bool) -> Upload:  # noqa: FBT001 - a `Keep`
    """Record how far a request has come; what is whole then becomes an asset."""
    with platform().unit_of_work() as uow:
        upload = uploads.advance(uow, held, piece, is_last=is_last)
        if upload.offset == upload.size:
            _complete(uow, actor, upload, hasher.hexdigest() if hasher else None)
        uow.commit()
        return upload


@blueprint.route(_ONE, methods=["DELETE"])
@describe("End an upload and forget its bytes", **ENDING)
@signed_in(Permission.CREATE_ASSET)
@blueprint.response(204)
def end_one(uow: UnitOfWork, actor: Actor, upload_id: UUID) -> ResponseReturnValue:
    """Forget an upload; an asset that has been made of it stays."""
    return _end(uow, actor, upload_id)


def _end(uow: UnitOfWork, actor: Actor, upload_id: UUID) -> ResponseReturnValue:
    tus.require_version()
    pieces = uploads.terminate(uow, actor, upload_id)
    uow.commit()
    in_thread(delete_pieces, platform().blobs, pieces)
    return "", 204


@blueprint.route(_ONE, methods=["POST"])
@describe("Do as `X-HTTP-Method-Override` says: for clients that can only GET and POST", **PIECE)
@signed_in(Permission.CREATE_ASSET)
@blueprint.response(204, headers=MOVED)
def act_on_one(uow: UnitOfWork, actor: Actor, upload_id: UUID) -> ResponseReturnValue:
    """Send bytes or end the upload."""
    method = request.headers.get(_OVERRIDE, "").upper()
    if method == "PATCH":
        return _send(uow, actor, upload_id)
    if method == "DELETE":
        return _end(uow, actor, upload_id)
    raise InvalidInput(f"{_OVERRIDE}: must be PATCH or DELETE")
