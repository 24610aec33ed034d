"""Assets in libraries. Adding and removing moves no bytes; what has a place in one of its pools is in it anyway."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue

from models.permissions import Actor, Permission
from models.services import libraries
from models.services.asset_views import view_assets
from models.services.library_assets import assets_of_library
from models.unit_of_work import UnitOfWork
from web.asset_bodies import AssetSchema
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe
from web.crud import list_answer
from web.member_bodies import AddedSchema, MemberSchema, MembersSchema, added_answer
from web.pagination import PAGE_PARAMETERS, page_schema, read_page
from web.resources.assets import ASSET_PAGE_PARAMETERS, assets_answer, read_asset_page
from web.resources.libraries import LIBRARY_SPEC, SCHEMA, LibrarySchema, library_answer
from web.sparse import FIELDS_PARAMETER

Values = dict[str, Any]
_PATH = "/libraries/<uuid:library_id>/assets"

blueprint = LoomBlueprint("library-assets", "Assets in libraries")


@blueprint.route(_PATH, methods=["GET"])
@describe("List the assets of a library: added to it, or in one of its pools", *ASSET_PAGE_PARAMETERS)
@signed_in(Permission.READ_LIBRARY, Permission.READ_ASSET)
@blueprint.response(200, page_schema(AssetSchema))
def list_library_assets(uow: UnitOfWork, actor: Actor, library_id: UUID) -> Response:
    """List assets."""
    request = read_asset_page(actor)
    ids, total = assets_of_library(uow, actor, library_id, request)
    return assets_answer(view_assets(uow, actor, ids), total, request.limit)


@blueprint.route(_PATH, methods=["POST"])
@signed_in(Permission.UPDATE_LIBRARY, Permission.READ_ASSET)
@blueprint.arguments(MemberSchema)
@blueprint.response(201, LibrarySchema)
@blueprint.alt_response(200, schema=LibrarySchema)
def add_library_asset(uow: UnitOfWork, actor: Actor, values: Values, library_id: UUID) -> Response:
    """Add an asset to a library."""
    library, is_new = libraries.add_asset(uow, actor, library_id, values["asset_id"])
    uow.commit()
    return library_answer(uow, actor, library, 201 if is_new else 200)


@blueprint.route(_PATH, methods=["PUT"])
@signed_in(Permission.UPDATE_LIBRARY, Permission.READ_ASSET)
@blueprint.arguments(MembersSchema)
@blueprint.response(200, AddedSchema)
def add_library_assets(uow: UnitOfWork, actor: Actor, values: Values, library_id: UUID) -> Response:
    """Add several assets to a library; those that cannot be added are told, and keep no other from being added."""
    outcome = libraries.add_assets(uow, actor, library_id, values["asset_ids"])
    uow.commit()
    return added_answer(outcome)


@blueprint.route(f"{_PATH}/<uuid:asset_id>", methods=["DELETE"])
@signed_in(Permission.UPDATE_LIBRARY, Permission.READ_ASSET)
@blueprint.response(204)
def remove_library_asset(uow: UnitOfWork, actor: Actor, library_id: UUID, asset_id: UUID) -> ResponseReturnValue:
    """Take an asset out of a library; while it lies in one of its pools it is still in it."""
    libraries.remove_asset(uow, actor, library_id, asset_id)
    uow.commit()
    return "", 204


@blueprint.route("/assets/<uuid:asset_id>/libraries", methods=["GET"])
@describe("List the libraries that an asset is in", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET, Permission.READ_LIBRARY)
@blueprint.response(200, page_schema(LibrarySchema))
def list_asset_libraries(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """List libraries."""
    request = read_page(LIBRARY_SPEC.listing)
    return list_answer(uow, actor, SCHEMA, libraries.libraries_of(uow, actor, asset_id, request), request)
