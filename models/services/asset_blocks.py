"""What hangs off an asset and is shown with it: places, tags, annotations, collections, components, embeddings, social.

Each is a subquery that gives JSON, and is asked for only if the actor has been granted to read such things at all.
Grants for single libraries are looked up once for all assets of a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import select

from models.entities import Asset
from models.permissions import Actor, Permission
from models.services.visibility import Scope, covered
from models.unit_of_work import UnitOfWork

MOST_SHOWN = 100
"""So many of each kind are shown with an asset, the oldest first."""
_NOTHING = "NULL"

_PLACES = f"""
    (SELECT json_agg(json_build_array(place.id, place.pool_id, pool.fs_path, encode(place.path, 'hex'), place.state,
                     place.device, place.inode, place.size, place.mtime_ns, extract(epoch FROM place.last_seen))
                     ORDER BY place.id)
     FROM (SELECT * FROM location WHERE asset_id = asset.id ORDER BY id LIMIT {MOST_SHOWN}) AS place
     JOIN pool ON pool.id = place.pool_id)
"""  # noqa: S608 - a constant
_TAGS = f"""
    (SELECT json_agg(json_build_object('uuid', tag.id, 'name', tag.name, 'collection', tag.collection,
                     'color', tag.color, 'area', put.area, 'placementUuid', put.id, 'nodeKind', put.node_kind,
                     'nodeId', put.node_id, 'confidence', put.confidence,
                     'attached', extract(epoch FROM put.attached)::float8, 'attachedBy', put.attached_by)
                     ORDER BY put.id)
     FROM (SELECT * FROM asset_tag WHERE asset_id = asset.id ORDER BY id LIMIT {MOST_SHOWN}) AS put
     JOIN tag ON tag.id = put.tag_id)
"""  # noqa: S608 - a constant
_ANNOTATIONS = f"""
    (SELECT json_agg(json_build_object('uuid', note.id, 'type', note.type, 'title', note.title,
                     'description', note.description, 'area', note.area, 'assetUuid', note.asset_id,
                     'thumbnail', note.thumbnail, 'meta', note.meta) ORDER BY note.id)
     FROM (SELECT * FROM annotation WHERE asset_id = asset.id ORDER BY id LIMIT {MOST_SHOWN}) AS note)
"""  # noqa: S608 - a constant
_COLLECTIONS = f"""
    (SELECT json_agg(json_build_object('uuid', held.id, 'name', held.name) ORDER BY held.id)
     FROM (SELECT collection.id, collection.name FROM collection_asset
           JOIN collection ON collection.id = collection_asset.collection_id
           WHERE collection_asset.asset_id = asset.id ORDER BY collection.id LIMIT {MOST_SHOWN}) AS held)
"""  # noqa: S608 - a constant
_COMPONENTS = f"""
    (SELECT json_agg(json_build_array(part.type, part.source, part.payload) ORDER BY part.id)
     FROM (SELECT * FROM component WHERE asset_id = asset.id AND type IN ('GEO', 'IMAGE', 'VIDEO', 'AUDIO', 'DOC')
           ORDER BY id LIMIT {MOST_SHOWN}) AS part)
"""  # noqa: S608 - a constant
_EMBEDDING = """
    'uuid', vec.id, 'source', vec.source, 'type', vec.type, 'model', vec.model, 'dimensions', vec.dimensions,
    'area', vec.area, 'assetUuid', vec.asset_id, 'meta', vec.meta
"""
_EMBEDDINGS = f"""
    (SELECT json_agg(json_build_object({_EMBEDDING}) ORDER BY vec.id)
     FROM (SELECT * FROM embedding WHERE asset_id = asset.id ORDER BY id LIMIT {MOST_SHOWN}) AS vec)
"""  # noqa: S608 - a constant
_VECTORS = _EMBEDDINGS.replace(_EMBEDDING, f"{_EMBEDDING}, 'vector', vec.vector")
_REACTIONS = """
    (SELECT json_agg(json_build_array(given.type, given.count, given.stars)) FROM (
        SELECT type, count(*) AS count, avg(rating)::float8 AS stars FROM reaction
        WHERE asset_id = asset.id AND comment_id IS NULL AND annotation_id IS NULL GROUP BY type) AS given)
