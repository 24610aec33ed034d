"""Who may hear of an event: decided for each frame and actor, as lists decide it for rows.

An event about a kind of element needs the permission to read such; one about an asset, or about what hangs off one, the
permission to read that asset too. Tasks, tokens and saved searches are also their makers' own; with a narrowed key, the
tasks that the same key asked for. Scoped grants cost one query for each permission and batch of frames, however many
there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.entities import Asset
from models.permissions import Actor, Entity, Permission, Verb
from models.services.frames import Frame
from models.services.visibility import Scope, covered
from models.unit_of_work import UnitOfWork

_OWN = frozenset({Entity.TASK, Entity.TOKEN, Entity.SAVED_SEARCH})
_FORMER_SCOPES = ("_libraries", "_collections")
"""What a deleted asset was in, kept in its last event: there is nothing left to ask the database about."""

Begin = Callable[[], UnitOfWork]


def audible(begin: Begin, actor: Actor, frames: Sequence[Frame]) -> list[Frame]:
    """Give the frames of the actor's space that they may hear of; the database is asked only for scoped grants."""
    wanted = [(frame, _needs(actor, frame)) for frame in frames]
    covers = _covered(begin, actor, [needs for _, needs in wanted if needs])
    return [frame for frame, needs in wanted if needs is not None and all(each in covers for each in needs)]


def is_personal(frame: Frame) -> bool:
    """Whether it matters who listens, not only what they may do."""
    return frame["channel"] in _OWN


_Need = tuple[Permission, UUID]


def _needs(actor: Actor, frame: Frame) -> list[_Need] | None:
    """Tell which permissions must cover which assets; none: it may be heard; None: it may not."""
    name = frame["channel"]
    if name not in Entity.__members__:
        return None
    entity = Entity[name]
    if is_personal(frame) and _is_own(actor, frame):
        return []
    permission = Permission.of(Verb.READ, entity)
    asset_id = frame["uuid"] if entity is Entity.ASSET else frame["data"].get("assetUuid")
    if asset_id is None:
        return [] if actor.may(permission) or _is_granted(actor, permission, entity, frame["uuid"]) else None
    if not actor.may_somewhere(permission) or not actor.may_somewhere(Permission.READ_ASSET):
        return None
    if entity is Entity.ASSET and not actor.may(permission) and any(name in frame["data"] for name in _FORMER_SCOPES):
        return [] if _was_in_scope(actor, frame["data"]) else None
    scoped = {each for each in (permission, Permission.READ_ASSET) if not actor.may(each)}
    return [(each, UUID(asset_id)) for each in sorted(scoped)]


def _is_own(actor: Actor, frame: Frame) -> bool:
    if actor.is_narrowed:
        return bool(frame["data"].get("_token") == str(actor.token_id))
    return frame.get("_actor") == str(actor.user_id)


def _is_granted(actor: Actor, permission: Permission, entity: Entity, element_id: str) -> bool:
    """Whether a library or a collection is one of those that the permission is granted for."""
    if entity is Entity.LIBRARY:
        return UUID(element_id) in actor.libraries(permission)
    return entity is Entity.COLLECTION and UUID(element_id) in actor.collections(permission)


def _was_in_scope(actor: Actor, data: dict[str, Any]) -> bool:
    read = Permission.READ_ASSET
    libraries, collections = map(str, actor.libraries(read)), map(str, actor.collections(read))
    return bool(set(libraries) & set(data.get("_libraries", ()))) or bool(
        set(collections) & set(data.get("_collections", ()))
    )


def _covered(begin: Begin, actor: Actor, needs: Sequence[Sequence[_Need]]) -> set[_Need]:
    asked: dict[Permission, set[UUID]] = defaultdict(set)
    for permission, asset_id in (each for group in needs for each in group):
        asked[permission].add(asset_id)
    if not asked:
        return set()
    found: set[_Need] = set()
    with begin() as uow:
        for permission, ids in asked.items():
            query = select(Asset.id).where(
                Asset.id.in_(ids), Asset.space_id == actor.space_id, covered(Asset, Scope.ASSET, actor, permission)
            )
            found |= {(permission, asset_id) for asset_id in uow.session.execute(query).scalars()}
    return found
