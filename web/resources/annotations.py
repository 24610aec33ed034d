"""Annotations. The five verbs are plain; they are also made and listed below their asset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Select, select, true
from sqlalchemy.orm import aliased

from models.bodies.annotations import TYPES, AssetAnnotationCreateSchema
from models.bodies.fields import AreaField, ChangeSchema, ElementSchema, Meta, RequestSchema, Text
from models.bodies.filters import audit_filters, text_filter, uuid_filter
from models.entities import Annotation, Comment
from models.permissions import Actor, Permission, Verb
from models.services.annotations import ANNOTATIONS
from models.services.asset_access import require_on_asset
from models.services.audit import name_users
from models.services.comments import COMMENTS
from models.services.social import social_of
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, crud_blueprint, element_answer, list_answer
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.resources.comments import CommentSchema, SocialSchema, add_social
from web.sparse import FIELDS_PARAMETER

_MOST_COMMENTS = 100
"""So many are shown with an annotation, the oldest first; all are under its `comments`."""


class AnnotationSchema(ElementSchema):
    """What somebody says about a part of an asset."""

    type = fields.String()
    title = fields.String()
    description = fields.String()
    asset_id = fields.UUID(data_key="assetUuid")
    area = AreaField()
    thumbnail = fields.String()
    tags: fields.Constant[list[Any]] = fields.Constant(
        [], metadata={"type": "array", "items": {}, "description": "Empty: assets carry the tags"}
    )
    comments = fields.List(fields.Nested(CommentSchema))
    social = fields.Nested(SocialSchema)


class AnnotationCreateSchema(RequestSchema):
    """An annotation to be made."""

    type = Text(required=True, validate=[validate.OneOf(TYPES)])
    title = Text(required=True, longest=1024)
    description = Text(allow_none=True)
    asset_id = fields.UUID(required=True, data_key="assetUuid")
    area = AreaField(allow_none=True)
    meta = Meta()


class AnnotationUpdateSchema(ChangeSchema):
    """What can be changed of an annotation."""

    type = Text(validate=[validate.OneOf(TYPES)])
    title = Text(longest=1024)
    description = Text()
    area = AreaField()
    meta = Meta()


def _complete(uow: UnitOfWork, actor: Actor, annotations: Sequence[Annotation]) -> None:
    """Fill in the comments on annotations and how people have reacted: three queries for a whole page."""
    ids = [annotation.id for annotation in annotations]
    social, comments = social_of(uow, actor, Annotation, ids), _comments(uow, actor, ids)
    for annotation in annotations:
        annotation.social, annotation.comments = social.get(annotation.id), comments[annotation.id]
        told = [(comment.id, comment.revision, comment.social) for comment in annotation.comments]
        annotation.shown_besides = (annotation.social, told)


def _comments(uow: UnitOfWork, actor: Actor, ids: Sequence[UUID]) -> Mapping[UUID | None, list[Comment]]:
    sorted_out: dict[UUID | None, list[Comment]] = defaultdict(list)
    if not ids or not actor.may_somewhere(Permission.READ_COMMENT):
        return sorted_out
    found = uow.session.execute(_oldest_comments(actor, ids)).scalars().all()
    for comment in found:
        sorted_out[comment.annotation_id].append(comment)
    name_users(uow, actor, found)
    add_social(uow, actor, found)
    return sorted_out


def _oldest_comments(actor: Actor, ids: Sequence[UUID]) -> Select[Any]:
    """Give the first comments on each annotation, however many are on the others."""
    mine = select(Comment).where(Comment.annotation_id == Annotation.id, COMMENTS.visible(actor))
    shown = mine.order_by(Comment.id).limit(_MOST_COMMENTS).lateral()
    comment = aliased(Comment, shown)
    return (
        select(comment).select_from(Annotation).join(shown, true()).where(Annotation.id.in_(ids)).order_by(comment.id)
    )


ANNOTATION_SPEC = CrudSpec(
    path="/annotations",
    resource=ANNOTATIONS,
    description="Annotations: of areas and stretches of time of assets",
    answer=AnnotationSchema,
    create_body=AnnotationCreateSchema,
    update_body=AnnotationUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "title": text_filter(Annotation.title),
            "type": text_filter(Annotation.type),
            "asset": uuid_filter(Annotation.asset_id),
            **audit_filters(Annotation),
        },
        most=100,
    ),
    complete=_complete,
)
_SCHEMA = AnnotationSchema()
_UNDER_ASSET = "/assets/<uuid:asset_id>/annotations"

blueprint = crud_blueprint(ANNOTATION_SPEC)


@blueprint.route(_UNDER_ASSET, methods=["GET"])
@describe("List the annotations of an asset", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET, Permission.READ_ANNOTATION)
@blueprint.response(200, page_schema(AnnotationSchema))
def list_asset_annotations(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """List annotations."""
    require_on_asset(uow, actor, asset_id, ANNOTATIONS.permission(Verb.READ))
    request = read_page(ANNOTATION_SPEC.listing).where(Annotation.asset_id == asset_id)
    return list_answer(uow, actor, _SCHEMA, ANNOTATION_SPEC.page(uow, actor, request), request)


@blueprint.route(_UNDER_ASSET, methods=["POST"])
@signed_in(Permission.CREATE_ANNOTATION)
@blueprint.arguments(AssetAnnotationCreateSchema)
@blueprint.response(201, AnnotationSchema)
def annotate_asset(uow: UnitOfWork, actor: Actor, values: dict[str, Any], asset_id: UUID) -> Response:
    """Annotate an asset."""
    annotation = ANNOTATIONS.create(uow, actor, {**values, "asset_id": asset_id})
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, ANNOTATION_SPEC.completed(uow, actor, annotation), 201)
