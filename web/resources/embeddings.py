"""Embeddings: vectors that stand for assets, or for something in them.

The flat routes are plain. Under an asset there is a bulk route besides, which puts: what has the same producer key is
replaced. What is attached to an embedding is in `attachments.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify

from models.bodies.embeddings import (
    EmbeddingBulkAnswerSchema,
    EmbeddingBulkSchema,
    EmbeddingCreateSchema,
    EmbeddingPutSchema,
    EmbeddingSchema,
    EmbeddingUpdateSchema,
)
from models.bodies.filters import instant_filter, number_filter, text_filter, uuid_filter
from models.entities import Embedding
from models.errors import InvalidInput
from models.permissions import Actor, Permission
from models.services.asset_access import require_covering, require_on_asset
from models.services.audit import name_users
from models.services.embeddings import (
    EMBEDDINGS,
    add_embedding,
    create_embedding,
    delete_embedding,
    put_embeddings,
    update_embedding,
)
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe, load_values
from web.crud import CrudSpec, crud_blueprint, element_answer, list_answer
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.sparse import FIELDS_PARAMETER

Values = dict[str, Any]

EMBEDDING_SPEC = CrudSpec(
    path="/embeddings",
    resource=EMBEDDINGS,
    description="Vectors that stand for assets, or for something in them",
    answer=EmbeddingSchema,
    create_body=EmbeddingCreateSchema,
    update_body=EmbeddingUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited"), "type": attrgetter("type")},
        filters={
            "uuid": uuid_filter(Embedding.id),
            "asset": uuid_filter(Embedding.asset_id),
            "type": text_filter(Embedding.type),
            "model": text_filter(Embedding.model),
            "source": text_filter(Embedding.source),
            "nodeKind": text_filter(Embedding.node_kind),
            "dimensions": number_filter(Embedding.dimensions),
            "creator": uuid_filter(Embedding.creator_id),
            "editor": uuid_filter(Embedding.editor_id),
            "created": instant_filter(Embedding.created),
            "edited": instant_filter(Embedding.edited),
        },
        most=100,
    ),
    create=create_embedding,
    update=update_embedding,
    delete=delete_embedding,
)
_SCHEMA = EmbeddingSchema()
_ITEM = EmbeddingPutSchema()
_OF_ASSET = "/assets/<uuid:asset_id>/embeddings"

blueprint = crud_blueprint(EMBEDDING_SPEC)


@blueprint.route(_OF_ASSET, methods=["GET"])
@describe("List the embeddings of an asset", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_EMBEDDING)
@blueprint.response(200, page_schema(EmbeddingSchema))
def list_of_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """Give a page of the embeddings of an asset."""
    wanted = read_page(EMBEDDING_SPEC.listing).where(Embedding.asset_id == asset_id)
    require_on_asset(uow, actor, asset_id, Permission.READ_EMBEDDING)
    return list_answer(uow, actor, _SCHEMA, EMBEDDINGS.page(uow, actor, wanted), wanted)


@blueprint.route(_OF_ASSET, methods=["POST"])
@signed_in(Permission.CREATE_EMBEDDING)
@blueprint.arguments(EmbeddingPutSchema)
@blueprint.response(201, EmbeddingSchema)
def create_of_asset(uow: UnitOfWork, actor: Actor, values: Values, asset_id: UUID) -> Response:
    """Create an embedding of an asset that has none of this producer and place."""
    require_on_asset(uow, actor, asset_id, Permission.CREATE_EMBEDDING)
    embedding = add_embedding(uow, actor, _of(asset_id, values))
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, embedding, 201)


@blueprint.route(f"{_OF_ASSET}/bulk", methods=["POST"])
@signed_in(Permission.CREATE_EMBEDDING)
@blueprint.arguments(EmbeddingBulkSchema)
@blueprint.response(200, EmbeddingBulkAnswerSchema)
def put_of_asset(uow: UnitOfWork, actor: Actor, values: Values, asset_id: UUID) -> Response:
    """Put many embeddings of an asset; those of the same producer and place are replaced, which takes UPDATE_EMBEDDING.

    An embedding that is not valid is left out and told of; the others are put all the same.
    """
    require_on_asset(uow, actor, asset_id, Permission.CREATE_EMBEDDING)
    items, errors = _read_items(asset_id, values["embeddings"])
    put = put_embeddings(uow, actor, asset_id, items)
    if not all(is_new for _, is_new in put):
        require_covering(uow, actor, asset_id, Permission.UPDATE_EMBEDDING)
    uow.commit()
    return _bulk_answer(uow, actor, [embedding for embedding, _ in put], errors)


def _read_items(asset_id: UUID, given: Sequence[Any]) -> tuple[list[Values], list[Values]]:
    """Give what is valid, and what is wrong with the rest."""
    items, errors = [], []
    for index, item in enumerate(given):
        try:
            items.append(_of(asset_id, load_values(_ITEM, item)))
        except InvalidInput as error:
            errors.append({"index": index, "message": error.message})
    return items, errors


def _of(asset_id: UUID, values: Values) -> Values:
    """Give the values of an embedding of the asset that the path names."""
    if values.get("asset_id") not in (None, asset_id):
        raise InvalidInput("assetUuid: is another asset than the path names", code="validation")
    return {**values, "asset_id": asset_id}


def _bulk_answer(uow: UnitOfWork, actor: Actor, put: Sequence[Embedding], errors: Sequence[Values]) -> Response:
    name_users(uow, actor, put)
    return jsonify(
        embeddings=[_SCHEMA.dump(embedding) for embedding in put],
        total=len(put) + len(errors),
        created=len(put),
        failed=len(errors),
        errors=errors,
    )
