"""Asset locations: files of pools, as scans have seen them. People can only say something about them, or forget them.

A location has no space of its own: it is in that of its pool. To change one is to change its asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import aliased

from models.entities import Asset, Location, Pool
from models.errors import NotFound
from models.events import ASSET_UPDATED, NewEvent
from models.permissions import Actor, Entity, Permission, Verb
from models.services.asset_access import require_covering
from models.services.counting import Total, count_rows
from models.services.crud import Values
from models.services.paging import PageRequest
from models.services.visibility import Scope, readable
from models.unit_of_work import UnitOfWork

LOCATION: Any = aliased(Location, name="place")
"""What conditions on the list are to be about: conditions on grants speak of locations themselves."""


class Located(NamedTuple):
    """A location, with the folder of its pool and the type of its content."""

    location: Location
    root: str
    mime_type: str


def page_locations(uow: UnitOfWork, actor: Actor, request: PageRequest) -> tuple[Sequence[Located], Total]:
    """Give a part of the list, by id, and how many the whole of it has."""
    conditions = [*_visible(actor), *request.conditions]
    query = _located().where(*conditions)
    if request.after is not None:
        query = query.where(LOCATION.id < request.after if request.is_descending else LOCATION.id > request.after)
    query = query.order_by(LOCATION.id.desc() if request.is_descending else LOCATION.id).limit(request.limit + 1)
    rows = [Located(*row) for row in uow.session.execute(query)]
    if request.after is None and len(rows) <= request.limit:
        return rows, Total(len(rows))
    return rows[: request.limit], count_rows(uow, select(LOCATION.id).where(*conditions))


def get_location(uow: UnitOfWork, actor: Actor, location_id: UUID, verb: Verb = Verb.READ) -> Located:
    """Give the location of that id; locked if it is to be changed.

    Raises:
        NotFound: when the actor may not read it, or there is none.
        Forbidden: when they may read it, but not do that with it.
    """
    query = _located().where(LOCATION.id == location_id, *_visible(actor))
    if verb is not Verb.READ:
        query = query.with_for_update(of=LOCATION).execution_options(populate_existing=True)
    row = uow.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"Cannot find asset location with uuid '{location_id}'")
    found = Located(*row)
    if verb is not Verb.READ:
        require_covering(uow, actor, found.location.asset_id, Permission.of(verb, Entity.ASSET_LOCATION))
    return found


def update_location(uow: UnitOfWork, actor: Actor, location: Location, values: Values) -> None:
    """Say something else about a location that is locked; saying what is said already is no change."""
    changes = {name: value for name, value in values.items() if (getattr(location, name) or {}) != (value or {})}
    for name, value in changes.items():
        setattr(location, name, value)
    if changes:
        uow.session.flush()
        _publish(uow, actor, location)


def delete_location(uow: UnitOfWork, actor: Actor, location: Location) -> None:
    """Forget a location that is locked; the file stays, so the next scan finds it again."""
    uow.session.delete(location)
    uow.session.flush()
    _publish(uow, actor, location)


def _located() -> Select[Any]:
    query = select(LOCATION, Pool.fs_path, Asset.mime_type).join(Pool, Pool.id == LOCATION.pool_id)
    return query.join(Asset, Asset.id == LOCATION.asset_id)


def _visible(actor: Actor) -> list[ColumnElement[bool]]:
    pools = select(Pool.id).where(Pool.space_id == actor.space_id)
    return [LOCATION.pool_id.in_(pools), readable(LOCATION, Scope.OF_ASSET, Entity.ASSET_LOCATION, actor)]


def _publish(uow: UnitOfWork, actor: Actor, location: Location) -> None:
    uow.publish(NewEvent(ASSET_UPDATED, actor.space_id, location.asset_id, actor.user_id))