"""


class Place(NamedTuple):
    """A file of a pool that holds, or held, the content of an asset."""

    id: UUID
    pool_id: UUID
    root: str
    """The pool's folder, in the spelling of `models.paths`."""
    path: bytes
    state: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    last_seen: datetime


class Blocks(NamedTuple):
    """What hangs off an asset, as far as it is shown. All but `places` are as the database spells them in JSON."""

    places: Sequence[Place] = ()
    """Also where its bytes can be read: those who may not see the places still get these."""
    tags: Sequence[dict[str, Any]] = ()
    annotations: Sequence[dict[str, Any]] = ()
    collections: Sequence[dict[str, Any]] = ()
    components: Sequence[list[Any]] = ()
    """Type, source and payload of each."""
    embeddings: Sequence[dict[str, Any]] = ()
    reactions: Sequence[list[Any]] = ()
    """Type, count and mean rating of each type."""
    shows_places: bool = True

    @classmethod
    def of(cls, columns: Sequence[Any]) -> Self:
        """Read what the subqueries gave; null is nothing."""
        places, *rest = (column or () for column in columns)
        return cls._make(([_place(*values) for values in places], *rest, True))


_BLOCK_PERMISSIONS: dict[str, Permission] = {
    "places": Permission.READ_ASSET_LOCATION,
    "tags": Permission.READ_TAG,
    "annotations": Permission.READ_ANNOTATION,
    "collections": Permission.READ_COLLECTION,
    "embeddings": Permission.READ_EMBEDDING,
    "reactions": Permission.READ_REACTION,
}


def select_blocks(actor: Actor, *, is_list: bool) -> tuple[str, ...]:
    """Give the subqueries for what the actor may read somewhere, in the order of `Blocks`. Lists have no vectors."""

    def if_granted(name: str, query: str) -> str:
        return query if actor.may_somewhere(_BLOCK_PERMISSIONS[name]) else _NOTHING

    return (
        _PLACES,
        if_granted("tags", _TAGS),
        if_granted("annotations", _ANNOTATIONS),
        if_granted("collections", _COLLECTIONS),
        _COMPONENTS,
        if_granted("embeddings", _EMBEDDINGS if is_list else _VECTORS),
        if_granted("reactions", _REACTIONS),
    )


def narrow_blocks(uow: UnitOfWork, actor: Actor, blocks: dict[UUID, Blocks]) -> dict[UUID, Blocks]:
    """Take away what the actor may read of other assets but not of these, given by the ids of the assets."""
    partial = {name: it for name, it in _BLOCK_PERMISSIONS.items() if not actor.may(it)}
    if not partial or not blocks:
        return blocks
    covers = {name: _covered_ids(uow, actor, it, blocks) for name, it in partial.items() if name != "collections"}
    return {key: _narrowed(actor, key, each, covers) for key, each in blocks.items()}


def _covered_ids(uow: UnitOfWork, actor: Actor, permission: Permission, ids: Iterable[UUID]) -> set[UUID]:
    if not actor.may_somewhere(permission):
        return set()
    query = select(Asset.id).where(Asset.id.in_(list(ids)), covered(Asset, Scope.ASSET, actor, permission))
    return set(uow.session.execute(query).scalars())


def _narrowed(actor: Actor, asset_id: UUID, blocks: Blocks, covers: Mapping[str, set[UUID]]) -> Blocks:
    hidden: dict[str, Any] = {name: () for name, ids in covers.items() if asset_id not in ids}
    if "places" in hidden:
        hidden = {**hidden, "places": blocks.places, "shows_places": False}
    if not actor.may(Permission.READ_COLLECTION):
        mine = {str(key) for key in actor.collections(Permission.READ_COLLECTION)}
        hidden["collections"] = [each for each in blocks.collections if each["uuid"] in mine]
    return blocks._replace(**hidden)


def _place(place_id: str, pool_id: str, root: str, path: str, *rest: Any) -> Place:
    """Take a place out of JSON."""
    *numbers, last_seen = rest
    seen = datetime.fromtimestamp(last_seen, UTC)
    return Place._make((UUID(place_id), UUID(pool_id), root, bytes.fromhex(path), *numbers, seen))
