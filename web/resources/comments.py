"""Comments. The five verbs are plain; comments are also made and listed below assets and annotations."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from models.bodies.fields import AnswerSchema, ChangeSchema, ElementSchema, Meta, RequestSchema, Text
from models.bodies.filters import audit_filters, text_filter, uuid_filter
from models.entities import Comment
from models.permissions import Actor, Permission
from models.services.annotations import ANNOTATIONS
from models.services.asset_access import require_on_asset
from models.services.comments import COMMENTS, create_comment
from models.services.social import social_of
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, crud_blueprint, element_answer, list_answer
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.sparse import FIELDS_PARAMETER


class RatingSchema(AnswerSchema):
    """What people think."""

    stars = fields.Float(metadata={"description": "Mean of the reactions of type RATING"})
    up_votes = fields.Integer(attribute="upVotes", data_key="upVotes")
    down_votes = fields.Integer(attribute="downVotes", data_key="downVotes")


class SocialSchema(AnswerSchema):
    """How people have reacted."""

    rating = fields.Nested(RatingSchema)
    reactions = fields.Dict(keys=fields.String(), values=fields.Integer())


class CommentSchema(ElementSchema):
    """What somebody says."""

    title = fields.String()
    text = fields.String()
    parent_id = fields.UUID(data_key="parentUuid")
    asset_id = fields.UUID(data_key="assetUuid")
    annotation_id = fields.UUID(data_key="annotationUuid")
    social = fields.Nested(SocialSchema)


class PlacedCommentSchema(RequestSchema):
    """A comment on what the path names."""

    title = Text(longest=1024, allow_none=True)
    text = Text(required=True, shortest=1)
    parent_id = fields.UUID(data_key="parentUuid", allow_none=True)
    meta = Meta()


class CommentCreateSchema(PlacedCommentSchema):
    """A comment to be made: on an asset, an annotation, in answer to another one, or on nothing in particular."""

    asset_id = fields.UUID(data_key="assetUuid", allow_none=True)
    annotation_id = fields.UUID(data_key="annotationUuid", allow_none=True)


class CommentUpdateSchema(ChangeSchema):
    """What can be changed of a comment."""

    title = Text(longest=1024)
    text = Text(shortest=1)
    meta = Meta()


def add_social(uow: UnitOfWork, actor: Actor, comments: Sequence[Comment]) -> None:
    """Fill in how people have reacted to comments: one query for a whole page."""
    social = social_of(uow, actor, Comment, [comment.id for comment in comments])
    for comment in comments:
        comment.social = comment.shown_besides = social.get(comment.id)


COMMENT_SPEC = CrudSpec(
    path="/comments",
    resource=COMMENTS,
    description="Comments",
    answer=CommentSchema,
    create_body=CommentCreateSchema,
    update_body=CommentUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "text": text_filter(Comment.text),
            "asset": uuid_filter(Comment.asset_id),
            "annotation": uuid_filter(Comment.annotation_id),
            "parent": uuid_filter(Comment.parent_id),
            **audit_filters(Comment),
        },
    ),
    create=create_comment,
    complete=add_social,
)
_SCHEMA = CommentSchema()
_OF_ASSET, _OF_ANNOTATION = "/assets/<uuid:asset_id>/comments", "/annotations/<uuid:annotation_id>/comments"

blueprint = crud_blueprint(COMMENT_SPEC)


@blueprint.route(_OF_ASSET, methods=["GET"])
@describe("List the comments on an asset", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET, Permission.READ_COMMENT)
@blueprint.response(200, page_schema(CommentSchema))
def list_asset_comments(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """List comments."""
    require_on_asset(uow, actor, asset_id, Permission.READ_COMMENT)
    request = read_page(COMMENT_SPEC.listing).where(Comment.asset_id == asset_id, Comment.annotation_id.is_(None))
    return list_answer(uow, actor, _SCHEMA, COMMENT_SPEC.page(uow, actor, request), request)


@blueprint.route(_OF_ASSET, methods=["POST"])
@signed_in(Permission.CREATE_COMMENT)
@blueprint.arguments(PlacedCommentSchema)
@blueprint.response(201, CommentSchema)
def comment_on_asset(uow: UnitOfWork, actor: Actor, values: dict[str, Any], asset_id: UUID) -> Response:
    """Comment on an asset."""
    return _created(uow, actor, {**values, "asset_id": asset_id})


@blueprint.route(_OF_ANNOTATION, methods=["GET"])
@describe("List the comments on an annotation", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ANNOTATION, Permission.READ_COMMENT)
@blueprint.response(200, page_schema(CommentSchema))
def list_annotation_comments(uow: UnitOfWork, actor: Actor, annotation_id: UUID) -> Response:
    """List comments."""
    ANNOTATIONS.get(uow, actor, annotation_id)
    request = read_page(COMMENT_SPEC.listing).where(Comment.annotation_id == annotation_id)
    return list_answer(uow, actor, _SCHEMA, COMMENT_SPEC.page(uow, actor, request), request)


@blueprint.route(_OF_ANNOTATION, methods=["POST"])
@signed_in(Permission.READ_ANNOTATION, Permission.CREATE_COMMENT)
@blueprint.arguments(PlacedCommentSchema)
@blueprint.response(201, CommentSchema)
def comment_on_annotation(uow: UnitOfWork, actor: Actor, values: dict[str, Any], annotation_id: UUID) -> Response:
    """Comment on an annotation."""
    ANNOTATIONS.get(uow, actor, annotation_id)
    return _created(uow, actor, {**values, "annotation_id": annotation_id})


def _created(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    comment = create_comment(uow, actor, values)
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, COMMENT_SPEC.completed(uow, actor, comment), 201)
