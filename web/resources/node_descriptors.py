"""Kinds of node, to be read by whoever draws pipelines. No permission is needed: they tell nothing of anybody's data.

`/node-descriptors` is a list as all are; `/pipeline/node-descriptors` is the one object that the reference answers.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from marshmallow import fields

from models.bodies.fields import AnswerSchema
from models.errors import NotFound
from models.ids import printable
from models.permissions import Actor
from models.pipelines.content import CONTENT_TYPES
from models.pipelines.descriptors import NodeDescriptor
from models.services.node_kinds import custom_kinds, known_kinds
from models.services.processors import kinds_nowhere
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.pagination import page_schema, whole_envelope
from web.state import platform

blueprint = LoomBlueprint("node-descriptors", "Kinds of node that pipelines are made of")


class ContentTypeSchema(AnswerSchema):
    """A type of content between nodes."""

    id = fields.String()
    label = fields.String()
    family = fields.String()
    description = fields.String()
    is_wildcard = fields.Boolean(data_key="wildcard")


class PortSchema(AnswerSchema):
    """Where content goes in or out."""

    id = fields.String()
    label = fields.String()
    content_type = fields.String(data_key="contentType")
    cardinality = fields.String()
    is_required = fields.Boolean(data_key="required")
    group = fields.String()
    is_selective = fields.Boolean(data_key="selective")
    description = fields.String()


class ParameterSchema(AnswerSchema):
    """An option of a node."""

    key = fields.String()
    type = fields.String()
    label = fields.String()
    default = fields.Raw(data_key="defaultValue")
    description = fields.String()
    least = fields.Float(data_key="min")
    most = fields.Float(data_key="max")
    values = fields.List(fields.String())


class NodeDescriptorSchema(AnswerSchema):
    """A kind of node."""

    kind = fields.String()
    name = fields.String()
    category = fields.String()
    version = fields.String()
    description = fields.String()
    capability = fields.String(metadata={"description": "What a worker must have to run it"})
    inputs = fields.List(fields.Nested(PortSchema), data_key="inputPorts")
    outputs = fields.List(fields.Nested(PortSchema), data_key="outputPorts")
    parameters = fields.List(fields.Nested(ParameterSchema))


class PaletteSchema(AnswerSchema):
    """All that pipelines are made of."""

    node_descriptors = fields.List(fields.Nested(NodeDescriptorSchema), data_key="nodeDescriptors")
    content_types = fields.List(fields.Nested(ContentTypeSchema), data_key="contentTypes")
    availability = fields.Dict()


_NODE, _TYPE = NodeDescriptorSchema(), ContentTypeSchema()


@blueprint.route("/node-descriptors", methods=["GET"])
@signed_in()
@blueprint.response(200, page_schema(NodeDescriptorSchema))
def list_descriptors(uow: UnitOfWork, _actor: Actor) -> Response:
    """List the kinds of node that workers can run."""
    return jsonify(whole_envelope([_NODE.dump(node) for node in known_kinds(uow).values()]))


@blueprint.route("/node-descriptors/<string:kind>", methods=["GET"])
@blueprint.route("/pipeline/node-descriptors/<string:kind>", methods=["GET"], endpoint="load_pipeline_descriptor")
@signed_in()
@blueprint.response(200, NodeDescriptorSchema)
def load_descriptor(uow: UnitOfWork, _actor: Actor, kind: str) -> NodeDescriptor:
    """Load a kind of node."""
    found = known_kinds(uow).get(kind)
    if found is None:
        raise NotFound(f"There is no node of the kind '{printable(kind)}'")
    return found


@blueprint.route("/pipeline/node-descriptors", methods=["GET"])
@signed_in()
@blueprint.response(200, PaletteSchema)
def load_palette(uow: UnitOfWork, _actor: Actor) -> dict[str, Any]:
    """Load all that pipelines are made of."""
    kinds = known_kinds(uow)
    custom, nowhere = custom_kinds(uow), kinds_nowhere(uow, kinds, platform().bus.workers())
    available = {
        kind: {"source": "ANNOUNCED" if kind in custom else "BUILTIN", "available": kind not in nowhere}
        for kind in kinds
    }  # fmt: skip
    return {"node_descriptors": list(kinds.values()), "content_types": CONTENT_TYPES, "availability": available}


@blueprint.route("/pipeline/content-types", methods=["GET"])
@signed_in()
@blueprint.response(200, page_schema(ContentTypeSchema))
def list_content_types(_uow: UnitOfWork, _actor: Actor) -> Response:
    """List the types of content."""
    return jsonify(whole_envelope([_TYPE.dump(each) for each in CONTENT_TYPES]))
