"""What searches are asked and answer: bodies, and how they become a query. For all routes that search.

A cursor is the place among the hits, or where they are in the order of a number, that number: then the last page costs
no more than the first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validate, validates

from models.bodies.fields import AnswerSchema, Instant, RequestSchema
from models.errors import InvalidInput
from models.ids import printable
from models.permissions import Actor
from models.search import DEEPEST_HIT, Facet, SearchPage, SearchQuery, SearchSort
from models.search.fields import NAMES
from models.search.grammar import parse_terms
from models.search.stems import LANGUAGES
from models.services.search import ASSET, HOLDERS, PROVIDER, SEARCHED_TYPES, Wanted, search
from models.services.search_rights import Restriction
from models.services.semantic import search_by_meaning
from models.unit_of_work import UnitOfWork
from web.meaning import HYBRID, LEXICAL, MODES, capabilities, read_meaning
from web.pagination import DEFAULT_LIMIT, MOST
from web.state import platform

TYPES = ("asset", "transcript", "tag", "annotation", "person", "collection", "library", "cluster")
_FACETS = (*Facet, *HOLDERS)
_PROFILES = {"basic": [Facet.TYPE, Facet.YEAR, Facet.TAG], "all": list(_FACETS)}
_KEY = "k"
"""What cursors begin with that are keys."""

Values = dict[str, Any]

_Q = (
    'Words, "phrases", -negation, `or`; `field:word`, `field>5`, `field:1..5`; empty: everything. Fields: '
    + ", ".join(sorted(NAMES))
)


class QuerySchema(RequestSchema):
    """What to search for."""

    q = fields.String(load_default="", metadata={"description": _Q})
    sort = fields.Enum(SearchSort, load_default=SearchSort.RELEVANCE)
    mime = fields.String(metadata={"description": "What the type begins with"})
    seen_from = Instant(data_key="from", metadata={"description": "First seen at or after"})
    seen_to = Instant(data_key="to", metadata={"description": "First seen at or before"})
    library = fields.UUID()
    collection = fields.UUID()
    tag = fields.String(metadata={"description": "Comma list of names, all of which an asset must have"})
    lang = fields.String(
        validate=validate.OneOf(sorted(LANGUAGES)), metadata={"description": "Whose stems words have; none: any"}
    )


class StoredQuerySchema(QuerySchema):
    """A search of assets that is kept; it is understood when it is kept, and asked anew each time."""

    @validates("q")
    def require_meaning(self, text: str, **_: Any) -> None:
        """The terms must be understood."""
        try:
            parse_terms(text)
        except InvalidInput as error:
            raise ValidationError(str(error)) from None


class StoredQuery(fields.Nested):
    """A search that is kept as it was written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(StoredQuerySchema, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, partial: Any = None, **options: Any) -> Any:
        super()._deserialize(value, attr, data, partial, **options)
        return value


class HitsSchema(RequestSchema):
    """How much is answered of what is found."""

    limit = fields.Integer(load_default=DEFAULT_LIMIT, validate=validate.Range(1))
    offset = fields.Integer(load_default=0, validate=validate.Range(0))
    cursor = fields.String(metadata={"description": "`nextCursor` of the page before; wins over offset"})
    highlight = fields.Boolean(load_default=False)
    facets = fields.String(metadata={"description": f"What hits are counted by: comma list of {', '.join(_FACETS)}"})
    profile = fields.String(validate=validate.OneOf(list(_PROFILES)), metadata={"description": "A list of facets"})


class AssetSearchSchema(QuerySchema, HitsSchema):
    """A search of assets."""

    mode = fields.String(load_default=LEXICAL, validate=validate.OneOf(MODES))
    space = fields.UUID()
    blacklisted = fields.String(load_default="exclude", validate=validate.OneOf(["exclude", "include", "only"]))


class HitSchema(AnswerSchema):
    """An element that matches."""

    type = fields.String()
    uuid = fields.UUID()
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
    capabilities = fields.List(fields.String())
    warnings = fields.List(fields.String())


class ValueSchema(AnswerSchema):
    """A value of a facet, and how many hits have it."""

    value = fields.String()
    count = fields.Integer()
    uuid = fields.UUID(metadata={"description": "Of a library or collection"})


class SearchPageSchema(AnswerSchema):
    """Hits."""

    data = fields.List(fields.Nested(HitSchema))
    metainfo = fields.Nested(SearchMetainfoSchema, data_key="_metainfo")
    facets = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(ValueSchema)), dump_default=dict)


