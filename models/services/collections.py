"""Collections: curated sets of assets in an order that people give; they may lie in each other, but in no circle.

Lock order: the tree (of a space, when it is changed), the collection, the assets, their memberships. All changes of
what is in a collection happen with its row locked, one after the other: so no position is given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, tuple_

from models.entities import Asset, Collection, CollectionAsset, Task
from models.errors import Conflict, InvalidInput
from models.events import NewEvent
from models.payloads import DeleteCollection
from models.permissions import Actor, Entity, Permission, Verb
from models.services.announcing import announce
from models.services.assets import ASSETS, require_readable
from models.services.counting import Total, count_rows
from models.services.crud import Resource, Values
from models.services.holders import COLLECTION_HOLDER, delete_by_task
from models.services.members import Added, hold_named, hold_readable, require_no_gain
from models.services.paging import Page, PageRequest
from models.services.policies import forget_grants
from models.services.positions import Placement, place, set_positions, stranger
from models.services.visibility import Scope, in_collections
from models.unit_of_work import UnitOfWork

COLLECTIONS = Resource(Collection, "collection", Entity.COLLECTION, Scope.COLLECTION)
_END = Placement()
Find = Callable[[dict[str, Any]], Sequence[UUID]]
"""Gives what a query finds that is kept in JSON."""


def create_collection(uow: UnitOfWork, actor: Actor, values: Values) -> Collection:
    """Make a collection, in another one if `parent_id` says so."""
    actor.require(COLLECTIONS.permission(Verb.CREATE))
    if values.get("parent_id"):
        COLLECTIONS.refer(uow, actor, values["parent_id"], "parentUuid")
    return COLLECTIONS.insert(uow, actor, values)


def lock_tree(uow: UnitOfWork, actor: Actor) -> None:
    """Let nobody else change which collection lies in which; to be called before a collection is locked."""
    uow.lock(f"collections of {actor.space_id}")


def update_collection(uow: UnitOfWork, actor: Actor, collection: Collection, values: Values) -> None:
    """Change what is given of a collection; to move it the tree must be locked.

    Raises:
        Conflict: when it would come to lie in itself.
    """
    parent_id = values.get("parent_id")
    if parent_id and parent_id != collection.parent_id:
        COLLECTIONS.refer(uow, actor, parent_id, "parentUuid")
        if _lies_in(uow, parent_id, collection.id):
            raise Conflict("parentUuid: a collection cannot lie in itself, nor in one that lies in it")
    if (values.get("query") is None) != (collection.query is None) and "query" in values:
        _require_empty(uow, collection)
    COLLECTIONS.update(uow, actor, collection, values)


def _require_empty(uow: UnitOfWork, collection: Collection) -> None:
    held = select(CollectionAsset.asset_id).where(CollectionAsset.collection_id == collection.id)
    if uow.session.execute(held.limit(1)).first() is not None:
        raise Conflict("query: the collection holds assets that people have put into it; make another one")


def _hold_plain(uow: UnitOfWork, actor: Actor, collection_id: UUID) -> Collection:
    """Give a collection, locked, whose assets people choose.

    Raises:
        Conflict: when a search chooses them.
    """
    collection = COLLECTIONS.get(uow, actor, collection_id, Verb.UPDATE, lock=True)
    if collection.query is not None:
        raise Conflict("What is in a smart collection is said by its query")
    return collection


def _lies_in(uow: UnitOfWork, collection_id: UUID, ancestor_id: UUID) -> bool:
    rows = uow.fetch(
        """WITH RECURSIVE above (id) AS (
               SELECT %(id)s::uuid UNION SELECT collection.parent_id FROM above
               JOIN collection ON collection.id = above.id WHERE collection.parent_id IS NOT NULL)
           SELECT 1 FROM above WHERE id = %(ancestor)s""",
        id=collection_id,
        ancestor=ancestor_id,
    )
    return bool(rows)


def delete_collection(uow: UnitOfWork, actor: Actor, collection: Collection, max_attempts: int) -> Task | None:
    """Forget a collection, which must be locked; its assets stay, and what lay in it lies in none.

    Returns:
        The task that does it, if it holds very many assets.
    """
    payload = DeleteCollection(collection_uuid=collection.id)
    task = delete_by_task(uow, actor, COLLECTION_HOLDER, payload, collection.id, collection.name, max_attempts)
    if task is None:
        forget_collection(uow, collection, actor.user_id)
    return task


def forget_collection(uow: UnitOfWork, collection: Collection, user_id: UUID | None) -> None:
    """Remove a collection, which must be locked, with what is still in it."""
    COLLECTION_HOLDER.remove_some(uow, collection.space_id, user_id, collection.id)
    children: Any = uow.execute(
        """UPDATE collection SET parent_id = NULL, revision = revision + 1, edited = now(), editor_id = :user
           WHERE parent_id = :id RETURNING id""",
        user=user_id,
        id=collection.id,
    ).scalars()
    for child in children:
        uow.publish(NewEvent(COLLECTIONS.updated, collection.space_id, child, user_id))
    forget_grants(uow, collection.space_id, "collection", collection.id)
    uow.session.delete(collection)
    uow.session.flush()
    uow.publish(NewEvent(COLLECTIONS.deleted, collection.space_id, collection.id, user_id))


def add_asset(
    uow: UnitOfWork, actor: Actor, collection_id: UUID, asset_id: UUID, placement: Placement
) -> tuple[Collection, bool]:
    """Put an asset into a collection, or move it if it is there and a place is given. Tells whether it is new to it."""
    collection = _hold_plain(uow, actor, collection_id)
    hold_named(uow, actor, asset_id)
    require_no_gain(uow, actor, collection_id, [asset_id])
    _require_seen(uow, actor, placement)
    is_new = not _members(uow, collection_id, [asset_id])
    if is_new or placement.is_given:
        set_positions(uow, collection_id, [asset_id], place(uow, collection_id, [asset_id], placement))
        COLLECTIONS.publish(uow, actor, COLLECTIONS.updated, collection)
    if is_new:
        announce(uow, actor.space_id, actor.user_id, [asset_id])
    return collection, is_new


def add_assets(uow: UnitOfWork, actor: Actor, collection_id: UUID, asset_ids: Sequence[UUID]) -> Added:
    """Put several assets at the end of a collection, in the order given; those in it stay where they are."""
    collection = _hold_plain(uow, actor, collection_id)
    found = hold_readable(uow, actor, asset_ids)
    require_no_gain(uow, actor, collection_id, found)
    known = _members(uow, collection_id, found)
    new = [asset_id for asset_id in found if asset_id not in known]
    if new:
        set_positions(uow, collection_id, new, place(uow, collection_id, new, _END))
        COLLECTIONS.publish(uow, actor, COLLECTIONS.updated, collection)
        announce(uow, actor.space_id, actor.user_id, new)
    wanted, seen = dict.fromkeys(asset_ids), set(found)
    return Added(len(wanted), len(new), [asset_id for asset_id in wanted if asset_id not in seen])


def move_assets(
    uow: UnitOfWork, actor: Actor, collection_id: UUID, asset_ids: Sequence[UUID], placement: Placement
) -> Collection:
    """Put assets of a collection next to each other, in the order given, at some place in it.

    Raises:
        InvalidInput: when one of them is not in it, as far as the actor may see.
    """
    collection = _hold_plain(uow, actor, collection_id)
    wanted = list(dict.fromkeys(asset_ids))
    known = _members(uow, collection_id, hold_readable(uow, actor, wanted))
    if strangers := [asset_id for asset_id in wanted if asset_id not in known]:
        raise InvalidInput(f"assetUuids: the asset '{strangers[0]}' is not in the collection")
    _require_seen(uow, actor, placement)
    set_positions(uow, collection_id, wanted, place(uow, collection_id, wanted, placement))
    COLLECTIONS.publish(uow, actor, COLLECTIONS.updated, collection)
    return collection


def _require_seen(uow: UnitOfWork, actor: Actor, placement: Placement) -> None:
    """Refuse a neighbour that the actor may not read just like one that is not in the collection."""
    neighbour = placement.after or placement.before
    if (
        neighbour
        and uow.session.execute(select(Asset.id).where(Asset.id == neighbour, ASSETS.visible(actor))).first() is None
    ):
        raise stranger("after" if placement.after else "before", neighbour)


def remove_asset(uow: UnitOfWork, actor: Actor, collection_id: UUID, asset_id: UUID) -> None:
    """Take an asset out of a collection; harmless if it is not in it.

    Raises:
        NotFound: when the actor sees no such asset.
    """
    collection = _hold_plain(uow, actor, collection_id)
    require_readable(uow, actor, asset_id)
    query = delete(CollectionAsset).where(
        CollectionAsset.collection_id == collection_id, CollectionAsset.asset_id == asset_id
    )
    if uow.session.execute(query.returning(CollectionAsset.asset_id)).first() is not None:
        COLLECTIONS.publish(uow, actor, COLLECTIONS.updated, collection)
        announce(uow, actor.space_id, actor.user_id, [asset_id])


def collections_of(uow: UnitOfWork, actor: Actor, asset_id: UUID, request: PageRequest) -> Page[Collection]:
    """List the collections with an asset, as far as the actor may read them.

    Raises:
        NotFound: when they see no such asset.
    """
    require_readable(uow, actor, asset_id)
    held = select(CollectionAsset.collection_id).where(CollectionAsset.asset_id == asset_id)
    return COLLECTIONS.page(uow, actor, request.where(Collection.id.in_(held)))


def assets_of_collection(
    uow: UnitOfWork, actor: Actor, collection_id: UUID, request: PageRequest, find: Find
) -> tuple[Sequence[UUID], Total]:
    """Give the ids in a part of a collection, in the order that people gave it unless another is wanted.

    `find` gives what a query finds, for a smart collection, which is in the order of lists.

    Raises:
        InvalidInput: when the asset to go on behind is not in it any more.
        Unavailable: when a search would say what is in it, and there is no index.
    """
    collection = COLLECTIONS.get(uow, actor, collection_id)
    if collection.query is not None:
        actor.require_somewhere(Permission.READ_SEARCH)
        return ASSETS.page_ids(uow, actor, request.where(Asset.id.in_(find(collection.query))))
    if request.sort is not None:
        return ASSETS.page_ids(uow, actor, request.where(in_collections(Asset.id, frozenset({collection_id}))))
    query = select(CollectionAsset.asset_id).join(Asset, Asset.id == CollectionAsset.asset_id)
    query = query.where(CollectionAsset.collection_id == collection_id, ASSETS.visible(actor), *request.conditions)
    order = [CollectionAsset.position, CollectionAsset.asset_id]
    part = query.order_by(*(column.desc() if request.is_descending else column for column in order))
    if request.after is not None:
        here, behind = tuple_(*order), tuple_(_position(uow, actor, collection_id, request.after), request.after)
        part = part.where(here < behind if request.is_descending else here > behind)
    ids = uow.session.execute(part.limit(request.limit + 1)).scalars().all()
    if request.after is None and len(ids) <= request.limit:
        return ids, Total(len(ids))
    return ids[: request.limit], count_rows(uow, query)


def _position(uow: UnitOfWork, actor: Actor, collection_id: UUID, asset_id: UUID) -> float:
    query = select(CollectionAsset.position).join(Asset, Asset.id == CollectionAsset.asset_id)
    query = query.where(CollectionAsset.collection_id == collection_id, Asset.id == asset_id, ASSETS.visible(actor))
    position = uow.session.execute(query).scalar_one_or_none()
    if position is None:
        raise InvalidInput(f"from: there is no asset with uuid '{asset_id}' in the collection to go on behind")
    return position


def _members(uow: UnitOfWork, collection_id: UUID, asset_ids: Sequence[UUID]) -> set[UUID]:
    query = select(CollectionAsset.asset_id).where(CollectionAsset.collection_id == collection_id)
    return set(uow.session.execute(query.where(CollectionAsset.asset_id.in_(asset_ids))).scalars())
