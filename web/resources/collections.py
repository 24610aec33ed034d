"""Collections: assets in an order that people give. Listing, creating and loading are plain.

Changing one may move it in the tree, which is locked before; deleting a large one is a task. Their assets are in
`collection_assets.py`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, Name, RequestSchema, Text
from models.bodies.filters import audit_filters, text_filter, uuid_filter
from models.entities import Collection
from models.permissions import Actor, Permission, Verb
from models.services import collections
from models.services.collections import COLLECTIONS, create_collection
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.crud import CrudSpec, Operation, cleared, crud_blueprint, element_answer
from web.pagination import Listing
from web.preconditions import require_match
from web.searching import StoredQuery
from web.state import platform
from web.task_bodies import TaskSchema

Values = dict[str, Any]


class CollectionSchema(ElementSchema):
    """A curated set of assets."""

    name = fields.String()
    description = fields.String()
    parent_id = fields.UUID(data_key="parentUuid", metadata={"description": "The collection that it lies in"})
    query = fields.Dict(
        keys=fields.String(), metadata={"description": "Of a smart collection: the search that says what is in it"}
    )


class CollectionCreateSchema(RequestSchema):
    """A collection to be made."""

    name = Name(required=True)
    description = Text(allow_none=True)
    parent_id = fields.UUID(data_key="parentUuid", allow_none=True)
    query = StoredQuery(allow_none=True)
    meta = Meta()


class CollectionUpdateSchema(ChangeSchema):
    """What can be changed of a collection."""

    name = Name()
    description = Text()
    parent_id = fields.UUID(data_key="parentUuid")
    query = StoredQuery()
    meta = Meta()


COLLECTION_SPEC = CrudSpec(
    path="/collections",
    resource=COLLECTIONS,
    description="Collections: assets in an order that people give",
    answer=CollectionSchema,
    create_body=CollectionCreateSchema,
    update_body=CollectionUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Collection.name),
            "parent": uuid_filter(Collection.parent_id),
            **audit_filters(Collection),
        },
    ),
    operations=frozenset({Operation.LIST, Operation.CREATE, Operation.LOAD}),
    create=create_collection,
)
SCHEMA = CollectionSchema()
_REPLACEMENT = CollectionUpdateSchema(is_replacement=True)

blueprint = crud_blueprint(COLLECTION_SPEC)


@blueprint.route(COLLECTION_SPEC.element_path, methods=["POST", "PATCH"])
@signed_in(Permission.UPDATE_COLLECTION)
@blueprint.arguments(CollectionUpdateSchema)
@blueprint.response(200, CollectionSchema)
def update_collection(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
    """Change what is given of a collection."""
    return _change(uow, actor, values, element_id)


@blueprint.route(COLLECTION_SPEC.element_path, methods=["PUT"])
@signed_in(Permission.UPDATE_COLLECTION)
@blueprint.arguments(_REPLACEMENT)
@blueprint.response(200, CollectionSchema)
def replace_collection(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
    """Replace all that can be changed of a collection; null clears."""
    return _change(uow, actor, cleared(Collection, _REPLACEMENT, values), element_id)


def _change(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
    if "parent_id" in values:
        collections.lock_tree(uow, actor)
    collection = COLLECTIONS.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    require_match(collection)
    collections.update_collection(uow, actor, collection, values)
    uow.commit()
    return element_answer(uow, actor, SCHEMA, collection)


@blueprint.route(COLLECTION_SPEC.element_path, methods=["DELETE"])
@signed_in(Permission.DELETE_COLLECTION)
@blueprint.response(204)
@blueprint.alt_response(202, schema=TaskSchema)
def delete_collection(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Delete a collection; its assets stay, and what lay in it lies in none."""
    collection = COLLECTIONS.get(uow, actor, element_id, Verb.DELETE, lock=True)
    require_match(collection)
    task = collections.delete_collection(uow, actor, collection, platform().settings.task_max_attempts)
    uow.commit()
    return accepted(uow, actor, task, show_task) if task else ("", 204)
