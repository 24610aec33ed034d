"""Libraries: what users browse. Each spans pools and holds single assets besides; `library_assets.py` lists those.

Whoever may read a library's assets may read all that it spans. So a pool is put into one only by an actor who may read
every asset, and an asset only by one who may read that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from models.entities import Library, LibraryAsset, LibraryPool, Location, Task
from models.events import NewEvent
from models.payloads import DeleteLibrary
from models.permissions import Actor, Entity, Permission, Verb, forbidden
from models.services.announcing import announce, announce_all
from models.services.assets import require_readable
from models.services.crud import Resource, Values
from models.services.holders import LIBRARY_HOLDER, delete_by_task
from models.services.members import Added, hold_named, hold_readable, require_no_gain
from models.services.paging import Page, PageRequest
from models.services.policies import forget_grants
from models.services.pools import POOLS
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

LIBRARIES = Resource(Library, "library", Entity.LIBRARY, Scope.LIBRARY)


def create_library(uow: UnitOfWork, actor: Actor, values: Values) -> Library:
    """Make a library. `pool_ids` are the pools that it spans; `pool_id`, for its uploads, is one of them anyway."""
    actor.require(LIBRARIES.permission(Verb.CREATE))
    columns, pools = _split(values)
    wanted = {*(pools or ()), *_one(columns.get("pool_id"))}
    _require_pools(uow, actor, wanted, columns.get("pool_id"))
    library = LIBRARIES.insert(uow, actor, columns)
    _set_pools(uow, library, set(), wanted, actor.user_id)
    return library


def update_library(uow: UnitOfWork, actor: Actor, library: Library, values: Values) -> None:
    """Change what is given. Without `pool_ids`, a new pool for uploads is spanned besides the others."""
    columns, pools = _split(values)
    name_pools(uow, [library])
    before = set(library.pool_ids)
    wanted = set(before if pools is None else pools)
    wanted |= _one(columns.get("pool_id", library.pool_id))
    _require_pools(uow, actor, wanted - before, columns.get("pool_id"))
    revision = library.revision
    LIBRARIES.update(uow, actor, library, columns)
    if wanted != before and library.revision == revision:
        LIBRARIES.touch(uow, actor, library)
    _set_pools(uow, library, before, wanted, actor.user_id)


def delete_library(uow: UnitOfWork, actor: Actor, library: Library, max_attempts: int) -> Task | None:
    """Forget a library, which must be locked; its assets stay.

    Returns:
        The task that does it, if very many assets were added to it.
    """
    payload = DeleteLibrary(library_uuid=library.id)
    task = delete_by_task(uow, actor, LIBRARY_HOLDER, payload, library.id, library.name, max_attempts)
    if task is None:
        forget_library(uow, library, actor.user_id)
    return task


def forget_library(uow: UnitOfWork, library: Library, user_id: UUID | None) -> None:
    """Remove a library, which must be locked, with the memberships that it still has."""
    LIBRARY_HOLDER.remove_some(uow, library.space_id, user_id, library.id)
    name_pools(uow, [library])
    _set_pools(uow, library, set(library.pool_ids), set(), user_id)
    forget_grants(uow, library.space_id, "library", library.id)
    uow.session.delete(library)
    uow.session.flush()
    uow.publish(NewEvent(LIBRARIES.deleted, library.space_id, library.id, user_id))


def name_pools(uow: UnitOfWork, libraries: Sequence[Library]) -> None:
    """Fill in `pool_ids` of the libraries."""
    pools: dict[UUID, list[UUID]] = defaultdict(list)
    wanted = [library.id for library in libraries]
    query = select(LibraryPool.library_id, LibraryPool.pool_id).where(LibraryPool.library_id.in_(wanted))
    for library_id, pool_id in uow.session.execute(query.order_by(LibraryPool.pool_id)) if wanted else ():
        pools[library_id].append(pool_id)
    for library in libraries:
        library.pool_ids = pools[library.id]


def add_asset(uow: UnitOfWork, actor: Actor, library_id: UUID, asset_id: UUID) -> tuple[Library, bool]:
    """Add an asset to a library. Gives the library, and whether the asset is new to it."""
    library = LIBRARIES.get(uow, actor, library_id, Verb.UPDATE)
    hold_named(uow, actor, asset_id)
    require_no_gain(uow, actor, library_id, [asset_id])
    return library, bool(_insert(uow, actor.space_id, actor.user_id, library_id, [asset_id]))


def add_assets(uow: UnitOfWork, actor: Actor, library_id: UUID, asset_ids: Sequence[UUID]) -> Added:
    """Add several assets to a library."""
    LIBRARIES.get(uow, actor, library_id, Verb.UPDATE)
    found = hold_readable(uow, actor, asset_ids)
    require_no_gain(uow, actor, library_id, found)
    wanted = list(dict.fromkeys(asset_ids))
    added = _insert(uow, actor.space_id, actor.user_id, library_id, found)
    return Added(len(wanted), added, [asset_id for asset_id in wanted if asset_id not in set(found)])


def remove_asset(uow: UnitOfWork, actor: Actor, library_id: UUID, asset_id: UUID) -> None:
    """Take an asset out of a library; harmless if it was not added. What is in one of its pools stays in the library.

    Raises:
        NotFound: when the actor sees no such asset.
    """
    LIBRARIES.get(uow, actor, library_id, Verb.UPDATE)
    require_readable(uow, actor, asset_id)
    query = delete(LibraryAsset).where(LibraryAsset.library_id == library_id, LibraryAsset.asset_id == asset_id)
    if uow.session.execute(query.returning(LibraryAsset.asset_id)).first() is not None:
        announce(uow, actor.space_id, actor.user_id, [asset_id])


def refer_for_upload(uow: UnitOfWork, actor: Actor, library_id: UUID) -> None:
    """Insist that uploads of the actor's may go into the library that a form names.

    Raises:
        InvalidInput: when they see no such library.
        Forbidden: when they may not add to it.
    """
    LIBRARIES.refer(uow, actor, library_id, "libraryUuid")
    LIBRARIES.require(uow, actor, library_id, Verb.UPDATE)


def keep_uploads(
    uow: UnitOfWork, space_id: UUID, user_id: UUID | None, library_id: UUID, asset_ids: Sequence[UUID]
) -> bool:  # fmt: skip
    """Add assets that were just stored, and are locked, to a library. Tells whether that still exists."""
    query = select(Library.id).where(Library.id == library_id, Library.space_id == space_id)
    if uow.session.execute(query.with_for_update(read=True, key_share=True)).first() is None:
        return False
    _insert(uow, space_id, user_id, library_id, asset_ids)
    return True


def libraries_of(uow: UnitOfWork, actor: Actor, asset_id: UUID, request: PageRequest) -> Page[Library]:
    """List the libraries with an asset, as far as the actor may read them.

    Raises:
        NotFound: when they see no such asset.
    """
    require_readable(uow, actor, asset_id)
    added = select(LibraryAsset.library_id).where(LibraryAsset.asset_id == asset_id)
    placed = (
        select(LibraryPool.library_id)
        .join(Location, Location.pool_id == LibraryPool.pool_id)
        .where(Location.asset_id == asset_id)
    )
    page = LIBRARIES.page(uow, actor, request.where(Library.id.in_(added.union(placed))))
    name_pools(uow, page.elements)
    return page


def _insert(
    uow: UnitOfWork, space_id: UUID, user_id: UUID | None, library_id: UUID, asset_ids: Iterable[UUID]
) -> int:  # fmt: skip
    rows = [{"library_id": library_id, "asset_id": asset_id} for asset_id in sorted(asset_ids)]
    if not rows:
        return 0
    query = insert(LibraryAsset).values(rows).on_conflict_do_nothing().returning(LibraryAsset.asset_id)
    added = uow.session.execute(query).scalars().all()
    announce(uow, space_id, user_id, added)
    return len(added)


def _split(values: Values) -> tuple[Values, Iterable[UUID] | None]:
    """Part the columns from the pools; null clears these."""
    columns = {name: value for name, value in values.items() if name != "pool_ids"}
    return columns, (values["pool_ids"] or ()) if "pool_ids" in values else None


def _one(pool_id: UUID | None) -> set[UUID]:
    return {pool_id} if pool_id else set()


def _require_pools(uow: UnitOfWork, actor: Actor, pool_ids: set[UUID], upload_pool: UUID | None) -> None:
    for pool_id in sorted(pool_ids):
        POOLS.refer(uow, actor, pool_id, "poolUuid" if pool_id == upload_pool else "poolUuids")
    if pool_ids and not actor.may(Permission.READ_ASSET):
        raise forbidden(Permission.READ_ASSET)


def _set_pools(
    uow: UnitOfWork, library: Library, before: set[UUID], wanted: set[UUID], user_id: UUID | None
) -> None:  # fmt: skip
    """Span these pools instead of those, and tell of the assets in what has changed."""
    if gone := before - wanted:
        query = delete(LibraryPool).where(LibraryPool.library_id == library.id, LibraryPool.pool_id.in_(gone))
        uow.session.execute(query)
    if new := sorted(wanted - before):
        rows: list[dict[str, Any]] = [{"library_id": library.id, "pool_id": pool_id} for pool_id in new]
        uow.session.execute(insert(LibraryPool).values(rows).on_conflict_do_nothing())
    for pool_id in sorted(before ^ wanted):
        announce_all(uow, library.space_id, user_id, "pool", pool_id, f"Tell of the assets of {library.name}")
    library.pool_ids = sorted(wanted)
