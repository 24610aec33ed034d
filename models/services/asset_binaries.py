"""Asset binaries: where bytes of assets are said to be. Loom neither reads nor moves what such a record names.

What Loom stores itself, and what scans have found in pools, is no such record; `web/resources/asset_binaries.py` shows
all three together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from models.entities import AssetBinary, Library
from models.permissions import Actor, Entity, Permission
from models.services.asset_access import keep_asset, require_covering
from models.services.assets import ASSETS
from models.services.crud import Resource, Values
from models.services.pools import POOLS
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

ASSET_BINARIES = Resource(AssetBinary, "asset binary", Entity.ASSET_BINARY, Scope.OF_ASSET)
_LIBRARIES = Resource(Library, "library", Entity.LIBRARY, Scope.LIBRARY)


def create_binary(uow: UnitOfWork, actor: Actor, values: Values) -> AssetBinary:
    """Declare where bytes of an asset are. `values` are columns of the table.

    Raises:
        InvalidInput: when the actor sees no such asset, library or pool.
        Forbidden: when they may not declare binaries of that asset.
        Conflict: when the library has a binary at that place.
    """
    asset = ASSETS.refer(uow, actor, values["asset_id"], "assetUuid")
    require_covering(uow, actor, asset.id, Permission.CREATE_ASSET_BINARY)
    return add_binary(uow, actor, values)


def add_binary(uow: UnitOfWork, actor: Actor, values: Values) -> AssetBinary:
    """Declare where bytes of an asset are that the actor may declare binaries of."""
    keep_asset(uow, actor.space_id, values["asset_id"])
    return ASSET_BINARIES.insert(uow, actor, {**values, **_pool(uow, actor, values)})


def update_binary(uow: UnitOfWork, actor: Actor, binary: AssetBinary, values: Values) -> None:
    """Change what is given of a record. Another library brings its own pool, unless one is given."""
    if values.get("library_id") == binary.library_id and "pool_id" not in values:
        values = {name: value for name, value in values.items() if name != "library_id"}
    ASSET_BINARIES.update(uow, actor, binary, {**values, **_pool(uow, actor, values)})


def _pool(uow: UnitOfWork, actor: Actor, values: Values) -> dict[str, Any]:
    """Look up library and pool, if they are given; gives the pool that the record belongs to."""
    library_id, pool_id = values.get("library_id"), values.get("pool_id")
    library = None if library_id is None else _LIBRARIES.refer(uow, actor, library_id, "libraryUuid")
    if pool_id is not None:
        return {"pool_id": POOLS.refer(uow, actor, pool_id, "poolUuid").id}
    return {} if library is None else {"pool_id": library.pool_id}


def list_binaries(uow: UnitOfWork, asset_id: UUID, most: int) -> Sequence[AssetBinary]:
    """Give the records of an asset whose binaries the actor is known to see, the oldest first."""
    query = select(AssetBinary).where(AssetBinary.asset_id == asset_id).order_by(AssetBinary.id).limit(most)
    return uow.session.execute(query).scalars().all()


def delete_binaries(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> int:
    """Forget all records of an asset whose binaries the actor may remove; gives how many there were."""
    query = delete(AssetBinary).where(AssetBinary.asset_id == asset_id).returning(AssetBinary)
    removed = uow.session.execute(query.execution_options(synchronize_session=False)).scalars().all()
    for binary in removed:
        ASSET_BINARIES.publish(uow, actor, ASSET_BINARIES.deleted, binary)
    return len(removed)
