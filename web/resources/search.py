"""Searching. All routes are special: they read the text index and page by offset or cursor, not by element.

`/search/assets` and `/search/results` differ in their `types`; as of now only assets are indexed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from models.bodies.fields import AnswerSchema, Instant, RequestSchema
from models.errors import InvalidInput
from models.ids import printable
from models.permissions import Actor, Permission
from models.search import DEEPEST_HIT, SearchPage, SearchQuery, SearchSort
from models.services.search import CAPABILITIES, PROVIDER, search_assets, search_status
from models.services.search_rights import Restriction
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.pagination import DEFAULT_LIMIT, MOST
from web.state import platform

_ASSET = "asset"
_TYPES = (_ASSET, "transcript", "tag", "annotation", "person", "collection", "library", "cluster")
_MODES = ("LEXICAL", "SEMANTIC", "HYBRID")
_IGNORED = ("lang", "facets", "profile")

Values = dict[str, Any]

blueprint = LoomBlueprint("search", "Search by words in names, paths, types and texts")


class AssetSearchSchema(RequestSchema):
    """What to search for."""

    q = fields.String(load_default="", metadata={"description": 'Words, "phrases", -negation, or; empty: everything'})
    mode = fields.String(load_default=_MODES[0], validate=validate.OneOf(_MODES))
    limit = fields.Integer(load_default=DEFAULT_LIMIT, validate=validate.Range(1))
    offset = fields.Integer(load_default=0, validate=validate.Range(0))
    cursor = fields.String(metadata={"description": "`nextCursor` of the page before; wins over offset"})
    sort = fields.Enum(SearchSort, load_default=SearchSort.RELEVANCE)
    highlight = fields.Boolean(load_default=False)
    mime = fields.String(metadata={"description": "What the type begins with"})
    space = fields.UUID()
    seen_from = Instant(data_key="from", metadata={"description": "First seen at or after"})
    seen_to = Instant(data_key="to", metadata={"description": "First seen at or before"})
    library = fields.UUID()
    collection = fields.UUID()
    tag = fields.String(metadata={"description": "Comma list of names, all of which an asset must have"})
    blacklisted = fields.String(load_default="exclude", validate=validate.OneOf(["exclude", "include", "only"]))
    lang = fields.String()
    facets = fields.String()
    profile = fields.String()


class SearchSchema(AssetSearchSchema):
    """What to search for, and among which elements."""

    types = fields.String(load_default=_ASSET, metadata={"description": f"Comma list of {', '.join(_TYPES)}"})


class HitSchema(AnswerSchema):
    """An element that matches."""

    type = fields.Constant(_ASSET)
    uuid = fields.Function(lambda hit: str(hit.asset_id), metadata={"type": "string", "format": "uuid"})
    asset_id = fields.UUID(data_key="assetUuid")
    score = fields.Float()
    title = fields.String()
    subtitle = fields.String()
    matched_in = fields.String(data_key="matchedIn")
    highlights = fields.List(fields.String())
    mime_type = fields.String(data_key="mimeType")
    size = fields.Integer()
    sort_date = fields.Float(data_key="sortDate")


class SearchMetainfoSchema(AnswerSchema):
    """How the hits lie among all that match."""

    total_hits = fields.Integer(data_key="totalHits")
    total_exact = fields.Constant(True, data_key="totalExact")
    per_page = fields.Integer(data_key="perPage")
    offset = fields.Integer()
    next_cursor = fields.String(data_key="nextCursor")
    took_ms = fields.Integer(data_key="tookMs")
    provider = fields.Constant(PROVIDER)
    capabilities = fields.Constant(CAPABILITIES)
    warnings = fields.List(fields.String())


class SearchPageSchema(AnswerSchema):
    """Hits."""

    data = fields.List(fields.Nested(HitSchema))
    metainfo = fields.Nested(SearchMetainfoSchema, data_key="_metainfo")
    facets = fields.Dict(dump_default=dict)


class SearchStatusSchema(AnswerSchema):
    """Whether searches are answered, and how far the index is behind."""

    provider = fields.Constant(PROVIDER)
    available = fields.Boolean()
    reason = fields.String()
    capabilities = fields.Constant(CAPABILITIES)
    document_count = fields.Integer(data_key="documentCount")
    dirty_count = fields.Integer(data_key="dirtyCount")
    last_synced = fields.Float(data_key="lastSyncedAt")


@blueprint.route("/search/assets", methods=["GET"])
@signed_in(Permission.READ_SEARCH, Permission.READ_ASSET)
@blueprint.arguments(AssetSearchSchema, location="query")
@blueprint.response(200, SearchPageSchema)
def find_assets(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    """Search assets."""
    return _answer(uow, actor, values, [_ASSET])


@blueprint.route("/search/results", methods=["GET"])
@signed_in(Permission.READ_SEARCH)
@blueprint.arguments(SearchSchema, location="query")
@blueprint.response(200, SearchPageSchema)
def find_results(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    """Search elements of all types that are indexed."""
    return _answer(uow, actor, values, _read_types(values["types"]))


@blueprint.route("/search/status", methods=["GET"])
@signed_in(Permission.READ_SEARCH_INDEX)
@blueprint.response(200, SearchStatusSchema)
def load_status(uow: UnitOfWork, actor: Actor) -> Any:
    """Tell whether searches are answered, and how far the index is behind."""
    return search_status(uow, platform().search, actor)


def _answer(uow: UnitOfWork, actor: Actor, values: Values, types: Sequence[str]) -> Values:
    started = time.monotonic()
    query = _read_query(values, actor.space_id)
    page = search_assets(uow, platform().search, actor, query, _read_restriction(values), values["blacklisted"])
    if _ASSET not in types or values.get("space", actor.space_id) != actor.space_id:
        page = SearchPage((), 0)
    following = query.offset + query.limit
    metainfo = {
        "total_hits": page.total,
        "per_page": query.limit,
        "offset": query.offset,
        "next_cursor": str(following) if following < min(page.total, DEEPEST_HIT) else None,
        "took_ms": round((time.monotonic() - started) * 1000),
        "warnings": _warnings(values, types),
    }
    return {"data": page.hits, "metainfo": metainfo}


def _read_query(values: Values, space_id: UUID) -> SearchQuery:
    if values["mode"] != _MODES[0]:
        raise InvalidInput(f"mode: {values['mode']} is not available; there is {_MODES[0]}", code="unsupported-mode")
    offset = _read_cursor(values["cursor"]) if values.get("cursor") else values["offset"]
    limit = min(values["limit"], MOST)
    return SearchQuery(
        space_id,
        values["q"],
        # The last page may be short of its size: a cursor leads exactly as far as paging goes.
        limit=max(1, min(limit, DEEPEST_HIT - offset)),
        offset=offset,
        sort=values["sort"],
        mime=values.get("mime"),
        seen_from=_seconds(values.get("seen_from")),
        seen_to=_seconds(values.get("seen_to")),
        highlight=values["highlight"],
    )


def _read_restriction(values: Values) -> Restriction:
    tags = [name.strip() for name in values.get("tag", "").split(",") if name.strip()]
    return Restriction(values.get("library"), values.get("collection"), tags)


def _read_cursor(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(DEEPEST_HIT))):
        raise InvalidInput(f"cursor: '{printable(text)}' is not a cursor of a search")
    return int(text)


def _read_types(text: str) -> list[str]:
    types = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in types if name not in _TYPES]:
        raise InvalidInput(f"types: unknown type '{printable(unknown[0])}'; known: {', '.join(_TYPES)}")
    return types or [_ASSET]


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _warnings(values: Values, types: Sequence[str]) -> list[str]:
    not_indexed = [f"Nothing of type {name} is indexed" for name in types if name != _ASSET]
    return not_indexed + [f"{name} has no effect" for name in _IGNORED if values.get(name)]
