"""Searching on behalf of somebody: the text index finds, PostgreSQL has the last word on what is still there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from models.entities import Asset
from models.errors import Unavailable
from models.permissions import Actor, Permission
from models.search import Facet, Hit, Part, SearchPage, SearchQuery, SearchReader
from models.services.assets import ASSETS
from models.services.collections import COLLECTIONS
from models.services.crud import Resource
from models.services.indexing import count_unindexed
from models.services.libraries import LIBRARIES
from models.services.search_names import MOST_NAMED, NAMED_TYPES, NamedHit, find_annotations, find_named, may_find
from models.services.search_rights import BLACKLISTED, Restriction, granted_marks, visible_parts, wanted_marks
from models.services.unwanted import is_listed
from models.services.visibility import Scope, covered
from models.unit_of_work import UnitOfWork

PROVIDER = "tantivy"
CAPABILITIES = (
    "lexical",
    "phrases",
    "prefix",
    "fields",
    "stems",
    "fuzzy",
    "highlight",
    "facets",
    "suggestions",
    "sort",
)
ASSET = "asset"
SEARCHED_TYPES = (ASSET, *NAMED_TYPES, "annotation")
HOLDERS: dict[str, Resource[Any]] = {"library": LIBRARIES, "collection": COLLECTIONS}
"""What hits are counted by besides the facets of the index: whoever searches must see it."""
_MOST_HOLDERS = 50


@dataclass(frozen=True)
class Wanted:
    """What is searched for. `blacklisted` is `exclude`, `include` or `only`; `counted_by` are facets by name."""

    query: SearchQuery
    types: Sequence[str] = (ASSET,)
    restriction: Restriction = field(default_factory=Restriction)
    blacklisted: str = "exclude"
    counted_by: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """What a search has found: elements of other types first, then a page of assets."""

    named: Sequence[NamedHit]
    page: SearchPage
    facets: dict[str, list[dict[str, Any]]]
    warnings: Sequence[str]


@dataclass(frozen=True)
class SearchStatus:
    """How the search is. `dirty_count` changes of assets are not in the index yet; None when that is unknown."""

    available: bool
    reason: str | None
    document_count: int
    dirty_count: int | None
    last_synced: float | None
    """Seconds since the epoch."""


def search(uow: UnitOfWork, reader: SearchReader, actor: Actor, wanted: Wanted) -> Found:
    """Find what the actor may read and search, in their space, whatever space the query names.

    Raises:
        InvalidInput: when the terms cannot be understood, saying where.
        Unavailable: when there is no index yet.
        Forbidden: when blacklisted assets are asked for by somebody who may not know of them.
    """
    refused = [kind for kind in wanted.types if kind in SEARCHED_TYPES and kind != ASSET and not may_find(actor, kind)]
    warnings = [f"Nothing of type {kind} may be read" for kind in refused]
    query = _narrow(uow, actor, wanted)
    named = _named(uow, reader, actor, wanted, query, refused)
    page = SearchPage((), 0)
    if ASSET in wanted.types and query is not None:
        page = reader.search(query)
        hits = _still_there(uow, actor, page.hits, wanted.blacklisted)
        page = replace(page, hits=hits, total=page.total - (len(page.hits) - len(hits)))
    elif ASSET in wanted.types:
        reader.search(replace(wanted.query, space_id=actor.space_id, limit=1))  # terms may be refused all the same
    if page.is_fuzzy:
        warnings.append("Nothing has these words; the hits have words that are alike")
    return Found(named, page, _facets(uow, reader, actor, wanted, query, page), warnings)


def _narrow(uow: UnitOfWork, actor: Actor, wanted: Wanted) -> SearchQuery | None:
    """Keep a query within what the actor may find; None when that is nothing."""
    if wanted.blacklisted != "exclude":
        actor.require(Permission.READ_BLACKLIST)
    must = [*granted_marks(uow, actor), *wanted_marks(uow, actor, wanted.restriction)]
    if wanted.blacklisted == "only":
        must.append([BLACKLISTED])
    if not all(must):
        return None
    parts = visible_parts(actor)
    facets = [Facet(name) for name in wanted.counted_by if name in set(Facet)]
    return replace(
        wanted.query,
        space_id=actor.space_id,
        must=must,
        must_not=[BLACKLISTED] if wanted.blacklisted == "exclude" else [],
        parts=parts,
        facets=[facet for facet in facets if facet is not Facet.TAG or Part.TAGS in parts],
    )


def _named(
    uow: UnitOfWork, reader: SearchReader, actor: Actor, wanted: Wanted, query: SearchQuery | None,
    refused: Sequence[str],
) -> list[NamedHit]:  # fmt: skip
    """Find what is no asset; all of it is on the first page."""
    if wanted.query.offset or wanted.query.after is not None:
        return []
    kinds = [kind for kind in wanted.types if kind not in refused]
    found = [
        hit for kind in kinds if kind in NAMED_TYPES
        for hit in find_named(uow, actor, kind, wanted.query.terms, MOST_NAMED)
    ]  # fmt: skip
    if "annotation" in kinds and query is not None:
        found += find_annotations(uow, reader, actor, query, MOST_NAMED)
    return sorted(found, key=lambda hit: -hit.score)


def _facets(
    uow: UnitOfWork, reader: SearchReader, actor: Actor, wanted: Wanted, query: SearchQuery | None, page: SearchPage
) -> dict[str, list[dict[str, Any]]]:
    counted = {
        str(facet): [{"value": value, "count": count} for value, count in values]
        for facet, values in page.facets.items()
    }
    for name in wanted.counted_by:
        if name in HOLDERS and page.total and query is not None:
            # Where one holder has no exact hit, the others' exact hits are still what is counted.
            counted[name] = _count_in(uow, reader, actor, name, replace(query, is_forgiving=page.is_fuzzy))
    return {name: counted.get(name, []) for name in wanted.counted_by}


def _count_in(
    uow: UnitOfWork, reader: SearchReader, actor: Actor, kind: str, query: SearchQuery
) -> list[dict[str, Any]]:
    """Count the hits in each library or collection that the actor sees. Which pools a library spans is looked up."""
    model: Any = HOLDERS[kind].model
    seen = select(model.id, model.name).where(HOLDERS[kind].visible(actor)).order_by(model.name, model.id)
    found = []
    for key, name in uow.session.execute(seen.limit(_MOST_HOLDERS)).all():
        marks = wanted_marks(uow, actor, Restriction(**{kind: key}))
        if all(marks):
            inside = replace(query, must=[*query.must, *marks], limit=1, offset=0, after=None, facets=())
            if count := reader.search(inside).total:
                found.append({"value": name, "count": count, "uuid": str(key)})
    return sorted(found, key=lambda each: -each["count"])


def suggest(uow: UnitOfWork, reader: SearchReader, actor: Actor, text: str, limit: int) -> list[dict[str, Any]]:
    """Complete what somebody types: names of tags, collections, libraries and assets.

    Raises:
        InvalidInput: when the text cannot be understood, saying where.
        Unavailable: when there is no index yet.
    """
    if not text.strip():
        return []
    wanted = Wanted(SearchQuery(actor.space_id, text, limit=limit), (ASSET, *NAMED_TYPES))
    found = search(uow, reader, actor, wanted)
    hits: list[NamedHit | Hit] = [*found.named, *found.page.hits]
    return [{"text": hit.title, "type": hit.type, "uuid": str(hit.uuid), "score": hit.score}
            for hit in hits[:limit]]  # fmt: skip


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
