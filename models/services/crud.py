"""The plain verbs that most resources share: create, get, update, delete, page.

A resource whose verbs need more has functions of its own, which may build on these. Every query is narrowed to what
the actor may see: anything else does not exist for them, neither in an answer nor in a count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, select, tuple_
from sqlalchemy.orm import aliased

from models.db import Audited
from models.errors import InvalidInput, NotFound
from models.events import NewEvent
from models.ids import new_id
from models.permissions import Actor
from models.services.audit import mark_edited
from models.services.snapshots import find_snapshot
from models.unit_of_work import UnitOfWork

M = TypeVar("M", bound=Audited)
Values = dict[str, Any]
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


@dataclass(frozen=True)
class Page(Generic[M]):
    """A part of a list, and how many elements the whole of it has."""

    elements: Sequence[M]
    total: int


@dataclass(frozen=True)
class Resource(Generic[M]):
    """A kind of element, and the plain verbs on it. The caller commits."""

    model: type[M]
    name: str
    """In messages, such as `asset pool`."""
    created: str
    updated: str
    deleted: str
    """The events."""
    owner: Literal["space_id", "user_id"] = "space_id"
    """The column that says whose an element is; the actor's attribute of the same name must be equal."""

    def create(self, uow: UnitOfWork, actor: Actor, values: Values) -> M:
        """Make an element of the actor's."""
        element_id = new_id()
        made = {"id": element_id, "creator_id": actor.user_id, "editor_id": actor.user_id}
        element = self.model(**made, **{self.owner: getattr(actor, self.owner)}, **values)
        uow.session.add(element)
        uow.session.flush()
        self.publish(uow, actor, self.created, element_id)
        return element

    def get(self, uow: UnitOfWork, actor: Actor, element_id: UUID, *, lock: bool = False) -> M:
        """Give the element of that id; `lock` keeps others from changing it until the transaction ends."""
        query = self._by_id
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        values = {"wanted_id": element_id, "wanted_owner": getattr(actor, self.owner)}
        element = uow.session.execute(query, values).scalar_one_or_none()
        if element is None:
            raise self.missing(element_id)
        return element

    def read(self, uow: UnitOfWork, actor: Actor, element_id: UUID) -> M:
        """Read the element of that id to show it: it can neither be changed nor locked, and its users are named."""
        element = find_snapshot(uow, actor, self.model, self.owner, element_id)
        if element is None:
            raise self.missing(element_id)
        return element

    def missing(self, element_id: object) -> NotFound:
        """Say that the actor sees no such element."""
        return NotFound(f"Cannot find {self.name} with uuid '{element_id}'")

    def update(self, uow: UnitOfWork, actor: Actor, element: M, values: Values) -> None:
        """Change what is given; giving what is there already is no change."""
        changes = {name: value for name, value in values.items() if getattr(element, name) != value}
        if not changes:
            return
        for name, value in changes.items():
            setattr(element, name, value)
        mark_edited(element, actor)
        uow.session.flush()
        self.publish(uow, actor, self.updated, id_of(element))

    def delete(self, uow: UnitOfWork, actor: Actor, element: M) -> None:
        """Remove an element for good."""
        uow.session.delete(element)
        uow.session.flush()
        self.publish(uow, actor, self.deleted, id_of(element))

    def page(self, uow: UnitOfWork, actor: Actor, request: PageRequest) -> Page[M]:
        """Give a part of the list. What it costs does not depend on how deep in the list it lies.

        Raises:
            InvalidInput: when the element to go on behind is gone and the order depends on more than its id.
        """
        conditions = [self.visible(actor), *request.conditions]
        rows = uow.session.execute(self._seek(actor, request).where(*conditions)).scalars().all()
        if not rows and request.after and request.sort:
            self._require_cursor(uow, actor, request.after)
        if request.after is None and len(rows) <= request.limit:
            return Page(rows, len(rows))
        total = uow.session.execute(select(func.count()).select_from(self.model).where(*conditions)).scalar_one()
        return Page(rows[: request.limit], total)

    def visible(self, actor: Actor) -> ColumnElement[bool]:
        """What the actor may see."""
        condition: ColumnElement[bool] = getattr(self.model, self.owner) == getattr(actor, self.owner)
        return condition

    def publish(self, uow: UnitOfWork, actor: Actor, event: str, element_id: UUID) -> None:
        """Tell that an element was made, changed or removed."""
        uow.publish(NewEvent(event, actor.space_id, element_id, actor.user_id))

    @cached_property
    def _by_id(self) -> Select[M]:
        """Made once: to build the query for every request takes longer than to run it."""
        owner = getattr(self.model, self.owner)
        return select(self.model).where(self._columns.id == bindparam("wanted_id"), owner == bindparam("wanted_owner"))

    @property
    def _columns(self) -> Any:
        """The mapped class, whose columns a type variable cannot tell."""
        return self.model

    def _seek(self, actor: Actor, request: PageRequest) -> Select[M]:
        """Order the list, skip to behind the cursor, and take one more than is wanted to see whether that is all."""
        query, order = select(self.model), _order(self.model, request)
        if request.after is not None:
            place, cursor = tuple_(*order), self._cursor(actor, request)
            query = query.where(place < cursor if request.is_descending else place > cursor)
        directed = [column.desc() if request.is_descending else column for column in order]
        return query.order_by(*directed).limit(request.limit + 1)

    def _cursor(self, actor: Actor, request: PageRequest) -> Any:
        """Give the place of the element to go on behind; by id alone it need not exist any more."""
        if not request.sort:
            return tuple_(request.after)
        other: Any = aliased(self.model)
        visible = getattr(other, self.owner) == getattr(actor, self.owner)
        return select(*_order(other, request)).where(other.id == request.after, visible).scalar_subquery()

    def _require_cursor(self, uow: UnitOfWork, actor: Actor, after: UUID) -> None:
        query = select(self._columns.id).where(self._columns.id == after, self.visible(actor))
        if uow.session.execute(query).first() is None:
            raise InvalidInput(f"from: there is no {self.name} with uuid '{after}' to go on behind")


def id_of(element: Audited) -> UUID:
    """Give the id of an element, whatever its class."""
    key: UUID = element.id  # type: ignore[attr-defined]  # every audited class has one
    return key


def _order(model: Any, request: PageRequest) -> list[Any]:
    return [request.sort(model), model.id] if request.sort else [model.id]
