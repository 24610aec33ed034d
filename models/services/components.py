"""Components: what is known of the sides of an asset. They go by the permissions of the asset.

The producer and the discriminators (`uq_component_producer`) tell the components of an asset apart: whoever looks
again puts what they find by `put_component`, over what the same producer has found before.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from models.entities import Component
from models.ids import new_id
from models.permissions import Actor, Entity, Verb
from models.services.asset_access import keep_asset, require_covering
from models.services.assets import ASSETS
from models.services.crud import Resource, Values
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

COMPONENTS = Resource(Component, "asset component", Entity.ASSET, Scope.OF_ASSET, is_part=True)
_KEY = ("type", "source", "node_id", "time_from", "stream_index", "page_number", "variant")
_REPLACED = ("producer_version", "confidence", "method", "payload")


def create_component(uow: UnitOfWork, actor: Actor, values: Values) -> Component:
    """Make a component of an asset. `values` are columns of the table.

    Raises:
        InvalidInput: when the actor sees no such asset.
        Forbidden: when they may not change it.
        Conflict: when the asset has one of that producer and discriminators.
    """
    asset = ASSETS.refer(uow, actor, values["asset_id"], "assetUuid")
    require_covering(uow, actor, asset.id, COMPONENTS.permission(Verb.CREATE))
    keep_asset(uow, actor.space_id, asset.id)
    return COMPONENTS.insert(uow, actor, values)


def put_component(uow: UnitOfWork, actor: Actor, asset_id: UUID, values: Values) -> tuple[Component, bool]:
    """Make a component of an asset, or replace that of the same producer and discriminators; tells whether it is new.

    The caller has seen to it that the actor may change the asset. `values` are columns of the table, `type` and
    `payload` among them. Metadata that is there stays if none is given.
    """
    keep_asset(uow, actor.space_id, asset_id)
    made = {"space_id": actor.space_id, "creator_id": actor.user_id, "editor_id": actor.user_id, "asset_id": asset_id}
    statement = insert(Component).on_conflict_do_nothing(constraint="uq_component_producer").returning(Component.id)
    while True:
        created = uow.session.execute(statement.values(id=new_id(), **made, **values)).scalar_one_or_none()
        if created is not None:
            component = uow.session.get_one(Component, created)
            COMPONENTS.publish(uow, actor, COMPONENTS.created, component)
            return component, True
        found = _find(uow, asset_id, values)
        if found is not None:  # else the one that was in the way has just been removed
            COMPONENTS.update(uow, actor, found, _replacement(values))
            return found, False


def _find(uow: UnitOfWork, asset_id: UUID, values: Values) -> Component | None:
    columns: Any = Component.__table__.columns
    same = [columns[name] == values.get(name) for name in _KEY]
    query = select(Component).where(Component.asset_id == asset_id, *same)
    return uow.session.execute(query.with_for_update().execution_options(populate_existing=True)).scalar_one_or_none()


def _replacement(values: Values) -> Values:
    kept = {"meta": values["meta"]} if values.get("meta") is not None else {}
    return {**{name: values.get(name) for name in _REPLACED}, **kept}
