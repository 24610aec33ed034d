"""Assets as members of libraries and collections: what both kinds of membership share.

Lock order: the collection, then the assets by id, then the rows of the membership.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from models.entities import Asset
from models.errors import Forbidden, InvalidInput
from models.permissions import Actor, Entity, Permission, Verb
from models.services.assets import ASSETS, missing
from models.services.visibility import Scope, covered
from models.unit_of_work import UnitOfWork

_ABOUT_HOLDERS = frozenset(Permission.of(verb, each) for verb in Verb for each in (Entity.LIBRARY, Entity.COLLECTION))


@dataclass(frozen=True)
class Added:
    """What became of a request to add several assets. One that is a member already is neither added nor failed."""

    total: int
    added: int
    failed: Sequence[UUID]
    """Those that the actor sees none of."""


def require_no_gain(uow: UnitOfWork, actor: Actor, holder_id: UUID, asset_ids: Sequence[UUID]) -> None:
    """Insist that an actor gains nothing by putting assets where their own scoped grants would reach them.

    Raises:
        Forbidden: when something is granted to them for this library or collection that does not cover an asset yet.
    """
    grants = actor.grants
    held = {
        permission
        for scoped in (grants.libraries, grants.collections)
        for permission, holders in scoped.items()
        if holder_id in holders and permission not in _ABOUT_HOLDERS and not actor.may(permission)
    }
    for permission in sorted(held):
        query = select(Asset.id).where(Asset.id.in_(asset_ids), ~covered(Asset, Scope.ASSET, actor, permission))
        if uow.session.execute(query.limit(1)).first() is not None:
            raise Forbidden(f"To add the asset would give you {permission} on it")


def hold_readable(uow: UnitOfWork, actor: Actor, asset_ids: Sequence[UUID]) -> list[UUID]:
    """Give those of the assets that the actor may read, each once and in the order given; none of them can go away."""
    query = select(Asset.id).where(Asset.id.in_(asset_ids), ASSETS.visible(actor))
    locked = query.order_by(Asset.id).with_for_update(of=Asset, read=True, key_share=True)
    found = set(uow.session.execute(locked).scalars())
    return [asset_id for asset_id in dict.fromkeys(asset_ids) if asset_id in found]


def hold_named(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> None:
    """Insist that the asset that a body names is one that the actor may read; it cannot go away.

    Raises:
        InvalidInput: when it is not.
    """
    if not hold_readable(uow, actor, [asset_id]):
        raise InvalidInput(f"assetUuid: {missing(asset_id)}")
