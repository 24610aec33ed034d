"""Embeddings: vectors that stand for assets, or for something in them.

A vector is kept as float32, as it was given. Whoever computes many puts them by `put_embeddings`: what has the same
producer key (`uq_embedding_producer`) is replaced.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text, update

from models.entities import Attachment, Embedding
from models.entities.embedding import DEFAULT_TYPE
from models.errors import InvalidInput
from models.ids import new_id_text
from models.permissions import Actor, Entity, Permission
from models.services.asset_access import keep_asset, require_covering
from models.services.assets import ASSETS
from models.services.blobs import request_blob_removal
from models.services.crud import Resource, Values
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork, as_rows

EMBEDDINGS = Resource(Embedding, "embedding", Entity.EMBEDDING, Scope.OF_ASSET)
MOST_DIMENSIONS = 16_384
_KEY = ("type", "node_kind", "model", "frame_number", "subject_index")
_VALUES = ("source", "vector", "dimensions", "area", "normalized", "producer_version", "confidence", "detection_id")
_COLUMNS = ", ".join((*_KEY, *_VALUES))
_PUT = f"""
    INSERT INTO embedding (id, space_id, asset_id, creator_id, editor_id, {_COLUMNS}, meta)
    SELECT id, :space, :asset, :user, :user, {_COLUMNS}, coalesce(meta, '{{}}')
    FROM json_to_recordset(CAST(:rows AS json)) AS new (
        id uuid, node_kind text, type text, model text, frame_number bigint, subject_index bigint, source text,
        vector real[], dimensions bigint, area jsonb, normalized boolean, producer_version text,
        confidence double precision, detection_id uuid, meta jsonb)
    ON CONFLICT ON CONSTRAINT uq_embedding_producer DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _VALUES)},
        meta = CASE excluded.meta WHEN '{{}}' THEN embedding.meta ELSE excluded.meta END,
        revision = embedding.revision + 1, edited = now(), editor_id = excluded.editor_id
    RETURNING embedding.*
"""  # noqa: S608 - constants


def as_float32(values: Sequence[float]) -> list[float]:
    """Round numbers to what the column can hold.

    Raises:
        OverflowError: when one lies beyond it.
    """
    spelt = f"<{len(values)}f"
    return list(struct.unpack(spelt, struct.pack(spelt, *map(float, values))))


def create_embedding(uow: UnitOfWork, actor: Actor, values: Values) -> Embedding:
    """Make an embedding of an asset.

    Raises:
        InvalidInput: when the actor sees no such asset.
        Forbidden: when they may not make embeddings of it.
        Conflict: when the asset has one of that producer key.
    """
    asset = ASSETS.refer(uow, actor, values["asset_id"], "assetUuid")
    require_covering(uow, actor, asset.id, Permission.CREATE_EMBEDDING)
    return add_embedding(uow, actor, values)


def add_embedding(uow: UnitOfWork, actor: Actor, values: Values) -> Embedding:
    """Make an embedding of an asset that the actor may make embeddings of."""
    keep_asset(uow, actor.space_id, values["asset_id"])
    embedding = EMBEDDINGS.insert(uow, actor, {**values, "dimensions": len(values["vector"])})
    _spell_shortly(uow, embedding)
    return embedding


def update_embedding(uow: UnitOfWork, actor: Actor, embedding: Embedding, values: Values) -> None:
    """Change what is given of an embedding that is locked; an empty vector is none.

    Raises:
        InvalidInput: for a vector of other dimensions, or an asset that the actor does not see.
        Forbidden: when they may not change embeddings of that asset.
    """
    vector = values.get("vector") or None
    if vector is not None and len(vector) != embedding.dimensions:
        raise InvalidInput(f"vector: has {len(vector)} numbers, but the embedding {embedding.dimensions} dimensions")
    if vector is None or as_float32(embedding.vector) == vector:
        values = {name: value for name, value in values.items() if name != "vector"}
    if values.get("asset_id", embedding.asset_id) != embedding.asset_id:
        _move(uow, actor, embedding, values["asset_id"])
    EMBEDDINGS.update(uow, actor, embedding, values)
    if "vector" in values:
        _spell_shortly(uow, embedding)


def _spell_shortly(uow: UnitOfWork, embedding: Embedding) -> None:
    """Give the numbers as they will be read: PostgreSQL says 0.1 where the nearest float32 is 0.10000000149011612."""
    uow.session.refresh(embedding, ["vector"])


def _move(uow: UnitOfWork, actor: Actor, embedding: Embedding, asset_id: UUID) -> None:
    """Prepare an embedding to belong to another asset; its attachments go with it."""
    ASSETS.refer(uow, actor, asset_id, "assetUuid")
    require_covering(uow, actor, asset_id, Permission.UPDATE_EMBEDDING)
    keep_asset(uow, actor.space_id, asset_id)
    of_it = update(Attachment).where(Attachment.embedding_id == embedding.id)
    uow.session.execute(of_it.values(asset_id=asset_id).execution_options(synchronize_session=False))


def delete_embedding(uow: UnitOfWork, actor: Actor, embedding: Embedding) -> None:
    """Remove an embedding that is locked, with its attachments; their bytes go when nothing else has them."""
    attached = select(Attachment.blob_sha512).where(Attachment.embedding_id == embedding.id).distinct()
    dropped = list(uow.session.execute(attached).scalars())
    EMBEDDINGS.delete(uow, actor, embedding)
    request_blob_removal(uow, embedding.space_id, dropped)


def put_embeddings(
    uow: UnitOfWork, actor: Actor, asset_id: UUID, given: Sequence[Values]
) -> list[tuple[Embedding, bool]]:  # fmt: skip
    """Put embeddings of an asset, all by one statement; the caller has seen to it that the actor may.

    Each of `given` has columns of the table, `vector` among them, in float32. Metadata that is there stays if none is
    given. Gives what each has become, and whether that is new; of several with the same key the last one counts.
    """
    if not given:
        return []
    keep_asset(uow, actor.space_id, asset_id)
    rows = {_key(values): {"id": new_id_text(), **_row(values)} for values in given}
    # In the order of their keys, so that two who put the same ones can wait for each other but never deadlock.
    ordered = as_rows([rows[key] for key in sorted(rows)])
    parameters = {"space": actor.space_id, "asset": asset_id, "user": actor.user_id, "rows": ordered}
    query = select(Embedding).from_statement(text(_PUT)).execution_options(populate_existing=True)
    put = {_key(vars(each)): each for each in uow.session.execute(query, parameters).scalars()}
    is_new = {key: str(embedding.id) == rows[key]["id"] for key, embedding in put.items()}
    for key, embedding in put.items():
        EMBEDDINGS.publish(uow, actor, EMBEDDINGS.created if is_new[key] else EMBEDDINGS.updated, embedding)
    return [(put[key], is_new[key]) for key in map(_key, given)]


def _row(values: Values) -> Values:
    named = {name: values.get(name) for name in (*_KEY, *_VALUES, "meta")}
    unsaid = {"type": values.get("type") or DEFAULT_TYPE, "normalized": bool(values.get("normalized"))}
    return {**named, **unsaid, "dimensions": len(values["vector"])}


def _key(values: Values) -> str:
    """Spell the producer key, so that keys can be compared and sorted."""
    return repr([values.get("type") or DEFAULT_TYPE, *(values.get(name) for name in _KEY[1:])])
