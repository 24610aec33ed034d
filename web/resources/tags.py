"""Tags: the labels of a space's vocabulary, and how people rate them.

All plain but deletion, which is a task for a tag that is on very many assets. Tags on assets are in `asset_tags.py`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from models.bodies.fields import ChangeSchema, Color, ElementSchema, Meta, Name, RequestSchema, Whole
from models.bodies.filters import audit_filters, text_filter
from models.entities import Tag
from models.permissions import Actor, Permission, Verb
from models.services import tags
from models.services.tags import LEAST_RATING, MOST_RATING, TAGS, update_tag
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.crud import EVERYTHING, CrudSpec, Operation, crud_blueprint
from web.pagination import Listing
from web.preconditions import require_match
from web.state import platform
from web.task_bodies import TaskSchema

_NAMESPACE = {"description": "Namespace of the tag; `default` if nothing is said"}


class TagSchema(ElementSchema):
    """A label."""

    name = fields.String()
    collection = fields.String()
    color = fields.String()


class TagCreateSchema(RequestSchema):
    """A tag to be made."""

    name = Name(required=True)
    collection = Name(metadata=_NAMESPACE)
    color = Color(allow_none=True)
    meta = Meta()


class TagUpdateSchema(ChangeSchema):
    """What can be changed of a tag."""

    name = Name()
    collection = Name()
    color = Color()
    meta = Meta()


class TagRatingSchema(RequestSchema):
    """What somebody thinks of a tag: from 1, the worst, to 5."""

    rating = Whole(least=LEAST_RATING, most=MOST_RATING, required=True)


class OwnRatingSchema(Schema):
    """What the caller thinks of a tag."""

    rating = fields.Integer()


TAG_SPEC = CrudSpec(
    path="/tags",
    resource=TAGS,
    description="Labels of assets",
    answer=TagSchema,
    create_body=TagCreateSchema,
    update_body=TagUpdateSchema,
    listing=Listing(
        sorts={
            "name": attrgetter("name"),
            "collection": attrgetter("collection"),
            "created": attrgetter("created"),
            "edited": attrgetter("edited"),
        },
        filters={
            "name": text_filter(Tag.name),
            "collection": text_filter(Tag.collection),
            **audit_filters(Tag),
        },
    ),
    operations=EVERYTHING - {Operation.DELETE},
    update=update_tag,
)
_RATING = f"{TAG_SPEC.element_path}/rating"

blueprint = crud_blueprint(TAG_SPEC)


@blueprint.route(TAG_SPEC.element_path, methods=["DELETE"])
@signed_in(Permission.DELETE_TAG)
@blueprint.response(204)
@blueprint.alt_response(202, schema=TaskSchema)
def delete_tag(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Delete a tag, and take it off all assets."""
    tag = TAGS.get(uow, actor, element_id, Verb.DELETE, lock=True)
    require_match(tag)
    task = tags.delete_tag(uow, actor, tag, platform().settings.task_max_attempts)
    uow.commit()
    return accepted(uow, actor, task, show_task) if task else ("", 204)


@blueprint.route(_RATING, methods=["POST"])
@signed_in(Permission.READ_TAG, Permission.CREATE_REACTION)
@blueprint.arguments(TagRatingSchema)
@blueprint.response(200, OwnRatingSchema)
def rate_tag(uow: UnitOfWork, actor: Actor, values: dict[str, Any], element_id: UUID) -> Response:
    """Rate a tag, from 1 to 5; an earlier rating of the caller's is replaced."""
    tags.rate(uow, actor, element_id, values["rating"])
    uow.commit()
    return jsonify(values)


@blueprint.route(_RATING, methods=["GET"])
@signed_in(Permission.READ_TAG)
@blueprint.response(200, OwnRatingSchema)
def load_rating(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Load the caller's own rating of a tag."""
    return jsonify(rating=tags.rating_of(uow, actor, element_id))


@blueprint.route(_RATING, methods=["DELETE"])
@signed_in(Permission.READ_TAG, Permission.CREATE_REACTION)
@blueprint.response(204)
def unrate_tag(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Take the caller's own rating of a tag back."""
    tags.unrate(uow, actor, element_id)
    uow.commit()
    return "", 204
