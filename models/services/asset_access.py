"""Whether an actor may do something with an asset, or with what hangs off it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from models.entities import Asset
from models.errors import NotFound
from models.permissions import Actor, Entity, Permission, forbidden
from models.services.visibility import Scope, covered, readable
from models.unit_of_work import UnitOfWork


def require_on_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID, permission: Permission) -> None:
    """Insist that there is an asset and that a permission covers it.

    Raises:
        NotFound: when the actor may not read the asset, or there is none.
        Forbidden: when the permission does not cover it.
    """
    query = select(Asset.id).where(
        Asset.id == asset_id, Asset.space_id == actor.space_id, readable(Asset, Scope.ASSET, Entity.ASSET, actor)
    )
    if uow.session.execute(query).first() is None:
        raise missing_asset(asset_id)
    require_covering(uow, actor, asset_id, permission)


def keep_asset(uow: UnitOfWork, space_id: UUID, asset_id: UUID) -> None:
    """Keep an asset from being removed until the transaction ends.

    To be called before rows are put under it that two may put at the same time: whoever has locked the asset and puts
    the same ones would else wait for rows whose maker waits for the asset.

    Raises:
        NotFound: when there is none.
    """
    query = select(Asset.id).where(Asset.id == asset_id, Asset.space_id == space_id)
    if uow.session.execute(query.with_for_update(read=True, key_share=True)).first() is None:
        raise missing_asset(asset_id)


def missing_asset(asset_id: UUID) -> NotFound:
    """Say that there is no such asset."""
    return NotFound(f"Cannot find asset with uuid '{asset_id}'")


def require_covering(uow: UnitOfWork, actor: Actor, asset_id: UUID, permission: Permission) -> None:
    """Insist that a permission covers an asset that the actor is known to see.

    Raises:
        Forbidden: when it does not.
    """
    if actor.may(permission):
        return
    query = select(Asset.id).where(Asset.id == asset_id, covered(Asset, Scope.ASSET, actor, permission))
    if uow.session.execute(query).first() is None:
        raise forbidden(permission)
