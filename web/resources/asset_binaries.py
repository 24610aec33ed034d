"""The bytes of assets: upload, download, and all that is known of where they are (wire contract 5.9, 7, 9 row 3).

An upload is staged while the request lasts; hashing and keeping it is a task. `/binary` is about the bytes, but for
two callers that mean a record of where they are: who accepts JSON and nothing else, unless the bytes are JSON
themselves, and who sends a nameless JSON object with `filesystem` or `s3`. `/binary/data` is always about the bytes.
Where somebody says that bytes are (`binary_records.py`), Loom never looks.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from werkzeug.wrappers.response import Response as AnyResponse

from models.bodies.fields import RequestSchema
from models.entities import Task
from models.errors import InvalidInput, NotFound
from models.ids import parse_uuid
from models.messages import STORE_BINARY
from models.payloads import StoreBinary
from models.permissions import Actor, Permission
from models.services import asset_binaries, assets
from models.services.asset_access import require_covering, require_on_asset
from models.services.asset_blocks import MOST_SHOWN
from models.services.asset_bytes import asset_source
from models.services.asset_views import AssetView, view_asset
from models.services.audit import name_users
from models.services.libraries import refer_for_upload
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, require_success
from web.asset_bodies import AssetSchema
from web.asset_places import PlaceSchema, blob_body, place_body
from web.auth import signed_in
from web.binary_bodies import BinaryOfAssetSchema, BinarySchema, new_columns
from web.blueprints import LoomBlueprint, describe, load_values, query
from web.crud import element_answer
from web.downloads import send_source
from web.openapi_files import gives_file, takes_file
from web.pagination import page_schema, whole_envelope
from web.preconditions import require_match
from web.resources.assets import asset_answer
from web.state import platform
from web.task_bodies import TaskSchema
from web.upload_tasks import FILENAME, discarded_on_error, receive_upload, submit_upload
from web.uploads import Received, read_small_json

_LONGEST_ORIGIN = 255
_ORIGIN = "upload"
_LIBRARY = query("libraryUuid", "string", "Add the asset to this library; a form may say so, too", format="uuid")
_PLACES = ("filesystem", "s3")
"""Either of them makes a JSON object a record."""


class AssetFormSchema(RequestSchema):
    """What a form may say of a file besides its name."""

    origin = fields.String(metadata={"description": f"Where it comes from, `{_ORIGIN}` unless said"})
    library_id = fields.UUID(data_key="libraryUuid", metadata={"description": "Add the asset to this library"})


blueprint = LoomBlueprint("asset-bytes", "Bytes of assets")
_BINARY = BinarySchema()
_RECORD = BinaryOfAssetSchema()


@blueprint.route("/assets/upload", methods=["POST"])
@describe(
    "Upload a file; its content becomes an asset, unless it is one already",
    FILENAME,
    _LIBRARY,
    **takes_file(AssetFormSchema),
)
@signed_in(Permission.CREATE_ASSET)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=AssetSchema, description="The content is an asset already (Prefer: wait)")
@blueprint.alt_response(201, schema=AssetSchema, description="The new asset (Prefer: wait)")
def upload_one(uow: UnitOfWork, actor: Actor) -> Response:
    """Take in a file."""
    return accepted(uow, actor, _submit(uow, actor, receive_upload(), None), stored_asset)


@blueprint.route("/assets/<uuid:asset_id>/binary", methods=["POST"])
@blueprint.route("/assets/<uuid:asset_id>/binary/data", methods=["POST"], endpoint="upload_binary_data")
@describe(
    "Upload the bytes that an asset awaits; they must have its SHA-512",
    FILENAME,
    _LIBRARY,
    **takes_file(AssetFormSchema, BinaryOfAssetSchema),
)
@signed_in(Permission.CREATE_ASSET_BINARY)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(201, schema=PlaceSchema)
def upload_binary(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """Take in the bytes of an asset, or the record of where they are."""
    require_on_asset(uow, actor, asset_id, Permission.CREATE_ASSET_BINARY)
    uow.release()
    if not request.path.endswith("/data") and (record := read_small_json(_PLACES)) is not None:
        return _declare(uow, actor, asset_id, load_values(_RECORD, record))
    return accepted(uow, actor, _submit(uow, actor, receive_upload(), asset_id), _stored_binary)


def _declare(uow: UnitOfWork, actor: Actor, asset_id: UUID, values: dict[str, Any]) -> Response:
    binary = asset_binaries.add_binary(uow, actor, {**new_columns(values), "asset_id": asset_id})
    uow.commit()
    return element_answer(uow, actor, _BINARY, binary, 201)


def _submit(uow: UnitOfWork, actor: Actor, received: Received, asset_id: UUID | None) -> Task:
    """Ask for the staged file to be stored; if that cannot be asked for, nothing stays staged."""
    origin = received.form.get("origin") or _ORIGIN
    with discarded_on_error(received):
        payload = StoreBinary(
            pieces=received.pieces,
            filename=received.filename,
            origin=origin[:_LONGEST_ORIGIN],
            asset_uuid=asset_id,
            library_uuid=_read_library(uow, actor, received),
        )
        return submit_upload(uow, actor, received, STORE_BINARY, payload, asset_id)


def _read_library(uow: UnitOfWork, actor: Actor, received: Received) -> UUID | None:
    """Give the library that the asset is to be added to, if the form or the query names one."""
    texts = filter(None, (received.form.get("libraryUuid"), request.args.get("libraryUuid")))
    try:
        named = {parse_uuid(text) for text in texts}
    except InvalidInput as error:
        raise InvalidInput(f"libraryUuid: {error}") from None
    if len(named) > 1:
        raise InvalidInput("libraryUuid: the form names another library than the query")
    for library_id in named:
        refer_for_upload(uow, actor, library_id)
    return next(iter(named), None)


def stored_asset(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
    """Show the asset that an upload has led to: a new one, or the one that has been there."""
    result = _result(task)
    view = view_asset(uow, actor, UUID(result["assetUuid"]))
    return asset_answer(view, 201 if result["status"] == "CREATED" else 200)


def _stored_binary(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
    """Show where the bytes have come to lie."""
    answer = jsonify(_first_record(uow, actor, view_asset(uow, actor, UUID(_result(task)["assetUuid"]))))
    answer.status_code = 201
    return answer


def _result(task: Task) -> dict[str, Any]:
    require_success(task)
    return task.result or {}


@blueprint.route("/assets/<uuid:asset_id>/binary", methods=["GET"])
@describe("Download the bytes of an asset, or load the record of where they are", **gives_file(PlaceSchema))
@signed_in(Permission.READ_ASSET_BINARY)
def download(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> AnyResponse:
    """Give the bytes, or their record to who accepts JSON only."""
    asset = _readable(uow, actor, asset_id)
    if _wants_record(asset):
        return jsonify(_first_record(uow, actor, asset))
    return _send(uow, asset)


@blueprint.route("/assets/<uuid:asset_id>/binary/data", methods=["GET"])
@describe("Download the bytes of an asset, whatever the caller says to accept", **gives_file())
@signed_in(Permission.READ_ASSET_BINARY)
def download_data(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> AnyResponse:
    """Give the bytes, never their record."""
    return _send(uow, _readable(uow, actor, asset_id))


def _readable(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> AssetView:
    asset = view_asset(uow, actor, asset_id)
    require_covering(uow, actor, asset_id, Permission.READ_ASSET_BINARY)
    return asset


def _wants_record(asset: AssetView) -> bool:
    accepted_types = set(request.accept_mimetypes.values())
    return (
        "application/json" in accepted_types and "*/*" not in accepted_types and asset.mime_type != "application/json"
    )


def _send(uow: UnitOfWork, asset: AssetView) -> AnyResponse:
    uow.release()
    return send_source(platform().blobs, asset, asset_source(asset))


@blueprint.route("/assets/<uuid:asset_id>/binaries", methods=["GET"])
@signed_in(Permission.READ_ASSET_BINARY)
@blueprint.response(200, page_schema(PlaceSchema))
def list_binaries(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """List where the bytes of an asset are: stored by Loom, then as somebody declared, then in pools."""
    records = _records(uow, actor, _readable(uow, actor, asset_id))
    return jsonify(whole_envelope(records))


def _records(uow: UnitOfWork, actor: Actor, asset: AssetView) -> list[dict[str, Any]]:
    stored = blob_body(asset, is_bucket=not platform().settings.blob_url.startswith("file:"))
    declared = asset_binaries.list_binaries(uow, asset.id, MOST_SHOWN)
    name_users(uow, actor, declared)
    places = [_BINARY.dump(binary) for binary in declared] + [place_body(asset, it) for it in asset.blocks.places]
    return [stored, *places] if stored else places


def _first_record(uow: UnitOfWork, actor: Actor, asset: AssetView) -> dict[str, Any]:
    records = _records(uow, actor, asset)
    if not records:
        raise NotFound("The asset has no stored binary")
    return records[0]


@blueprint.route("/assets/<uuid:asset_id>/binary", methods=["DELETE"])
@signed_in(Permission.DELETE_ASSET_BINARY)
@blueprint.response(204)
def delete_binary(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> ResponseReturnValue:
    """Let go of the stored bytes of an asset, and of all records of others; bytes go when nothing else has them.

    Files in pools stay.
    """
    require_on_asset(uow, actor, asset_id, Permission.DELETE_ASSET_BINARY)
    asset = assets.hold_asset(uow, actor, asset_id)
    require_match(asset)
    if not asset_binaries.delete_binaries(uow, actor, asset_id) or asset.blob_sha512:
        assets.drop_content(uow, actor, asset)
    uow.commit()
    return "", 204
