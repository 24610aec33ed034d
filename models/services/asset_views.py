"""Assets as they are shown: with their places and the names of those who made them, all by one statement.

It goes straight through the driver, as this is what callers ask for most. The places shown are limited: the empty
file, say, may lie in a pool a hundred thousand times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from models.permissions import Actor, Permission
from models.services.assets import ASSETS, AssetKey, missing, require_readable
from models.services.counting import Total
from models.services.crud import PageRequest
from models.unit_of_work import UnitOfWork

MOST_PLACES = 100
"""So many of its places are shown with an asset, the oldest first."""

_VIEWS = f"""
    SELECT asset.id, encode(asset.sha512, 'hex'), encode(asset.sha256, 'hex'), encode(asset.md5, 'hex'),
           asset.chunk_hash, asset.size, asset.mime_type, asset.filename, asset.origin, asset.first_seen, asset.geo,
           encode(asset.blob_sha512, 'hex'), asset.meta, asset.revision, asset.created, asset.creator_id,
           creator.username, asset.edited, asset.editor_id, editor.username,
           (SELECT json_agg(json_build_array(place.id, place.pool_id, pool.fs_path, encode(place.path, 'hex'),
                            place.state, place.device, place.inode, place.size, place.mtime_ns,
                            extract(epoch FROM place.last_seen)) ORDER BY place.id)
            FROM (SELECT * FROM location WHERE asset_id = asset.id ORDER BY id LIMIT {MOST_PLACES}) AS place
            JOIN pool ON pool.id = place.pool_id)
    FROM asset
    LEFT JOIN "user" AS creator ON creator.id = asset.creator_id
    LEFT JOIN "user" AS editor ON editor.id = asset.editor_id
    WHERE asset.space_id = %(space)s AND
"""  # noqa: S608 - a constant
_BY_ID = f"{_VIEWS} asset.id = %(key)s"
_BY_SHA512 = f"{_VIEWS} asset.sha512 = %(key)s"
_BY_IDS = f"{_VIEWS} asset.id = ANY(%(keys)s)"


class Place(NamedTuple):
    """A file of a pool that holds, or held, the content of an asset."""

    id: UUID
    pool_id: UUID
    root: str
    """The pool's folder, in the spelling of `models.paths`."""
    path: bytes
    state: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    last_seen: datetime


class AssetView(NamedTuple):
    """All that is shown of an asset. The names are those of `models.entities.Asset`."""

    id: UUID
    sha512: str
    sha256: str | None
    md5: str | None
    chunk_hash: str | None
    size: int
    mime_type: str
    filename: str
    origin: str
    first_seen: datetime
    geo: dict[str, Any] | None
    blob_sha512: str | None
    meta: dict[str, Any]
    revision: int
    created: datetime
    creator_id: UUID | None
    creator_name: str | None
    edited: datetime
    editor_id: UUID | None
    editor_name: str | None
    places: Sequence[Place]


def view_asset(uow: UnitOfWork, actor: Actor, key: AssetKey) -> AssetView:
    """Give one asset to show; what the transaction has changed must be flushed."""
    if not actor.may(Permission.READ_ASSET):
        require_readable(uow, actor, key)
    if isinstance(key, UUID):
        rows = uow.fetch(_BY_ID, space=actor.space_id, key=key)
    else:
        rows = uow.fetch(_BY_SHA512, space=actor.space_id, key=bytes.fromhex(key))
    if not rows:
        raise missing(key)
    return _view(rows[0])


def list_assets(uow: UnitOfWork, actor: Actor, request: PageRequest) -> tuple[list[AssetView], Total]:
    """Give a part of the list of assets to show, and how many there are in all."""
    page = ASSETS.page(uow, actor, request)
    ids = [asset.id for asset in page.elements]
    views = {row[0]: _view(row) for row in uow.fetch(_BY_IDS, space=actor.space_id, keys=ids)} if ids else {}
    # One that was deleted between the two statements is left out.
    return [views[asset_id] for asset_id in ids if asset_id in views], page.total


def _view(row: tuple[Any, ...]) -> AssetView:
    return AssetView._make((*row[:-1], [_place(*values) for values in row[-1] or ()]))


def _place(place_id: str, pool_id: str, root: str, path: str, *rest: Any) -> Place:
    """Take a place out of JSON."""
    *numbers, last_seen = rest
    seen = datetime.fromtimestamp(last_seen, UTC)
    return Place._make((UUID(place_id), UUID(pool_id), root, bytes.fromhex(path), *numbers, seen))
