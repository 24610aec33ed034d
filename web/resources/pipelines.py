"""Pipelines, as they are stored, and their versions. The five verbs are plain; every change appends a version."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from marshmallow import fields

from models.bodies.fields import (
    AnswerSchema,
    ChangeSchema,
    ElementSchema,
    Flag,
    Instant,
    Meta,
    Name,
    RequestSchema,
    Text,
    Whole,
)
from models.bodies.filters import audit_filters, bool_filter, number_filter, text_filter
from models.entities import Pipeline
from models.permissions import Actor, Permission, Verb
from models.services import pipelines
from models.services.pipelines import PIPELINES
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, crud_blueprint
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, raw_envelope, read_cursor, read_limit

_MOST_PRIORITY = 1_000_000


class PipelineSchema(ElementSchema):
    """A graph of nodes that works on assets: its newest version."""

    name = fields.String()
    description = fields.String()
    enabled = Flag()
    priority = fields.Integer()
    dry_run = Flag(data_key="dryRun")
    definition = fields.Dict()
    version_id = fields.UUID(data_key="versionUuid")
    version_number = fields.Integer(data_key="versionNumber")


class PipelineCreateSchema(RequestSchema):
    """A pipeline to be made."""

    name = Name(required=True)
    description = Text(allow_none=True)
    enabled = Flag()
    priority = Whole(least=-_MOST_PRIORITY, most=_MOST_PRIORITY)
    dry_run = Flag(data_key="dryRun")
    definition = Meta(allow_none=True, metadata={"description": "`nodes` with id and type, and `edges` between them"})
    meta = Meta()


class PipelineUpdateSchema(ChangeSchema):
    """What can be changed of a pipeline."""

    name = Name()
    description = Text()
    enabled = Flag()
    priority = Whole(least=-_MOST_PRIORITY, most=_MOST_PRIORITY)
    dry_run = Flag(data_key="dryRun")
    definition = Meta()
    meta = Meta()


class PipelineVersionSchema(AnswerSchema):
    """What a pipeline was, or is."""

    uuid = fields.UUID(attribute="id")
    number = fields.Integer()
    name = fields.String()
    description = fields.String()
    enabled = Flag()
    priority = fields.Integer()
    dry_run = Flag(data_key="dryRun")
    definition = fields.Dict()
    created = Instant()
    creator_id = fields.UUID(data_key="creatorUuid")


class RestoreSchema(RequestSchema):
    """How a version that is restored is called; null is not said."""

    name = Name(allow_none=True)
    description = Text(allow_none=True)


PIPELINE_SPEC = CrudSpec(
    path="/pipelines",
    resource=PIPELINES,
    description="Pipelines: graphs of nodes that work on assets",
    answer=PipelineSchema,
    create_body=PipelineCreateSchema,
    update_body=PipelineUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Pipeline.name),
            "enabled": bool_filter(Pipeline.enabled),
            "dry_run": bool_filter(Pipeline.dry_run),
            "priority": number_filter(Pipeline.priority),
            **audit_filters(Pipeline),
        },
    ),
    create=pipelines.create_pipeline,
    update=pipelines.update_pipeline,
)
_VERSIONS = f"{PIPELINE_SPEC.element_path}/versions"
_VERSION = PipelineVersionSchema()

blueprint = crud_blueprint(PIPELINE_SPEC)


@blueprint.route(_VERSIONS, methods=["GET"])
@describe("List the versions of a pipeline, the oldest first", *PAGE_PARAMETERS[:2])
@signed_in(Permission.READ_PIPELINE, Permission.READ_PIPELINE_VERSION)
@blueprint.response(200, page_schema(PipelineVersionSchema))
def list_versions(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """List versions."""
    limit, after = read_limit(), read_cursor()
    pipeline = PIPELINES.get(uow, actor, element_id)
    found, total = pipelines.list_versions(uow, pipeline, limit, after)
    bodies = [_VERSION.dump(version) for version in found]
    return jsonify(raw_envelope(bodies, total, limit, *(version.id for version in found[-1:])))


@blueprint.route(f"{_VERSIONS}/<int:number>", methods=["GET"])
@signed_in(Permission.READ_PIPELINE, Permission.READ_PIPELINE_VERSION)
@blueprint.response(200, PipelineVersionSchema)
def load_version(uow: UnitOfWork, actor: Actor, element_id: UUID, number: int) -> Any:
    """Load one version of a pipeline."""
    return pipelines.get_version(uow, PIPELINES.get(uow, actor, element_id), number)


@blueprint.route(f"{_VERSIONS}/<int:number>/restore", methods=["POST"])
@signed_in(Permission.UPDATE_PIPELINE, Permission.RESTORE_PIPELINE_VERSION)
@blueprint.arguments(RestoreSchema)
@blueprint.response(201, PipelineVersionSchema)
def restore_version(
    uow: UnitOfWork, actor: Actor, values: dict[str, Any], element_id: UUID, number: int
) -> Any:  # fmt: skip
    """Make a version of the past the newest one again."""
    pipeline = PIPELINES.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    named = {name: value for name, value in values.items() if value is not None}
    version = pipelines.restore_version(uow, actor, pipeline, number, named)
    uow.commit()
    return version