def search_answer(uow: UnitOfWork, actor: Actor, values: Values, types: Sequence[str]) -> Values:
    """Search, and answer with a page of hits."""
    started = time.monotonic()
    wanted = read_wanted(actor, values, types)
    mode = values.get("mode", LEXICAL)
    if mode == LEXICAL:
        found = search(uow, platform().search, actor, wanted)
    else:
        meaning = read_meaning(uow, actor, values, wanted.restriction.tags, mode)
        found = search_by_meaning(
            uow, platform().search, platform().vectors, actor, wanted, meaning, is_hybrid=mode == HYBRID
        )
    metainfo = {
        "total_hits": found.page.total + len(found.named),
        "per_page": wanted.query.limit,
        "offset": wanted.query.offset,
        "next_cursor": _next_cursor(wanted.query, found.page),
        "took_ms": round((time.monotonic() - started) * 1000),
        "capabilities": capabilities(),
        "warnings": [*found.warnings, *_warnings(types)],
    }
    return {"data": [*found.named, *found.page.hits], "metainfo": metainfo, "facets": found.facets}


def read_wanted(actor: Actor, values: Values, types: Sequence[str] = (ASSET,)) -> Wanted:
    """Say what is searched for.

    Raises:
        InvalidInput: when it cannot be.
    """
    return Wanted(
        _read_query(values, actor.space_id), types if values.get("space", actor.space_id) == actor.space_id else (),
        _read_restriction(values), values.get("blacklisted", "exclude"), _read_facets(values),
    )  # fmt: skip


def find_stored(uow: UnitOfWork, actor: Actor, query: Values) -> list[UUID]:
    """Give the assets that a search finds which is kept: as many as can be paged, the best of its order first."""
    wanted = read_wanted(actor, {**StoredQuerySchema().load(query), **HitsSchema().load({})})
    found: list[UUID] = []
    while len(found) < DEEPEST_HIT:
        part = replace(wanted.query, limit=MOST, offset=len(found), is_forgiving=False)
        hits = search(uow, platform().search, actor, replace(wanted, query=part)).page.hits
        found += [hit.asset_id for hit in hits]
        if len(hits) < MOST:
            break
    return found


def _next_cursor(query: SearchQuery, page: SearchPage) -> str | None:
    if page.last_key is not None:
        return f"{_KEY}{page.last_key}" if page.total > query.limit else None
    if query.after is not None:
        return None  # behind the last hit
    following = query.offset + query.limit
    return str(following) if following < min(page.total, DEEPEST_HIT) else None


def _read_query(values: Values, space_id: UUID) -> SearchQuery:
    offset, after = _read_cursor(values["cursor"]) if values.get("cursor") else (values["offset"], None)
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
        language=values.get("lang"),
        after=after,
    )


def _read_restriction(values: Values) -> Restriction:
    tags = [name.strip() for name in values.get("tag", "").split(",") if name.strip()]
    return Restriction(values.get("library"), values.get("collection"), tags)


def _read_cursor(text: str) -> tuple[int, int | None]:
    """Give the place among the hits, or the key behind which they go on."""
    if _CURSOR.fullmatch(text):
        return 0, int(text.removeprefix(_KEY))
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(DEEPEST_HIT))):
        raise InvalidInput(f"cursor: '{printable(text)}' is not a cursor of a search")
    return int(text), None


_CURSOR = re.compile(rf"{_KEY}-?\d{{1,19}}")


def _read_list(name: str, text: str, known: Sequence[str]) -> list[str]:
    found = [each.strip() for each in text.split(",") if each.strip()]
    if unknown := [each for each in found if each not in known]:
        raise InvalidInput(f"{name}: unknown value '{printable(unknown[0])}'; known: {', '.join(known)}")
    return list(dict.fromkeys(found))


def _read_facets(values: Values) -> list[str]:
    wanted = [str(facet) for facet in _PROFILES.get(values.get("profile", ""), ())]
    return list(dict.fromkeys([*_read_list("facets", values.get("facets", ""), _FACETS), *wanted]))


def read_types(text: str) -> list[str]:
    """Read a comma list of types of elements; none is all that are searched."""
    return _read_list("types", text, TYPES) or list(SEARCHED_TYPES)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _warnings(types: Sequence[str]) -> list[str]:
    return [f"Nothing of type {name} is indexed" for name in types if name not in SEARCHED_TYPES]
