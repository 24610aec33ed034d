"""Many assets at once: made and changed by tasks that read a list of any length, and looked up by their hashes."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from marshmallow import fields, validate

from models.bodies.bulk import BulkCreateItemSchema, BulkUpdateItemSchema
from models.bodies.fields import AnswerSchema, RequestSchema, Sha512
from models.entities import Task, TaskState
from models.errors import InvalidInput, UnsupportedMedia
from models.messages import BULK_CREATE, BULK_UPDATE, TaskKind
from models.payloads import BulkAssets
from models.permissions import Actor, Permission
from models.services import assets
from models.services.bulk_answers import bulk_items, bulk_result
from models.services.unwanted import find_blacklisted
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, require_success
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe
from web.task_bodies import TaskSchema
from web.upload_tasks import discarded_on_error, receive_upload, submit_upload

_MOST_HASHES = 10_000
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines")

_BAD_BODIES = ("bad-json", "validation", "item-too-large")
_TITLES = {BULK_CREATE.name: "Create assets of a list", BULK_UPDATE.name: "Change assets of a list"}

blueprint = LoomBlueprint("asset-bulk", "Many assets at once")


class BulkItemSchema(AnswerSchema):
    """What became of one item."""

    index = fields.Integer(metadata={"description": "Its place in the request"})
    uuid = fields.UUID()
    sha512 = fields.String()
    client_ref = fields.String(data_key="clientRef")
    status = fields.String(validate=validate.OneOf(["CREATED", "UPDATED", "FAILED"]))
    code = fields.String(metadata={"description": "Of a failure; `duplicate`: `uuid` is the asset that was there"})
    error = fields.String()


class BulkSchema(AnswerSchema):
    """What became of a bulk request."""

    items = fields.List(fields.Nested(BulkItemSchema))
    total = fields.Integer()
    created = fields.Integer(metadata={"description": "Made, or changed"})
    existing = fields.Integer(metadata={"description": "Among the failed: those that there was an asset of"})
    failed = fields.Integer()


class HashLookupSchema(RequestSchema):
    """Hashes to be looked up."""

    hashes = fields.List(Sha512(), required=True, validate=validate.Length(max=_MOST_HASHES))


class HashStateSchema(AnswerSchema):
    """What is known of one content."""

    index = fields.Integer(metadata={"description": "Its place in the request"})
    sha512 = fields.String()
    status = fields.String(validate=validate.OneOf(["KNOWN", "UNKNOWN", "BLACKLISTED"]))
    uuid = fields.UUID()


class HashStatesSchema(AnswerSchema):
    """What is known of each content."""

    items = fields.List(fields.Nested(HashStateSchema))


def _lists(item: type[RequestSchema], name: str) -> dict[str, Any]:
    """Describe a body that is a list of such items."""
    whole = RequestSchema.from_dict({"assets": fields.List(fields.Nested(item), required=True)}, name=name)
    lines = {"schema": {"type": "string", "description": "An item a line"}}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole}, _LINES[0]: lines}}}


@blueprint.route("/assets/bulk/create", methods=["POST"])
@describe(
    "Create assets that await their bytes, from a list of any length", **_lists(BulkCreateItemSchema, "BulkCreate")
)
@signed_in(Permission.CREATE_ASSET)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=BulkSchema, description="What became of the items (Prefer: wait)")
def create_many(uow: UnitOfWork, actor: Actor) -> Response:
    """Keep the list, and let a worker read it."""
    actor.require(Permission.CREATE_ASSET)
    return _submit(uow, actor, BULK_CREATE)


@blueprint.route("/assets/bulk/update", methods=["POST"])
@describe(
    "Change assets, found by their SHA-512, as a list of any length says", **_lists(BulkUpdateItemSchema, "BulkUpdate")
)
@signed_in(Permission.UPDATE_ASSET)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=BulkSchema, description="What became of the items (Prefer: wait)")
def update_many(uow: UnitOfWork, actor: Actor) -> Response:
    """Keep the list, and let a worker read it."""
    return _submit(uow, actor, BULK_UPDATE)


def _submit(uow: UnitOfWork, actor: Actor, kind: TaskKind) -> Response:
    is_lines = request.mimetype in _LINES
    if not is_lines and not request.is_json:
        raise UnsupportedMedia(f"The body must be application/json or {_LINES[0]}")
    received = receive_upload()
    with discarded_on_error(received):
        payload = BulkAssets(
            pieces=received.pieces, filename=received.filename, format="ndjson" if is_lines else "json"
        )
        task = submit_upload(uow, actor, received, kind, payload, None, _TITLES[kind.name])
    return accepted(uow, actor, task, _finished)


def _finished(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
    """Answer 200 whatever the fate of the items; a body that was none is an error."""
    if task.error_code in _BAD_BODIES:
        raise InvalidInput(str(task.error_message), code=task.error_code)
    if task.error_code or task.state == TaskState.CANCELLED:
        require_success(task)
    return jsonify({"items": bulk_items(uow, task.id, task.kind), **bulk_result(uow, task.id)})


@blueprint.route("/assets/bulk/check", methods=["POST"])
@signed_in(Permission.READ_ASSET)
@blueprint.arguments(HashLookupSchema)
@blueprint.response(200, HashStatesSchema)
def check_hashes(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    """Tell which of up to ten thousand contents are known, unknown or blacklisted."""
    hashes = values["hashes"]
    listed = find_blacklisted(uow, actor.space_id, hashes)
    known = assets.find_readable(uow, actor, hashes)
    return jsonify({"items": [_known(*each, listed, known) for each in enumerate(hashes)]})


def _known(index: int, sha512: str, listed: set[str], known: dict[str, Any]) -> dict[str, Any]:
    if sha512 in listed:
        return {"index": index, "sha512": sha512, "status": "BLACKLISTED"}
    if sha512 in known:
        return {"index": index, "sha512": sha512, "status": "KNOWN", "uuid": str(known[sha512])}
    return {"index": index, "sha512": sha512, "status": "UNKNOWN"}
