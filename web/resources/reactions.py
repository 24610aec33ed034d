"""Reactions: the same five routes below assets, comments and annotations, and a flat list of all.

Any word is a type. The six of the reference are THUMBSUP, THUMBSDOWN, PLUS_ONE, MINUS_ONE, SATISFIED and RATING.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, RequestSchema, Text, Whole
from models.bodies.filters import audit_filters, text_filter, uuid_filter
from models.entities import Reaction
from models.permissions import Actor, Permission, Verb
from models.services import reactions
from models.services.reactions import REACTIONS, Target
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, Operation, cleared, crud_blueprint, element_answer, list_answer
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.preconditions import require_match

_LONGEST_TYPE = 64
_LOWEST_RATING, _HIGHEST_RATING = -100, 100


class ReactionSchema(ElementSchema):
    """A short word about an asset, a comment or an annotation."""

    type = fields.String()
    rating = fields.Integer()
    asset_id = fields.UUID(data_key="assetUuid")
    comment_id = fields.UUID(data_key="commentUuid")
    annotation_id = fields.UUID(data_key="annotationUuid")


class ReactionCreateSchema(RequestSchema):
    """How somebody reacts."""

    type = Text(required=True, shortest=1, longest=_LONGEST_TYPE)
    rating = Whole(least=_LOWEST_RATING, most=_HIGHEST_RATING, allow_none=True)
    meta = Meta()


class ReactionUpdateSchema(ChangeSchema):
    """What can be changed of a reaction."""

    type = Text(shortest=1, longest=_LONGEST_TYPE)
    rating = Whole(least=_LOWEST_RATING, most=_HIGHEST_RATING)
    meta = Meta()


REACTION_SPEC = CrudSpec(
    path="/reactions",
    resource=REACTIONS,
    description="Reactions to assets, comments and annotations",
    answer=ReactionSchema,
    create_body=ReactionCreateSchema,
    update_body=ReactionUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "type": text_filter(Reaction.type),
            "asset": uuid_filter(Reaction.asset_id),
            **audit_filters(Reaction),
        },
    ),
    operations=frozenset({Operation.LIST, Operation.LOAD}),
)
_SCHEMA = ReactionSchema()
_REPLACEMENT = ReactionUpdateSchema(is_replacement=True)

blueprint = crud_blueprint(REACTION_SPEC)


@blueprint.route(REACTION_SPEC.element_path, methods=["DELETE"])
@signed_in(Permission.READ_REACTION)
@blueprint.response(204)
def delete_reaction(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Delete a reaction of one's own, or of anybody's with the permission for that."""
    return _delete(uow, actor, reactions.get_own(uow, actor, element_id, Verb.DELETE))


@dataclass(frozen=True)
class Reactable:
    """A kind of element that people react to. `find` gives one that the actor sees."""

    name: str
    plural: str
    read: Permission
    find: Callable[[UnitOfWork, Actor, UUID], Target]

    @property
    def path(self) -> str:
        """Where the reactions to one are."""
        return f"/{self.plural}/<uuid:target_id>/reactions"


_REACTABLES = (
    Reactable("an asset", "assets", Permission.READ_ASSET, reactions.asset_target),
    Reactable("a comment", "comments", Permission.READ_COMMENT, reactions.comment_target),
    Reactable("an annotation", "annotations", Permission.READ_ANNOTATION, reactions.annotation_target),
)


