"""Pipelines, as they are stored, and their versions. The five verbs are plain; every change appends a version."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from marshmallow import fields, validate

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
from models.errors import InvalidInput
from models.ids import printable
from models.permissions import Actor, Permission, Verb
from models.pipelines.problems import Problem
from models.pipelines.triggers import Trigger
from models.services import pipelines
from models.services.graphs import examined
from models.services.pipelines import PIPELINES
from models.services.processors import kinds_nowhere
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe, query
from web.crud import CrudSpec, crud_blueprint
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, raw_envelope, read_cursor, read_limit
from web.state import platform

_MOST_PRIORITY = 1_000_000
_MOST_CHOICES = 100


class TriggerSchema(RequestSchema):
    """When it runs by itself, and for which assets; empty lists leave nobody out."""

    auto = Flag(metadata={"description": "On assets as soon as they have bytes; of several the highest priority wins"})
    schedule = Text(
        allow_none=True, longest=100,
        metadata={"description": "On all that it is for: a cron expression (UTC) or an interval such as 15m"},
    )  # fmt: skip
    mime_types = fields.List(
        Text(shortest=1, longest=255), data_key="mimeTypes", validate=validate.Length(max=_MOST_CHOICES),
        metadata={"description": "Patterns such as image/*"},
    )  # fmt: skip
    pool_uuids = fields.List(fields.UUID(), data_key="poolUuids", validate=validate.Length(max=_MOST_CHOICES))
    library_uuids = fields.List(fields.UUID(), data_key="libraryUuids", validate=validate.Length(max=_MOST_CHOICES))


class TriggerField(fields.Nested):
    """A trigger, kept as JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(TriggerSchema, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, partial: Any = None, **more: Any) -> Any:
        found = super()._deserialize(value, attr, data, partial)
        return Trigger(**found).model_dump(mode="json", exclude_none=True)


class PipelineSchema(ElementSchema):
    """A graph of nodes that works on assets: its newest version."""

    name = fields.String()
    description = fields.String()
    enabled = Flag()
    priority = fields.Integer()
    dry_run = Flag(data_key="dryRun")
    definition = fields.Dict()
    trigger = TriggerField()
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
    trigger = TriggerField(allow_none=True)
    meta = Meta()


class PipelineUpdateSchema(ChangeSchema):
    """What can be changed of a pipeline."""

    name = Name()
    description = Text()
    enabled = Flag()
    priority = Whole(least=-_MOST_PRIORITY, most=_MOST_PRIORITY)
    dry_run = Flag(data_key="dryRun")
    definition = Meta()
    trigger = TriggerField()
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
    trigger = TriggerField()
    created = Instant()
    creator_id = fields.UUID(data_key="creatorUuid")


class RestoreSchema(RequestSchema):
    """How a version that is restored is called; null is not said."""

    name = Name(allow_none=True)
    description = Text(allow_none=True)


class DefinitionSchema(RequestSchema):
    """A definition that is to be looked at and not kept."""

    definition = Meta(required=True, metadata={"description": "`nodes` with id and type, and `edges` between them"})


class ProblemSchema(AnswerSchema):
    """One thing that is wrong, and where."""

    code = fields.String()
    message = fields.String()
    node_id = fields.String(data_key="nodeId")
    edge_id = fields.String(data_key="edgeId")
    option = fields.String()


class ExaminedSchema(AnswerSchema):
    """All that is wrong with a definition. Errors forbid to keep it, warnings to run it."""

    valid = fields.Boolean()
    errors = fields.List(fields.Nested(ProblemSchema))
    warnings = fields.List(fields.Nested(ProblemSchema))


class ChangesSchema(AnswerSchema):
    """What differs between two versions."""

    older = fields.Integer(data_key="from", attribute="from")
    newer = fields.Integer(data_key="to", attribute="to")
    told = fields.Dict(
        data_key="fields", attribute="fields", metadata={"description": "Of each field that differs, `from` and `to`"}
    )
    nodes = fields.Dict(metadata={"description": "`added`, `removed`, and `changed` with id, from and to"})
    edges = fields.Dict(metadata={"description": "`added` and `removed`"})


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


@blueprint.route(f"{PIPELINE_SPEC.path}/validate", methods=["POST"])
@signed_in(Permission.CREATE_PIPELINE)
@blueprint.arguments(DefinitionSchema)
@blueprint.response(200, ExaminedSchema)
def validate_definition(uow: UnitOfWork, _actor: Actor, values: dict[str, Any]) -> dict[str, Any]:
    """Find all that is wrong with a definition, without keeping it."""
    found = examined(uow, values["definition"])
    warnings = [*found.warnings, *_unavailable(uow, values["definition"])]
    return {"valid": not found.errors, "errors": found.errors, "warnings": warnings}


def _unavailable(uow: UnitOfWork, definition: dict[str, Any]) -> Iterator[Problem]:
    """Yield the nodes of kinds that no worker has now: such a graph can be kept, and not run."""
    listed = definition.get("nodes")
    nodes = [node for node in listed if isinstance(node, dict)] if isinstance(listed, list) else []
    kinds = {str(node.get("id")): str(node.get("type") or node.get("kind")) for node in nodes}
    nowhere = kinds_nowhere(uow, set(kinds.values()), platform().bus.workers())
    for node_id, kind in kinds.items():
        if kind in nowhere:
            yield Problem("KIND_UNAVAILABLE", f"No worker has the kind '{kind}' now", node_id=node_id)


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


@blueprint.route(f"{_VERSIONS}/<int:number>/changes", methods=["GET"])
@describe("Compare two versions of a pipeline", query("since", "integer", "The older one; else the one before"))
@signed_in(Permission.READ_PIPELINE, Permission.READ_PIPELINE_VERSION)
@blueprint.response(200, ChangesSchema)
def compare_versions(uow: UnitOfWork, actor: Actor, element_id: UUID, number: int) -> dict[str, Any]:
    """Tell what differs between a version and another one."""
    pipeline = PIPELINES.get(uow, actor, element_id)
    newer = pipelines.get_version(uow, pipeline, number)
    older = pipelines.get_version(uow, pipeline, _read_since(number))
    return pipelines.changes_between(older, newer)


def _read_since(number: int) -> int:
    text = request.args.get("since")
    if text is None:
        return max(1, number - 1)
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(f"since: '{printable(text)}' is not the number of a version")
    return int(text[:18])
