"""Tags on assets (wire contract 5.2). One tag may be on several areas of an asset, by the word of several producers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from models.bodies.fields import AnswerSchema, AreaField
from models.bodies.taggings import TaggingSchema, TaggingsSchema, producer_of, tags_wanted
from models.entities import Tag
from models.permissions import Actor, Permission
from models.services import tagging
from models.services.audit import name_users
from models.services.tagging import MOST_PLACEMENTS, Placement
from models.services.tags import tags_of
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe
from web.crud import list_answer
from web.pagination import PAGE_PARAMETERS, page_schema, read_page
from web.resources.tags import TAG_SPEC, TagSchema

Values = dict[str, Any]
_PATH = "/assets/<uuid:asset_id>/tags"
_LONGEST = 255

blueprint = LoomBlueprint("asset-tags", "Tags on assets")


class Epoch(fields.Float):
    """A moment as seconds since the epoch."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        return None if value is None else value.timestamp()


class PlacementSchema(AnswerSchema):
    """Where a tag is on an asset, and who says so."""

    placement_id = fields.UUID(data_key="placementUuid")
    area = AreaField()
    node_kind = fields.String(data_key="nodeKind", metadata={"description": "`manual` for a person"})
    node_id = fields.String(data_key="nodeId")
    producer_version = fields.String(data_key="producerVersion")
    confidence = fields.Float()
    attached = Epoch(metadata={"description": "Seconds since the epoch"})
    attached_by = fields.UUID(data_key="attachedBy")


class AssetTagSchema(TagSchema):
    """A tag with where it is on an asset."""

    placements = fields.List(
        fields.Nested(PlacementSchema), metadata={"description": f"The oldest {MOST_PLACEMENTS} of them"}
    )


class NewPlacementSchema(TagSchema, PlacementSchema):
    """A tag as it was just put on an asset."""


class TaggedSchema(Schema):
    """What became of it: how many tags were asked for, and how many placements are new or changed, and gone."""

    tags = fields.List(fields.Nested(TagSchema))
    total = fields.Integer()
    applied = fields.Integer()
    withdrawn = fields.Integer()


_ASSET_TAG, _TAG, _PLACEMENT, _TAGGED = AssetTagSchema(), TagSchema(), PlacementSchema(), TaggedSchema()


@blueprint.route(_PATH, methods=["GET"])
@describe("List the tags of an asset, each once, with where it is", *PAGE_PARAMETERS)
@signed_in(Permission.READ_ASSET, Permission.READ_TAG)
@blueprint.response(200, page_schema(AssetTagSchema))
def list_asset_tags(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """List tags."""
    request = read_page(TAG_SPEC.listing)
    page = tags_of(uow, actor, asset_id, request)
    placements = tagging.placements_of(uow, asset_id, page.elements)
    for tag in page.elements:
        tag.placements = placements[tag.id]
    return list_answer(uow, actor, _ASSET_TAG, page, request)


@blueprint.route(_PATH, methods=["POST"])
@signed_in(Permission.TAG_ASSET)
@blueprint.arguments(TaggingSchema)
@blueprint.response(201, NewPlacementSchema)
@blueprint.alt_response(200, schema=NewPlacementSchema)
def tag_asset(uow: UnitOfWork, actor: Actor, values: Values, asset_id: UUID) -> Response:
    """Put a tag on an asset; the same tag at the same place by the same producer is there only once."""
    tag, placement, is_new = tagging.tag_asset(uow, actor, asset_id, values)
    answer = _placed(uow, actor, tag, placement)
    uow.commit()
    answer.status_code = 201 if is_new else 200
    return answer


@blueprint.route(_PATH, methods=["PUT"])
@signed_in(Permission.READ_ASSET)
@blueprint.arguments(TaggingsSchema)
@blueprint.response(200, TaggedSchema)
def apply_tags(uow: UnitOfWork, actor: Actor, values: Values, asset_id: UUID) -> Response:
    """Put tags on an asset and take others off, in one go; needs TAG_ASSET and UNTAG_ASSET for what it does."""
    applied = tagging.apply_tags(uow, actor, asset_id, tags_wanted(values), values["withdraw"], producer_of(values))
    name_users(uow, actor, applied.tags)
    answer = jsonify(_TAGGED.dump(applied))
    uow.commit()
    return answer


@blueprint.route(f"{_PATH}/<uuid:tag_id>", methods=["DELETE"])
@signed_in(Permission.UNTAG_ASSET)
@blueprint.response(204)
def untag_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID, tag_id: UUID) -> ResponseReturnValue:
    """Take a tag off an asset, wherever on it it is; the tag itself stays."""
    tagging.untag_asset(uow, actor, asset_id, tag_id)
    uow.commit()
    return "", 204


@blueprint.route("/assets/<uuid:asset_id>/tag-placements/<uuid:placement_id>", methods=["DELETE"])
@signed_in(Permission.UNTAG_ASSET)
@blueprint.response(204)
def remove_placement(uow: UnitOfWork, actor: Actor, asset_id: UUID, placement_id: UUID) -> ResponseReturnValue:
    """Take a tag off one place on an asset."""
    tagging.remove_placement(uow, actor, asset_id, placement_id)
    uow.commit()
    return "", 204


def _placed(uow: UnitOfWork, actor: Actor, tag: Tag, placement: Placement) -> Response:
    name_users(uow, actor, [tag])
    return jsonify({**_TAG.dump(tag), **_PLACEMENT.dump(placement)})
