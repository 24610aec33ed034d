"""Assets: what Loom knows of a content. Addressed by uuid, or by SHA-512 within the space; both go to the same views.

The routes are written by hand, as an answer holds more than the asset's row. Bytes are in `asset_binaries.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, literal

from models.bodies.asset_filters import BLACKLIST_CHOICES, asset_filters, blacklist_conditions
from models.bodies.asset_requests import (
    AssetCreateSchema,
    AssetReplaceSchema,
    AssetUpdateSchema,
    changed_columns,
    extras_of,
    new_columns,
    replaced_columns,
)
from models.db import HexBytes
from models.entities import Asset
from models.ids import parse_sha512
from models.permissions import Actor, Permission, Verb
from models.services import assets
from models.services.asset_extras import Extras, add_extras
from models.services.asset_views import AssetView, list_assets, view_asset
from models.services.assets import AssetKey
from models.services.counting import Total
from models.services.paging import PageRequest
from models.unit_of_work import UnitOfWork
from web.asset_bodies import AssetSchema, asset_body, asset_etag
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe, query
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, raw_envelope, read_page
from web.preconditions import not_modified, require_match, tagged
from web.sparse import FIELDS_PARAMETER, read_fields

Values = dict[str, Any]
V = TypeVar("V", bound=Callable[..., Any])

blueprint = LoomBlueprint("assets", "Assets: each is one content in one space")
_SCHEMA = AssetSchema()
_BLACKLISTED = query("blacklisted", "string", "What to do with blacklisted assets", enum=list(BLACKLIST_CHOICES))
ASSET_PAGE_PARAMETERS = (*PAGE_PARAMETERS, FIELDS_PARAMETER, _BLACKLISTED)
LISTING = Listing(
    sorts={
        "name": attrgetter("filename"),
        "created": attrgetter("created"),
        "edited": attrgetter("edited"),
        "sha512": attrgetter("sha512"),
        "md5": lambda asset: func.coalesce(asset.md5, literal("", HexBytes)),
        "size": attrgetter("size"),
    },
)


def _addressed(*methods: str) -> Callable[[V], V]:
    """Route both addresses of an asset to a view."""

    def decorate(view: V) -> V:
        name = view.__name__
        blueprint.route("/assets/<uuid:key>", methods=list(methods), endpoint=name)(view)
        blueprint.route("/assets/sha512/<string:key>", methods=list(methods), endpoint=f"{name}_by_sha512")(view)
        return view

    return decorate


def _read_key(key: UUID | str) -> AssetKey:
    return key if isinstance(key, UUID) else parse_sha512(key)


@blueprint.route("/assets", methods=["GET"])
@describe("List assets", *ASSET_PAGE_PARAMETERS)
@signed_in(Permission.READ_ASSET)
@blueprint.response(200, page_schema(AssetSchema))
def list_all(uow: UnitOfWork, actor: Actor) -> Response:
    """List assets."""
    wanted = read_asset_page(actor)
    found, total = list_assets(uow, actor, wanted)
    return assets_answer(found, total, wanted.limit)


def read_asset_page(actor: Actor) -> PageRequest:
    """Read what part of a list of assets the request at hand wants; some filters depend on what the actor may read."""
    listing = replace(LISTING, filters=asset_filters(actor))
    return read_page(listing).where(*blacklist_conditions(actor, request.args.get("blacklisted", "exclude")))


@blueprint.route("/assets", methods=["POST"])
@signed_in(Permission.CREATE_ASSET)
@blueprint.arguments(AssetCreateSchema)
@blueprint.response(201, AssetSchema)
def create_one(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Create an asset that awaits its bytes, with its tags and annotations."""
    asset = assets.create_asset(uow, actor, new_columns(values))
    add_extras(uow, actor, asset.id, extras_of(values))
    return _commit(uow, actor, asset, 201)


@_addressed("GET")
@signed_in(Permission.READ_ASSET)
@blueprint.response(200, AssetSchema)
def load_one(uow: UnitOfWork, actor: Actor, key: UUID | str) -> Response:
    """Load an asset."""
    view = view_asset(uow, actor, _read_key(key))
    return not_modified(asset_etag(view)) or asset_answer(view)


@_addressed("POST", "PATCH")
@signed_in(Permission.UPDATE_ASSET)
@blueprint.arguments(AssetUpdateSchema)
@blueprint.response(200, AssetSchema)
def update_one(uow: UnitOfWork, actor: Actor, values: Values, key: UUID | str) -> Response:
    """Change what is given of an asset."""
    return _change(uow, actor, key, changed_columns(values), extras_of(values))


@_addressed("PUT")
@signed_in(Permission.UPDATE_ASSET)
@blueprint.arguments(AssetReplaceSchema)
@blueprint.response(200, AssetSchema)
def replace_one(uow: UnitOfWork, actor: Actor, values: Values, key: UUID | str) -> Response:
    """Replace all that can be changed of an asset."""
    return _change(uow, actor, key, replaced_columns(values), extras_of(values))


def _change(uow: UnitOfWork, actor: Actor, key: UUID | str, columns: Values, extras: Extras) -> Response:
    asset = assets.get_asset(uow, actor, _read_key(key), Verb.UPDATE, lock=True)
    require_match(asset)
    assets.update_asset(uow, actor, asset, columns)
    add_extras(uow, actor, asset.id, extras)
    return _commit(uow, actor, asset)


def _commit(uow: UnitOfWork, actor: Actor, asset: Asset, status: int = 200) -> Response:
    """Commit, and show what that has made true."""
    view = view_asset(uow, actor, asset.id)
    uow.commit()
    return asset_answer(view, status)


@_addressed("DELETE")
@signed_in(Permission.DELETE_ASSET)
@blueprint.response(204)
def delete_one(uow: UnitOfWork, actor: Actor, key: UUID | str) -> ResponseReturnValue:
    """Delete an asset. Its stored bytes go when no other asset has them; files in pools stay."""
    asset = assets.hold_asset(uow, actor, _read_key(key))
    assets.ASSETS.require(uow, actor, asset.id, Verb.DELETE)
    require_match(asset)
    assets.delete_asset(uow, actor, asset)
    uow.commit()
    return "", 204


def assets_answer(found: Sequence[AssetView], total: Total, limit: int) -> Response:
    """Show a part of a list of assets."""
    pick = read_fields(_SCHEMA)
    last = [asset.id for asset in found[-1:]]
    return jsonify(raw_envelope([pick(asset_body(asset)) for asset in found], total, limit, *last))


def asset_answer(view: AssetView, status: int = 200) -> Response:
    """Show an asset, with its ETag."""
    answer = jsonify(read_fields(_SCHEMA)(asset_body(view)))
    answer.status_code = status
    return tagged(answer, asset_etag(view))
