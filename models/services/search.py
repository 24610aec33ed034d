"""Searching on behalf of somebody: the text index finds, PostgreSQL has the last word on what is still there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from models.entities import Asset
from models.errors import Unavailable
from models.permissions import Actor, Permission
from models.search import Hit, SearchPage, SearchQuery, SearchReader
from models.services.assets import ASSETS
from models.services.indexing import count_unindexed
from models.services.search_rights import BLACKLISTED, Restriction, granted_marks, may_see_paths, wanted_marks
from models.services.unwanted import is_listed
from models.services.visibility import Scope, covered
from models.unit_of_work import UnitOfWork

PROVIDER = "tantivy"
CAPABILITIES = ("lexical", "phrases", "prefix", "highlight", "sort")


@dataclass(frozen=True)
class SearchStatus:
    """How the search is. `dirty_count` changes of assets are not in the index yet; None when that is unknown."""

    available: bool
    reason: str | None
    document_count: int
    dirty_count: int | None
    last_synced: float | None
    """Seconds since the epoch."""


def search_assets(
    uow: UnitOfWork, reader: SearchReader, actor: Actor, query: SearchQuery, wanted: Restriction, blacklisted: str
) -> SearchPage:
    """Find assets that the actor may read and search, in their space, whatever space the query names.

    `blacklisted` is `exclude`, `include` or `only`.

    Raises:
        InvalidInput: when the terms cannot be understood, saying where.
        Unavailable: when there is no index yet.
        Forbidden: when blacklisted assets are asked for by somebody who may not know of them.
    """
    if blacklisted != "exclude":
        actor.require(Permission.READ_BLACKLIST)
    must = [*granted_marks(uow, actor), *wanted_marks(uow, actor, wanted)]
    if blacklisted == "only":
        must.append([BLACKLISTED])
    narrowed = replace(
        query,
        space_id=actor.space_id,
        must=must,
        must_not=[BLACKLISTED] if blacklisted == "exclude" else [],
        has_paths=may_see_paths(actor),
    )
    if not all(must):
        reader.search(replace(narrowed, must=()))  # terms that cannot be understood are refused all the same
        return SearchPage((), 0)
    page = reader.search(narrowed)
    hits = _still_there(uow, actor, page.hits, blacklisted)
    return replace(page, hits=hits, total=page.total - (len(page.hits) - len(hits)))


def _still_there(uow: UnitOfWork, actor: Actor, hits: Sequence[Hit], blacklisted: str) -> list[Hit]:
    """Leave out assets that were deleted or blacklisted, or closed to the actor, within the last moments."""
    if not hits:
        return []
    may_search = covered(Asset, Scope.ASSET, actor, Permission.READ_SEARCH)
    query = select(Asset.id).where(Asset.id.in_([hit.asset_id for hit in hits]), ASSETS.visible(actor), may_search)
    if blacklisted == "exclude":
        query = query.where(~is_listed(Asset))
    found = set(uow.session.execute(query).scalars())
    return [hit for hit in hits if hit.asset_id in found]


def search_status(uow: UnitOfWork, reader: SearchReader, actor: Actor) -> SearchStatus:
    """Tell how the search is, in the actor's space; never raises for want of an index.

    When the index last took something in is told only while it lacks something of this space: else it would tell of
    what others do.
    """
    state = reader.state()
    if state is None:
        return SearchStatus(False, "There is no text index yet; the indexer builds it", 0, None, None)
    try:
        documents = reader.search(SearchQuery(actor.space_id, "", limit=1)).total
    except Unavailable as error:
        return SearchStatus(False, error.message, 0, None, None)
    missing = count_unindexed(uow, state, actor.space_id)
    return SearchStatus(True, None, documents, missing, state.synced_at if missing else time.time())
