"""The assets of a library in the order of their ids: those added to it, and those with a place in one of its pools.

Each of these is a stream in that order by an index, with the actor's limits and the filters on it; a page is merged
from the next few of each. So it costs the same wherever in the list it lies, and however large space and library are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, union

from models.entities import Asset, LibraryAsset, LibraryPool, Location
from models.permissions import Actor
from models.services.assets import ASSETS
from models.services.counting import MOST_COUNTED, Total, estimate_rows
from models.services.libraries import LIBRARIES
from models.services.paging import PageRequest
from models.services.visibility import in_libraries
from models.unit_of_work import UnitOfWork


def assets_of_library(
    uow: UnitOfWork, actor: Actor, library_id: UUID, request: PageRequest
) -> tuple[Sequence[UUID], Total]:  # fmt: skip
    """Give the ids in a part of the list, and how many assets of the library the actor may read in all."""
    LIBRARIES.get(uow, actor, library_id)
    if request.sort is not None:
        return ASSETS.page_ids(uow, actor, request.where(in_libraries(Asset.id, frozenset({library_id}))))
    streams = _streams(uow, actor, library_id, request)
    query = _merged([_cut(stream, request, request.limit + 1) for stream in streams], request)
    ids = uow.session.execute(query.limit(request.limit + 1)).scalars().all()
    if request.after is None and len(ids) <= request.limit:
        return ids, Total(len(ids))
    return ids[: request.limit], _count(uow, streams)


def _streams(uow: UnitOfWork, actor: Actor, library_id: UUID, request: PageRequest) -> list[Select[Any]]:
    """Give what the list is merged from, each without an order or an end."""
    conditions = [ASSETS.visible(actor), *request.conditions]
    query = select(LibraryPool.pool_id).where(LibraryPool.library_id == library_id)
    added = select(LibraryAsset.asset_id.label("id")).where(LibraryAsset.library_id == library_id)
    streams = [added.join(Asset, Asset.id == LibraryAsset.asset_id).where(*conditions)]
    for pool_id in uow.session.execute(query).scalars():
        placed = select(Location.asset_id.label("id")).where(Location.pool_id == pool_id).distinct()
        streams.append(placed.join(Asset, Asset.id == Location.asset_id).where(*conditions))
    return streams


def _cut(stream: Select[Any], request: PageRequest, most: int) -> Select[Any]:
    """Take the next few of a stream behind the cursor."""
    key: Any = next(iter(stream.selected_columns))
    if request.after is not None:
        stream = stream.where(key < request.after if request.is_descending else key > request.after)
    return stream.order_by(key.desc() if request.is_descending else key).limit(most)


def _merged(parts: Sequence[Select[Any]], request: PageRequest) -> Select[Any]:
    merged = union(*(select(part.subquery().c.id) for part in parts)).subquery()
    return select(merged.c.id).order_by(merged.c.id.desc() if request.is_descending else merged.c.id)


def _count(uow: UnitOfWork, streams: Sequence[Select[Any]]) -> Total:
    """Count exactly while that is cheap, as `count_rows` does."""
    first = PageRequest(limit=MOST_COUNTED + 1)
    few = _merged([_cut(stream, first, MOST_COUNTED + 1) for stream in streams], first).limit(MOST_COUNTED + 1)
    count = len(uow.session.execute(few).all())
    if count <= MOST_COUNTED:
        return Total(count)
    return Total(max(count, sum(estimate_rows(uow, stream) for stream in streams)), is_exact=False)
