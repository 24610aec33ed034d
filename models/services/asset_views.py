"""Assets as they are shown: with what hangs off them and the names of those who made them, all by one statement.

It goes straight through the driver, as this is what callers ask for most. Of each kind of thing that hangs off an asset
so many are shown at most: the empty file, say, may lie in a pool a hundred thousand times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from models.permissions import Actor, Permission
from models.services.asset_blocks import Blocks, narrow_blocks, select_blocks
from models.services.assets import ASSETS, AssetKey, missing, require_readable
from models.services.counting import Total
from models.services.paging import PageRequest
from models.unit_of_work import UnitOfWork

_COLUMNS = """
    asset.id, encode(asset.sha512, 'hex'), encode(asset.sha256, 'hex'), encode(asset.md5, 'hex'), asset.chunk_hash,
    asset.size, asset.mime_type, asset.filename, asset.origin, asset.first_seen, asset.geo, asset.zero_chunk_count,
    asset.fingerprint, encode(asset.blob_sha512, 'hex'), asset.meta, asset.revision, asset.created, asset.creator_id,
    creator.username, asset.edited, asset.editor_id, editor.username
"""
_BY_ID = "asset.id = %(key)s"
_BY_SHA512 = "asset.sha512 = %(key)s"
_BY_IDS = "asset.id = ANY(%(keys)s)"


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
    zero_chunk_count: int | None
    fingerprint: str | None
    blob_sha512: str | None
    meta: dict[str, Any]
    revision: int
    created: datetime
    creator_id: UUID | None
    creator_name: str | None
    edited: datetime
    editor_id: UUID | None
    editor_name: str | None
    blocks: Blocks


_WIDTH = len(AssetView._fields) - 1
"""Columns before the blocks."""


def view_asset(uow: UnitOfWork, actor: Actor, key: AssetKey) -> AssetView:
    """Give one asset to show; what the transaction has changed must be flushed."""
    if not actor.may(Permission.READ_ASSET):
        require_readable(uow, actor, key)
    is_id = isinstance(key, UUID)
    found = _fetch(uow, actor, _BY_ID if is_id else _BY_SHA512, key=key if is_id else bytes.fromhex(str(key)))
    if not found:
        raise missing(key)
    return found[0]


def list_assets(uow: UnitOfWork, actor: Actor, request: PageRequest) -> tuple[list[AssetView], Total]:
    """Give a part of the list of assets to show, and how many there are in all."""
    ids, total = ASSETS.page_ids(uow, actor, request)
    return view_assets(uow, actor, ids), total


def view_assets(uow: UnitOfWork, actor: Actor, ids: Sequence[UUID]) -> list[AssetView]:
    """Give assets that the actor is known to see, in that order. One that is gone by now is left out."""
    if not ids:
        return []
    views = {view.id: view for view in _fetch(uow, actor, _BY_IDS, keys=list(ids))}
    return [views[asset_id] for asset_id in ids if asset_id in views]


def _fetch(uow: UnitOfWork, actor: Actor, where: str, **parameters: object) -> list[AssetView]:
    statement = _statement(where, select_blocks(actor, is_list=where == _BY_IDS))
    rows = uow.fetch(statement, space=actor.space_id, **parameters)
    blocks = narrow_blocks(uow, actor, {row[0]: Blocks.of(row[_WIDTH:]) for row in rows})
    return [AssetView._make((*row[:_WIDTH], blocks[row[0]])) for row in rows]


@lru_cache
def _statement(where: str, blocks: tuple[str, ...]) -> str:
    return f"""
        SELECT {_COLUMNS}, {", ".join(blocks)} FROM asset
        LEFT JOIN "user" AS creator ON creator.id = asset.creator_id
        LEFT JOIN "user" AS editor ON editor.id = asset.editor_id
        WHERE asset.space_id = %(space)s AND {where}
    """  # noqa: S608 - constants
