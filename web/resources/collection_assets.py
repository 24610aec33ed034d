"""Assets in collections, in the order that people give. One asset may be in many, and in each of them once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue

from models.permissions import Actor, Permission
from models.services import collections
from models.services.asset_views import view_assets
from models.unit_of_work import UnitOfWork
from web.asset_bodies import AssetSchema
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe
from web.crud import element_answer, list_answer
from web.member_bodies import AddedSchema, MembersSchema, MoveSchema, PlacedMemberSchema, added_answer, placement
from web.pagination import PAGE_PARAMETERS, page_schema, read_page
from web.resources.assets import ASSET_PAGE_PARAMETERS, assets_answer, read_asset_page
from web.resources.collections import COLLECTION_SPEC, SCHEMA, CollectionSchema
from web.searching import find_stored
from web.sparse import FIELDS_PARAMETER

Values = dict[str, Any]
_PATH = "/collections/<uuid:collection_id>/assets"

blueprint = LoomBlueprint("collection-assets", "Assets in collections")


@blueprint.route(_PATH, methods=["GET"])
@describe(
    "List the assets of a collection, in the order that people gave it unless another is asked for",
    *ASSET_PAGE_PARAMETERS,
)
@signed_in(Permission.READ_COLLECTION, Permission.READ_ASSET)
@blueprint.response(200, page_schema(AssetSchema))
def list_collection_assets(uow: UnitOfWork, actor: Actor, collection_id: UUID) -> Response:
    """List assets."""
    request = read_asset_page(actor)
    ids, total = collections.assets_of_collection(
        uow, actor, collection_id, request, lambda query: find_stored(uow, actor, query)
    )  # fmt: skip
    return assets_answer(view_assets(uow, actor, ids), total, request.limit)


@blueprint.route(_PATH, methods=["POST"])
@signed_in(Permission.UPDATE_COLLECTION, Permission.READ_ASSET)
@blueprint.arguments(PlacedMemberSchema)
@blueprint.response(201, CollectionSchema)
@blueprint.alt_response(200, schema=CollectionSchema)
def add_collection_asset(uow: UnitOfWork, actor: Actor, values: Values, collection_id: UUID) -> Response:
    """Put an asset into a collection; one that is in it already moves if a place is given."""
    outcome = collections.add_asset(uow, actor, collection_id, values["asset_id"], placement(values))
    collection, is_new = outcome
    uow.commit()
    return element_answer(uow, actor, SCHEMA, collection, 201 if is_new else 200)


@blueprint.route(_PATH, methods=["PUT"])
@signed_in(Permission.UPDATE_COLLECTION, Permission.READ_ASSET)
@blueprint.arguments(MembersSchema)
@blueprint.response(200, AddedSchema)
def add_collection_assets(uow: UnitOfWork, actor: Actor, values: Values, collection_id: UUID) -> Response:
    """Put several assets at the end of a collection; those that cannot be added are told and keep back no other."""
    outcome = collections.add_assets(uow, actor, collection_id, values["asset_ids"])
    uow.commit()
    return added_answer(outcome)


@blueprint.route(f"{_PATH}/move", methods=["POST"])
@signed_in(Permission.UPDATE_COLLECTION, Permission.READ_ASSET)
@blueprint.arguments(MoveSchema)
@blueprint.response(200, CollectionSchema)
def move_collection_assets(uow: UnitOfWork, actor: Actor, values: Values, collection_id: UUID) -> Response:
    """Move assets within a collection: they come to stand next to each other, in the order given."""
    moved = collections.move_assets(uow, actor, collection_id, values["asset_ids"], placement(values))
    uow.commit()
    return element_answer(uow, actor, SCHEMA, moved)


@blueprint.route(f"{_PATH}/<uuid:asset_id>", methods=["DELETE"])
@signed_in(Permission.UPDATE_COLLECTION, Permission.READ_ASSET)
@blueprint.response(204)
def remove_collection_asset(
    uow: UnitOfWork, actor: Actor, collection_id: UUID, asset_id: UUID
) -> ResponseReturnValue:  # fmt: skip
    """Take an asset out of a collection."""
    collections.remove_asset(uow, actor, collection_id, asset_id)
    uow.commit()
    return "", 204


@blueprint.route("/assets/<uuid:asset_id>/collections", methods=["GET"])
@describe("List the collections that an asset is in", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET, Permission.READ_COLLECTION)
@blueprint.response(200, page_schema(CollectionSchema))
def list_asset_collections(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """List collections."""
    request = read_page(COLLECTION_SPEC.listing)
    return list_answer(uow, actor, SCHEMA, collections.collections_of(uow, actor, asset_id, request), request)
