"""Parts of lists, found by where the part before ended: what one costs does not depend on how deep it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.orm import aliased

from models.db import Audited
from models.services.counting import Total

M = TypeVar("M", bound=Audited)
Sort = Callable[[Any], Any]
"""Gives the value to sort by, never null, from a mapped class or an alias of it."""


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is wanted: `limit` elements behind the element `after`, in the order of (`sort`, id)."""

    limit: int
    after: UUID | None = None
    sort: Sort | None = None
    """None: by id alone, which is the order of creation."""
    is_descending: bool = False
    conditions: Sequence[ColumnElement[bool]] = ()

    def where(self, *conditions: ColumnElement[bool]) -> PageRequest:
        """Narrow it further."""
        return replace(self, conditions=(*self.conditions, *conditions))


@dataclass(frozen=True)
class Page(Generic[M]):
    """A part of a list, and how many elements the whole of it has."""

    elements: Sequence[M]
    total: Total


def seek(
    query: Select[Any], model: Any, request: PageRequest, visible: Callable[[Any], ColumnElement[bool]]
) -> Select[Any]:
    """Order a query, skip to behind the cursor, and take one more than is wanted to see whether that is all.

    `visible` tells which rows, of the model or of an alias of it, may be a cursor.
    """
    order = _order(model, request)
    if request.after is not None:
        place, cursor = tuple_(*order), _cursor(model, request, visible)
        query = query.where(place < cursor if request.is_descending else place > cursor)
    directed = [column.desc() if request.is_descending else column for column in order]
    return query.order_by(*directed).limit(request.limit + 1)


def _cursor(model: Any, request: PageRequest, visible: Callable[[Any], ColumnElement[bool]]) -> Any:
    """Give the place of the element to go on behind; by id alone it need not exist any more."""
    if not request.sort:
        return tuple_(request.after)
    other: Any = aliased(model)
    return select(*_order(other, request)).where(other.id == request.after, visible(other)).scalar_subquery()


def _order(model: Any, request: PageRequest) -> list[Any]:
    return [request.sort(model), model.id] if request.sort else [model.id]
