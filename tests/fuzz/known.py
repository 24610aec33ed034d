"""Requests about what exists: generated uuids are nobody's, and nearly every answer would be that there is none.

What a route is about is made anew for each request, by the rows of the table of access.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from random import Random
from typing import Any
from uuid import UUID

import schemathesis
from schemathesis import HookContext

from models.errors import LoomError
from tests.support.access import Made, Row
from tests.support.access_makers import indexed_asset
from tests.support.access_rows import ROWS
from tests.support.access_world import World
from web.auth import SPACE_HEADER

_SHARE = 0.8
"""Of the requests that are about something that exists; who asks for what does not is told so."""
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_PLACES = {"assetUuid": "asset_id", "libraryUuid": "library_id", "embeddingUuid": "embedding_id"}
_ROWS = {
    (row.method, "/api/v1" + _PARAMETER.sub(r"{\1}", row.path)): row for row in ROWS if row.make is not indexed_asset
}
"""But for searches: they name nothing, and indexing takes its time."""


@contextmanager
def what_exists(world: World) -> Iterator[None]:
    """Let requests name what exists, wherever they name something at all."""
    random = Random(0)

    def before_call(context: HookContext, case: Any, kwargs: dict[str, Any]) -> None:
        row = _ROWS.get((case.method.upper(), case.path))
        if row is not None and random.random() < _SHARE:
            # By now, what it takes may be gone.
            with suppress(LoomError):
                _point(case, row, world)

    schemathesis.hook(before_call)
    yield
    schemathesis.hooks.unregister(before_call)


def _point(case: Any, row: Row, world: World) -> None:
    made = {"word": world.word(), "sha512": world.sha512(), **row.make(world)}
    body, query = row.given(made)
    for name, value in (case.path_parameters or {}).items():
        if name in made and _is_free(value, made[name]):
            case.path_parameters[name] = str(made[name])
    if _is_uuid((case.headers or {}).get(SPACE_HEADER)):
        case.headers[SPACE_HEADER] = str(world.space_id)
    for part, given in ((case.query, query), (case.body, body)):
        if isinstance(part, dict):
            _point_body(part, made, given if isinstance(given, Mapping) else {})


def _point_body(part: dict[str, Any], made: Made, given: Mapping[str, Any]) -> None:
    for name, value in part.items():
        known = given.get(name) or made.get(_PLACES.get(name, ""))
        if known is not None and (_is_uuid(value) or (isinstance(known, list) and _are_uuids(value))):
            part[name] = known if isinstance(known, list) else str(known)


def _is_free(value: Any, known: Any) -> bool:
    """Tell whether a value stands for any, such as the known one; others are wrong on purpose."""
    if isinstance(known, UUID):
        return _is_uuid(value)
    return isinstance(value, str) and re.fullmatch(r"[\w-]+", value, re.ASCII) is not None


def _are_uuids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_uuid(each) for each in value)


def _is_uuid(value: Any) -> bool:
    try:
        return bool(str(UUID(value)) == value)
    except (ValueError, AttributeError, TypeError):
        return False
