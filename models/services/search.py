"""Searching on behalf of somebody: the text index finds, PostgreSQL has the last word on what is still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from models.permissions import Actor
from models.search import Hit, SearchPage, SearchQuery, SearchReader
from models.services.indexing import count_unindexed
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


def search_assets(uow: UnitOfWork, reader: SearchReader, actor: Actor, query: SearchQuery) -> SearchPage:
    """Find assets in the actor's space, whatever space the query names.

    Raises:
        InvalidInput: when the terms cannot be understood, saying where.
        Unavailable: when there is no index yet.
    """
    page = reader.search(replace(query, space_id=actor.space_id))
    hits = _still_there(uow, actor, page.hits)
    return replace(page, hits=hits, total=page.total - (len(page.hits) - len(hits)))


def _still_there(uow: UnitOfWork, actor: Actor, hits: Sequence[Hit]) -> list[Hit]:
    """Leave out assets that were deleted within the last moments."""
    if not hits:
        return []
    rows: Any = uow.execute(
        "SELECT id FROM asset WHERE space_id = :space AND id = ANY(CAST(:ids AS uuid[]))",
        space=actor.space_id,
        ids=[hit.asset_id for hit in hits],
    ).scalars()
    found: set[UUID] = set(rows)
    return [hit for hit in hits if hit.asset_id in found]


def search_status(uow: UnitOfWork, reader: SearchReader) -> SearchStatus:
    """Tell how the search is; never raises for want of an index."""
    documents, state = reader.document_count(), reader.state()
    if documents is None or state is None:
        return SearchStatus(False, "There is no text index yet; the indexer builds it", 0, None, None)
    return SearchStatus(True, None, documents, count_unindexed(uow, state), state.synced_at)