def _add_collection(kind: Reactable) -> None:
    @blueprint.route(kind.path, methods=["GET"], endpoint=f"list_{kind.plural}_reactions")
    @describe(f"List the reactions to {kind.name}", *PAGE_PARAMETERS)
    @signed_in(kind.read, Permission.READ_REACTION)
    @blueprint.response(200, page_schema(ReactionSchema))
    def list_reactions(uow: UnitOfWork, actor: Actor, target_id: UUID) -> Response:
        request = read_page(REACTION_SPEC.listing).where(kind.find(uow, actor, target_id).condition())
        return list_answer(uow, actor, _SCHEMA, REACTIONS.page(uow, actor, request), request)

    @blueprint.route(kind.path, methods=["POST"], endpoint=f"react_to_{kind.plural}")
    @describe(f"React to {kind.name}; 200 if there is a reaction of this type already, which takes over the rating")
    @signed_in(kind.read, Permission.CREATE_REACTION)
    @blueprint.arguments(ReactionCreateSchema)
    @blueprint.response(201, ReactionSchema)
    @blueprint.alt_response(200, schema=ReactionSchema)
    def react(uow: UnitOfWork, actor: Actor, values: dict[str, Any], target_id: UUID) -> Response:
        reaction, is_new = reactions.react(uow, actor, kind.find(uow, actor, target_id), values)
        uow.commit()
        return element_answer(uow, actor, _SCHEMA, reaction, 201 if is_new else 200)


def _add_element(kind: Reactable) -> None:
    path = f"{kind.path}/<uuid:reaction_id>"

    @blueprint.route(path, methods=["GET"], endpoint=f"load_{kind.plural}_reaction")
    @describe(f"Load a reaction to {kind.name}")
    @signed_in(kind.read, Permission.READ_REACTION)
    @blueprint.response(200, ReactionSchema)
    def load(uow: UnitOfWork, actor: Actor, target_id: UUID, reaction_id: UUID) -> Response:
        target = kind.find(uow, actor, target_id)
        return element_answer(uow, actor, _SCHEMA, reactions.get_reaction(uow, actor, target, reaction_id))

    @blueprint.route(path, methods=["POST", "PATCH"], endpoint=f"update_{kind.plural}_reaction")
    @describe(f"Change a reaction to {kind.name}")
    @signed_in(kind.read, Permission.READ_REACTION)
    @blueprint.arguments(ReactionUpdateSchema)
    @blueprint.response(200, ReactionSchema)
    def update(uow: UnitOfWork, actor: Actor, values: dict[str, Any], target_id: UUID, reaction_id: UUID) -> Response:
        return _update(uow, actor, kind.find(uow, actor, target_id), reaction_id, values)

    @blueprint.route(path, methods=["PUT"], endpoint=f"replace_{kind.plural}_reaction")
    @describe(f"Replace a reaction to {kind.name}")
    @signed_in(kind.read, Permission.READ_REACTION)
    @blueprint.arguments(_REPLACEMENT)
    @blueprint.response(200, ReactionSchema)
    def replace(uow: UnitOfWork, actor: Actor, values: dict[str, Any], target_id: UUID, reaction_id: UUID) -> Response:
        whole = cleared(Reaction, _REPLACEMENT, values)
        return _update(uow, actor, kind.find(uow, actor, target_id), reaction_id, whole)

    @blueprint.route(path, methods=["DELETE"], endpoint=f"delete_{kind.plural}_reaction")
    @describe(f"Delete a reaction to {kind.name}")
    @signed_in(kind.read, Permission.READ_REACTION)
    @blueprint.response(204)
    def delete(uow: UnitOfWork, actor: Actor, target_id: UUID, reaction_id: UUID) -> ResponseReturnValue:
        target = kind.find(uow, actor, target_id)
        return _delete(uow, actor, reactions.get_reaction(uow, actor, target, reaction_id, Verb.DELETE))


def _update(uow: UnitOfWork, actor: Actor, target: Target, reaction_id: UUID, values: dict[str, Any]) -> Response:
    reaction = reactions.get_reaction(uow, actor, target, reaction_id, Verb.UPDATE)
    require_match(reaction)
    reactions.update_reaction(uow, actor, reaction, values)
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, reaction)


def _delete(uow: UnitOfWork, actor: Actor, reaction: Reaction) -> ResponseReturnValue:
    require_match(reaction)
    REACTIONS.delete(uow, actor, reaction)
    uow.commit()
    return "", 204


for _kind in _REACTABLES:
    _add_collection(_kind)
    _add_element(_kind)
