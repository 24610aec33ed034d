"""The indexes that searches use, for operators: how they are, and work on them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields, validate

from models.bodies.fields import AnswerSchema, RequestSchema
from models.permissions import Actor, Permission
from models.services import search_indices
from models.services.search_indices import ACTIONS, Job
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.pagination import page_schema, whole_envelope
from web.state import platform

Values = dict[str, Any]
_ELEMENT = "/search-indices/<string:index_id>"

blueprint = LoomBlueprint("search-indices", "Indexes that searches use")


class SearchIndexSchema(AnswerSchema):
    """An index. Counts are of the caller's space."""

    id = fields.String()
    provider = fields.String()
    available = fields.Boolean()
    document_count = fields.Integer(data_key="documentCount")
    dirty_count = fields.Integer(
        data_key="dirtyCount", metadata={"description": "Changes that it does not have yet"}
    )  # fmt: skip
    last_sync = fields.Dict(
        data_key="lastSync", metadata={"description": "What the last comparison with the database has found"}
    )


class JobCreateSchema(RequestSchema):
    """What is to be done."""

    action = fields.String(required=True, validate=validate.OneOf(ACTIONS))


class JobSchema(AnswerSchema):
    """Work on an index: a task."""

    uuid = fields.UUID()
    index_id = fields.String(data_key="indexId")
    action = fields.String()
    state = fields.String(metadata={"description": "PENDING, RUNNING, SUCCEEDED, FAILED or CANCELLED"})
    processed = fields.Integer()
    total = fields.Integer()
    removed = fields.Integer()
    started_at = fields.Float(data_key="startedAt")
    finished_at = fields.Float(data_key="finishedAt")
    error = fields.String()


@blueprint.route("/search-indices", methods=["GET"])
@signed_in(Permission.READ_SEARCH_INDEX)
@blueprint.response(200, page_schema(SearchIndexSchema))
def list_indices(uow: UnitOfWork, actor: Actor) -> Response:
    """List the indexes."""
    found = search_indices.list_indices(uow, platform().search, platform().vectors, actor)
    return jsonify(whole_envelope(SearchIndexSchema(many=True).dump(found)))


@blueprint.route(_ELEMENT, methods=["GET"])
@signed_in(Permission.READ_SEARCH_INDEX)
@blueprint.response(200, SearchIndexSchema)
def load_index(uow: UnitOfWork, actor: Actor, index_id: str) -> Any:
    """Load an index."""
    return search_indices.find_index(uow, platform().search, platform().vectors, actor, index_id)


@blueprint.route(f"{_ELEMENT}/jobs", methods=["GET"])
@signed_in(Permission.READ_SEARCH_INDEX)
@blueprint.response(200, page_schema(JobSchema))
def list_jobs(uow: UnitOfWork, actor: Actor, index_id: str) -> Response:
    """List the last jobs of an index, the newest first."""
    return jsonify(whole_envelope(JobSchema(many=True).dump(search_indices.list_jobs(uow, actor, index_id))))


@blueprint.route(f"{_ELEMENT}/jobs", methods=["POST"])
@signed_in(Permission.MANAGE_SEARCH_INDEX)
@blueprint.arguments(JobCreateSchema)
@blueprint.response(202, JobSchema)
def start_job(uow: UnitOfWork, actor: Actor, values: Values, index_id: str) -> Job:
    """Build an index anew beside the live one, compare and mend it, or let go of it."""
    attempts = platform().settings.task_max_attempts
    job = search_indices.start_job(uow, actor, index_id, values["action"], attempts)
    uow.commit()
    return job


@blueprint.route(f"{_ELEMENT}/jobs/<uuid:job_id>", methods=["GET"])
@signed_in(Permission.READ_SEARCH_INDEX)
@blueprint.response(200, JobSchema)
def load_job(uow: UnitOfWork, actor: Actor, index_id: str, job_id: UUID) -> Job:
    """Load a job."""
    return search_indices.find_job(uow, actor, index_id, job_id)


@blueprint.route(f"{_ELEMENT}/jobs/<uuid:job_id>", methods=["DELETE"])
@signed_in(Permission.MANAGE_SEARCH_INDEX)
@blueprint.response(204)
def cancel_job(uow: UnitOfWork, actor: Actor, index_id: str, job_id: UUID) -> ResponseReturnValue:
    """Ask a job to stop."""
    search_indices.cancel_job(uow, actor, index_id, job_id)
    uow.commit()
    return "", 204
