"""The plain verbs that most resources share: create, get, update, delete, page.

A resource whose verbs need more has functions of its own, which may build on these. Every query is narrowed to what
the actor may see: anything else does not exist for them, neither in an answer nor in a count. What they may see but
not change is forbidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.orm.attributes import flag_modified

from models.db import Audited
from models.errors import InvalidInput, NotFound
from models.events import NewEvent
from models.ids import new_id
from models.permissions import Actor, Entity, Permission, Verb, forbidden
from models.services.asset_access import require_on_asset
from models.services.audit import mark_edited, name_users
from models.services.changes import changes_to
from models.services.counting import Total, count_some, total_of
from models.services.paging import Page, PageRequest, seek
from models.services.snapshots import find_snapshot
from models.services.visibility import Scope, covered, readable
from models.unit_of_work import UnitOfWork

M = TypeVar("M", bound=Audited)
Values = dict[str, Any]


@dataclass(frozen=True)
class Resource(Generic[M]):
    """A kind of element, and the plain verbs on it. The caller commits."""

    model: type[M]
    name: str
    """In messages, such as `asset pool`."""
    entity: Entity
    """What its permissions and its events are called after."""
    scope: Scope = Scope.SPACE
    own: Literal["user_id", "creator_id"] | None = None
    """The column with the user who may do everything with an element without any permission; see `_own`."""
    within: Callable[[Any, Actor], ColumnElement[bool]] | None = None
    """Tells which rows are of the actor's space, for a table that has no column `space_id` to say so."""
    is_open: bool = False
    """Whether reading needs no permission: all that are `within` the actor's sight may be read."""
    is_part: bool = False
    """Whether the elements are parts of their assets: they go by READ_ASSET and UPDATE_ASSET, and what happens to them
    happens to the asset. Their entity is the asset's."""

    @property
    def created(self) -> str:
        """The event of an element that was made."""
        return self.updated if self.is_part else f"{self.entity.event_prefix}.created"

    @property
    def updated(self) -> str:
        """The event of an element that was changed."""
        return f"{self.entity.event_prefix}.updated"

    @property
    def deleted(self) -> str:
        """The event of an element that was removed."""
        return self.updated if self.is_part else f"{self.entity.event_prefix}.deleted"

    def permission(self, verb: Verb) -> Permission:
        """Give the permission that a verb on it needs."""
        if self.is_part and verb is not Verb.READ:
            verb = Verb.UPDATE
        return Permission.of(verb, self.entity)

    def create(self, uow: UnitOfWork, actor: Actor, values: Values) -> M:
        """Make an element in the actor's space. One that belongs to an asset needs the permission for that asset only.

        Raises:
            Forbidden: when the actor may not.
            NotFound: when they see no such asset.
        """
        permission = self.permission(Verb.CREATE)
        if self.scope is Scope.OF_ASSET and values.get("asset_id") is not None:
            require_on_asset(uow, actor, values["asset_id"], permission)
        else:
            actor.require(permission)
        return self.insert(uow, actor, values)

    def insert(self, uow: UnitOfWork, actor: Actor, values: Values) -> M:
        """Make an element without asking whether the actor may: for those who have asked."""
        element_id = new_id()
        made = {"id": element_id, "space_id": actor.space_id, "creator_id": actor.user_id, "editor_id": actor.user_id}
        element = self.model(**made, **values)
        uow.session.add(element)
        uow.session.flush()
        self.publish(uow, actor, self.created, element)
        return element

    def get(
        self, uow: UnitOfWork, actor: Actor, element_id: UUID, verb: Verb = Verb.READ, *, lock: bool = False
    ) -> M:  # fmt: skip
        """Give the element of that id to do something with; `lock` keeps others from changing it meanwhile.

        Raises:
            NotFound: when the actor may not read it, or there is none.
            Forbidden: when they may read it, but not do that with it.
        """
        query = self._by_id if self._is_plain(actor) else self._readable_by_id(actor)
        if lock:
            query = query.with_for_update(of=self.model).execution_options(populate_existing=True)
        values = {"wanted_id": element_id, "wanted_space": actor.space_id}
        element = uow.session.execute(query, values).scalar_one_or_none()
        if element is None:
            raise self.missing(element_id)
        if verb is not Verb.READ:
            self.require(uow, actor, element_id, verb)
        return element

    def require(self, uow: UnitOfWork, actor: Actor, element_id: UUID, verb: Verb) -> None:
        """Insist that the actor may do that with an element that they may read.

        Raises:
            Forbidden: when they may not.
        """
        permission = self.permission(verb)
        if actor.may(permission):
            return
        allowed = or_(covered(self.model, self.scope, actor, permission), *self._own(actor))
        if uow.session.execute(select(self._columns.id).where(self._columns.id == element_id, allowed)).first() is None:
            raise forbidden(permission)

    def refer(self, uow: UnitOfWork, actor: Actor, element_id: UUID, field: str) -> M:
        """Give the element that a field of a body names.

        Raises:
            InvalidInput: naming the field, when the actor sees no such element.
        """
        try:
            return self.get(uow, actor, element_id)
        except NotFound as error:
            raise InvalidInput(f"{field}: {error}") from None

    def read(self, uow: UnitOfWork, actor: Actor, element_id: UUID) -> M:
        """Read the element of that id to show it: it can neither be changed nor locked, and its users are named."""
        if not self._is_plain(actor):
            element = self.get(uow, actor, element_id)
            name_users(uow, actor, [element])
            return element
        snapshot = find_snapshot(uow, actor, self.model, element_id)
        if snapshot is None:
            raise self.missing(element_id)
        return snapshot

    def missing(self, element_id: object) -> NotFound:
        """Say that the actor sees no such element."""
        return NotFound(f"Cannot find {self.name} with uuid '{element_id}'")

    def update(self, uow: UnitOfWork, actor: Actor, element: M, values: Values) -> None:
        """Change what is given; giving what is there already is no change."""
        if self.change(actor, element, values):
            uow.session.flush()
            self.publish(uow, actor, self.updated, element)

    def change(self, actor: Actor, element: M, values: Values) -> bool:
        """Change what is given, for the caller to flush and to tell of; tells whether anything is another now."""
        changes = changes_to(element, values)
        for name, value in changes.items():
            setattr(element, name, value)
            # SQLAlchemy would take {"a": true} for the {"a": 1} that is there.
            flag_modified(element, name)
        if changes:
            mark_edited(element, actor)
        return bool(changes)

    def touch(self, uow: UnitOfWork, actor: Actor, element: M) -> None:
        """Note that an element, which must be locked, is another now, be it only in what belongs to it."""
        mark_edited(element, actor)
        uow.session.flush()
        self.publish(uow, actor, self.updated, element)

    def delete(self, uow: UnitOfWork, actor: Actor, element: M) -> None:
        """Remove an element for good."""
        uow.session.delete(element)
        uow.session.flush()
        self.publish(uow, actor, self.deleted, element)

    def page(self, uow: UnitOfWork, actor: Actor, request: PageRequest) -> Page[M]:
        """Give a part of the list. What it costs does not depend on how deep in the list it lies.

        Raises:
            InvalidInput: when the element to go on behind is gone and the order depends on more than its id.
        """
        return Page(*self._page(uow, actor, request, select(self.model)))

    def page_ids(self, uow: UnitOfWork, actor: Actor, request: PageRequest) -> tuple[Sequence[UUID], Total]:
        """Give the ids in a part of the list, and how many the whole of it has; raises as `page` does."""
        return self._page(uow, actor, request, select(self._columns.id))

    def _page(
        self, uow: UnitOfWork, actor: Actor, request: PageRequest, query: Select[Any]
    ) -> tuple[Sequence[Any], Total]:  # fmt: skip
        conditions = [self.visible(actor), *request.conditions]
        everything = select(self._columns.id).where(*conditions)
        visible = partial(self._visible, actor=actor)
        part = seek(query, self.model, request, visible).where(*conditions).add_columns(count_some(everything))
        rows = uow.session.execute(part).all()
        if not rows and request.after and request.sort:
            self._require_cursor(uow, actor, request.after)
        if request.after is None and len(rows) <= request.limit:
            return [row[0] for row in rows], Total(len(rows))
        counted = rows[0][1] if rows else None
        return [row[0] for row in rows[: request.limit]], total_of(uow, everything, counted)

    def visible(self, actor: Actor) -> ColumnElement[bool]:
        """What the actor may see."""
        return self._visible(self.model, actor)

    def publish(self, uow: UnitOfWork, actor: Actor, event: str, element: M) -> None:
        """Tell that an element was made, changed or removed; with the asset that decides who may hear of it."""
        asset_id = getattr(element, "asset_id", None)
        data = {"assetUuid": str(asset_id)} if asset_id else {}
        subject_id = asset_id if asset_id and self.is_part else id_of(element)
        uow.publish(NewEvent(event, actor.space_id, subject_id, actor.user_id, data))

    def _reads_all(self, actor: Actor) -> bool:
        """Whether the actor may read every element in the space, so that nothing needs to be narrowed."""
        may_read = self.is_open or actor.may(self.permission(Verb.READ))
        return may_read and (self.scope is not Scope.OF_ASSET or actor.may(Permission.READ_ASSET))

    def _is_plain(self, actor: Actor) -> bool:
        """Whether an id and the space say all about what the actor may read."""
        return self.within is None and self._reads_all(actor)

    def _visible(self, model: Any, actor: Actor) -> ColumnElement[bool]:
        condition = self.within(model, actor) if self.within else model.space_id == actor.space_id
        if self._reads_all(actor):
            return condition
        return and_(condition, or_(readable(model, self.scope, self.entity, actor), *self._own(actor, model)))

    def _own(self, actor: Actor, model: Any = None) -> list[ColumnElement[bool]]:
        """Tell which elements are the actor's own. With a narrowed key, those that the same key has made."""
        if self.own is None:
            return []
        model = model or self.model
        if not actor.is_narrowed:
            return [getattr(model, self.own) == actor.user_id]
        return [model.token_id == actor.token_id] if hasattr(model, "token_id") else []

    @cached_property
    def _by_id(self) -> Select[M]:
        """Made once: to build the query for every request takes longer than to run it."""
        return select(self.model).where(
            self._columns.id == bindparam("wanted_id"), self._columns.space_id == bindparam("wanted_space")
        )

    def _readable_by_id(self, actor: Actor) -> Select[M]:
        return select(self.model).where(self._columns.id == bindparam("wanted_id"), self.visible(actor))

    @property
    def _columns(self) -> Any:
        """The mapped class, whose columns a type variable cannot tell."""
        return self.model

    def _require_cursor(self, uow: UnitOfWork, actor: Actor, after: UUID) -> None:
        query = select(self._columns.id).where(self._columns.id == after, self.visible(actor))
        if uow.session.execute(query).first() is None:
            raise InvalidInput(f"from: there is no {self.name} with uuid '{after}' to go on behind")


def id_of(element: Audited) -> UUID:
    """Give the id of an element, whatever its class."""
    key: UUID = element.id  # type: ignore[attr-defined]  # every audited class has one
    return key
