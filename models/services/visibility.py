"""Grants as conditions on queries: what an actor may read of a table, and what a permission of theirs covers.

Permissions that are granted everywhere cost nothing. Those for a library or a collection reach the assets in it, and
what hangs off these; an asset is in a library that it was added to, or one of whose pools holds it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import aliased

from models.entities import CollectionAsset, LibraryAsset, LibraryPool, Location
from models.permissions import Actor, Entity, Permission, Verb

Condition = ColumnElement[bool]
# Under names of their own, so that the conditions mean the same in a query that is about one of these tables itself.
_ADDED, _PLACE, _SPANNED = aliased(LibraryAsset), aliased(Location), aliased(LibraryPool)
_HELD = aliased(CollectionAsset)


class Scope(Enum):
    """How grants for single libraries and collections reach the elements of a table."""

    SPACE = auto()
    """Not at all."""
    LIBRARY = auto()
    """The table holds the libraries themselves."""
    COLLECTION = auto()
    """The table holds the collections themselves."""
    ASSET = auto()
    """The table holds assets."""
    OF_ASSET = auto()
    """The elements belong to the assets in `asset_id`; whoever may not read the asset may not read them either."""


def covered(model: Any, scope: Scope, actor: Actor, permission: Permission) -> Condition:
    """Tell which rows of the space a permission of the actor's covers."""
    if actor.may(permission):
        return true()
    match scope:
        case Scope.LIBRARY:
            return _is_one_of(model.id, actor.libraries(permission))
        case Scope.COLLECTION:
            return _is_one_of(model.id, actor.collections(permission))
        case Scope.ASSET:
            return asset_in_scope(model.id, actor, permission)
        case Scope.OF_ASSET:
            return asset_in_scope(model.asset_id, actor, permission)
        case Scope.SPACE:
            return false()


def readable(model: Any, scope: Scope, entity: Entity, actor: Actor) -> Condition:
    """Tell which rows of the space the actor may read."""
    condition = covered(model, scope, actor, Permission.of(Verb.READ, entity))
    if scope is not Scope.OF_ASSET or actor.may(Permission.READ_ASSET):
        return condition
    return and_(condition, or_(model.asset_id.is_(None), asset_in_scope(model.asset_id, actor, Permission.READ_ASSET)))


def asset_in_scope(asset_id: Any, actor: Actor, permission: Permission) -> Condition:
    """Tell whether an asset is in one of the libraries and collections that the permission is granted for."""
    libraries, collections = actor.libraries(permission), actor.collections(permission)
    ways: list[Condition] = []
    if libraries:
        ways += [in_libraries(asset_id, libraries)]
    if collections:
        ways += [in_collections(asset_id, collections)]
    return or_(false(), *ways)


def in_libraries(asset_id: Any, libraries: frozenset[UUID]) -> Condition:
    """Tell whether an asset is in one of the libraries: it was added, or one of their pools holds it."""
    added = select(_ADDED.asset_id).where(_ADDED.asset_id == asset_id, _ADDED.library_id.in_(libraries))
    placed = (
        select(_PLACE.id)
        .join(_SPANNED, _SPANNED.pool_id == _PLACE.pool_id)
        .where(_PLACE.asset_id == asset_id, _SPANNED.library_id.in_(libraries))
    )
    return or_(added.correlate_except(_ADDED).exists(), placed.correlate_except(_PLACE, _SPANNED).exists())


def in_collections(asset_id: Any, collections: frozenset[UUID]) -> Condition:
    """Tell whether an asset is in one of the collections."""
    held = select(_HELD.asset_id).where(_HELD.asset_id == asset_id, _HELD.collection_id.in_(collections))
    return held.correlate_except(_HELD).exists()


def seen_with_all_assets(model: Any, actor: Actor) -> Condition:
    """Tell which rows somebody sees who may read all assets of the space; anybody else sees none."""
    return and_(model.space_id == actor.space_id, true() if actor.may(Permission.READ_ASSET) else false())


def _is_one_of(column: Any, ids: frozenset[UUID]) -> Condition:
    condition: Condition = column.in_(ids) if ids else false()
    return condition
