"""Asset locations: files of pools, as scans have seen them (wire contract 5.10).

Nothing is created here: a location is what a scan has seen, and a scan alone. People can say under which license a file
lies where it lies, add metadata, and let Loom forget it; the next scan finds a file that is still there again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields

from models.bodies.fields import ChangeSchema, Instant, Meta, Text
from models.bodies.filters import enum_filter, instant_filter, size_filter, text_filter, uuid_filter
from models.bodies.instants import format_instant
from models.entities import LocationState
from models.permissions import Actor, Permission, Verb
from models.services.asset_blocks import Place
from models.services.locations import (
    LOCATION,
    Located,
    delete_location,
    get_location,
    page_locations,
    update_location,
)
from models.unit_of_work import UnitOfWork
from web.asset_places import PlaceSchema, place_body
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, raw_envelope, read_page
from web.preconditions import not_modified, require_etag, tagged
from web.sparse import FIELDS_PARAMETER, read_fields

Body = dict[str, Any]

_LISTING = Listing(
    filters={
        "uuid": uuid_filter(LOCATION.id),
        "asset": uuid_filter(LOCATION.asset_id),
        "pool": uuid_filter(LOCATION.pool_id),
        "state": enum_filter(LOCATION.state, LocationState),
        "license": text_filter(LOCATION.license),
        "size": size_filter(LOCATION.size),
        "firstSeen": instant_filter(LOCATION.first_seen),
        "lastSeen": instant_filter(LOCATION.last_seen),
    },
)
_ELEMENT = "/asset-locations/<uuid:location_id>"

blueprint = LoomBlueprint("asset-locations", "Files of pools, as scans have seen them")


class LocationSchema(PlaceSchema):
    """A file of a pool."""

    license = fields.String()
    first_seen = Instant(data_key="firstSeen")


class LocationUpdateSchema(ChangeSchema):
    """What people say about a file where it lies. An empty license is none."""

    license = Text(longest=1024)
    meta = Meta()


_SCHEMA = LocationSchema()


@blueprint.route("/asset-locations", methods=["GET"])
@describe("List asset locations", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET_LOCATION)
@blueprint.response(200, page_schema(LocationSchema))
def list_all(uow: UnitOfWork, actor: Actor) -> Response:
    """Give a page of locations."""
    wanted = read_page(_LISTING)
    pick = read_fields(_SCHEMA)
    found, total = page_locations(uow, actor, wanted)
    last = [located.location.id for located in found[-1:]]
    return jsonify(raw_envelope([pick(_body(located)) for located in found], total, wanted.limit, *last))


@blueprint.route(_ELEMENT, methods=["GET"])
@describe("Load an asset location", FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET_LOCATION)
@blueprint.response(200, LocationSchema)
def load_one(uow: UnitOfWork, actor: Actor, location_id: UUID) -> Response:
    """Give a location."""
    body = _body(get_location(uow, actor, location_id))
    return not_modified(_etag(body)) or _show(body)


@blueprint.route(_ELEMENT, methods=["POST", "PATCH"])
@signed_in(Permission.UPDATE_ASSET_LOCATION)
@blueprint.arguments(LocationUpdateSchema)
@blueprint.response(200, LocationSchema)
def update_one(uow: UnitOfWork, actor: Actor, values: Body, location_id: UUID) -> Response:
    """Change the license or the metadata of an asset location."""
    located = get_location(uow, actor, location_id, Verb.UPDATE)
    require_etag(_etag(_body(located)))
    if values.get("license") == "":
        values["license"] = None
    update_location(uow, actor, located.location, values)
    body = _body(located)
    uow.commit()
    return _show(body)


@blueprint.route(_ELEMENT, methods=["DELETE"])
@signed_in(Permission.DELETE_ASSET_LOCATION)
@blueprint.response(204)
def delete_one(uow: UnitOfWork, actor: Actor, location_id: UUID) -> ResponseReturnValue:
    """Forget an asset location; a file that is still there is found again by the next scan."""
    located = get_location(uow, actor, location_id, Verb.DELETE)
    require_etag(_etag(_body(located)))
    delete_location(uow, actor, located.location)
    uow.commit()
    return "", 204


class _Content(NamedTuple):
    id: UUID
    mime_type: str


def _body(located: Located) -> Body:
    location = located.location
    place = Place(
        location.id, location.pool_id, located.root, location.path, location.state, location.device, location.inode,
        location.size, location.mtime_ns, location.last_seen,
    )  # fmt: skip
    body = place_body(_Content(location.asset_id, located.mime_type), place)
    said = {"license": location.license} if location.license is not None else {}
    return {**body, "firstSeen": format_instant(location.first_seen), "meta": location.meta or {}, **said}


def _etag(body: Body) -> str:
    """Name the state that a body shows: a location counts no changes."""
    return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:20]


def _show(body: Body) -> Response:
    return tagged(jsonify(read_fields(_SCHEMA)(body)), _etag(body))
