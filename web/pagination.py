"""Lists: which part of one a request wants, and the envelope of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from flask import request
from marshmallow import Schema, fields

from models.bodies.filters import Rule, read_filters
from models.db import Audited
from models.errors import InvalidInput
from models.ids import parse_uuid, printable
from models.services.counting import Total
from models.services.crud import id_of
from models.services.paging import Page, PageRequest, Sort
from web.blueprints import query

DEFAULT_LIMIT = 25
MOST = 1000
M = TypeVar("M", bound=Audited)


@dataclass(frozen=True)
class Listing:
    """What a list can be sorted and filtered by: closed lists, for any other key would let callers test hidden columns.

    Sort keys are in lower case; `uuid` is always one.
    """

    sorts: Mapping[str, Sort] = field(default_factory=dict)
    filters: Mapping[str, Rule] = field(default_factory=dict)
    most: int = MOST
    """Elements of a page: fewer where each may be large."""


PAGE_PARAMETERS = (
    query("limit", "integer", f"Size of the page, at most {MOST}", default=DEFAULT_LIMIT, minimum=1),
    query("from", "string", "Begin behind the element of this uuid", format="uuid"),
    query("sort", "string", "Key to sort by", default="uuid"),
    query("dir", "string", "Anything that begins with DESC is descending", default="ASCENDING"),
    query("filter", "string", "Terms key[operator]=value, joined by commas or by repeating the parameter"),
)


def read_page(listing: Listing) -> PageRequest:
    """Read what part of a list the request at hand wants.

    Raises:
        InvalidInput: naming the parameter, or the key, that is not understood.
    """
    arguments = request.args
    return PageRequest(
        limit=read_limit(listing.most),
        after=read_cursor(),
        sort=_read_sort(listing, arguments.get("sort", "uuid").lower()),
        is_descending=arguments.get("dir", "").lower().startswith("desc"),
        conditions=read_filters(arguments.getlist("filter"), listing.filters, arguments.items(multi=True)),
    )


def read_limit(most: int = MOST) -> int:
    """Read the size of the page; more than a server is willing to give at once is not refused but cut."""
    text = request.args.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and text.strip("0")):
        raise InvalidInput(f"limit: '{printable(text)}' is not a whole number above zero")
    digits = text.lstrip("0")
    return most if len(digits) > len(str(most)) else min(int(digits), most)


def read_cursor() -> UUID | None:
    """Read the uuid of the element to begin behind; None: the page is the first."""
    text = request.args.get("from")
    try:
        return None if text is None else parse_uuid(text)
    except InvalidInput as error:
        raise InvalidInput(f"from: {error}") from None


def _read_sort(listing: Listing, key: str) -> Sort | None:
    if key == "uuid":
        return None
    if key not in listing.sorts:
        raise InvalidInput(f"sort: unknown key '{printable(key)}'; known: {', '.join(['uuid', *listing.sorts])}")
    return listing.sorts[key]


def envelope(page: Page[M], request: PageRequest, bodies: Sequence[Any]) -> dict[str, Any]:
    """Put the bodies of a page's elements into the shape that lists have."""
    return raw_envelope(bodies, page.total, request.limit, *(id_of(row) for row in page.elements[-1:]))


def raw_envelope(elements: Sequence[Any], total: Total, limit: int, last: UUID | None = None) -> dict[str, Any]:
    """Put any bodies into the shape that lists have. `totalExact` is only there when the total is an estimate."""
    metainfo: dict[str, Any] = {"perPage": limit, "totalCount": total.count}
    if not total.is_exact:
        metainfo["totalExact"] = False
    if last is not None:
        metainfo["lastUuid"] = last
    return {"data": elements, "_metainfo": metainfo}


def whole_envelope(elements: Sequence[Any]) -> dict[str, Any]:
    """Put bodies that are all there are into the shape that lists have."""
    return raw_envelope(elements, Total(len(elements)), max(len(elements), 1))


MetainfoSchema = Schema.from_dict(
    {
        "lastUuid": fields.UUID(metadata={"description": "Pass it as `from` for the next page"}),
        "perPage": fields.Integer(),
        "totalCount": fields.Integer(),
        "totalExact": fields.Boolean(metadata={"description": "false: the total is an estimate"}),
    },
    name="MetainfoSchema",
)
"""How a page lies in its list."""


@lru_cache
def page_schema(element: type[Schema]) -> Schema:
    """Give the schema of a list of such elements."""
    name = element.__name__.removesuffix("Schema") + "ListSchema"
    page = Schema.from_dict(
        {"data": fields.List(fields.Nested(element)), "_metainfo": fields.Nested(MetainfoSchema)}, name=name
    )
    return page()
