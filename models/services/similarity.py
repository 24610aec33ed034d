"""What is like an asset, an embedding or a vector: within what the actor may read, and never what is blacklisted."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal_column, select

from models.entities import Asset, Component, Embedding
from models.errors import InvalidInput
from models.permissions import Actor
from models.services.assets import ASSETS, get_asset
from models.services.embeddings import EMBEDDINGS, as_float32
from models.services.unwanted import is_listed
from models.services.vector_index import VectorIndex, literal, nearest
from models.services.vector_keys import (
    FINGERPRINTS,
    MOST_COMPARED_DIMENSIONS,
    EmbeddingKey,
    Fingerprint,
    require_vectors,
)
from models.unit_of_work import UnitOfWork

DEFAULT_THRESHOLD = 0.1
"""Of fingerprints: up to nine bits may differ."""
MOST_SIMILAR = 200
_EXACT = re.compile("[0-9a-f]+")


@dataclass(frozen=True)
class SimilarAsset:
    """An asset that is like another one. `distance` is how many bits differ; `score` is 1 / (1 + distance)."""

    asset_id: UUID
    sha512: str
    score: float
    distance: int


@dataclass(frozen=True)
class SimilarEmbedding:
    """An embedding that is near: `score` is the cosine of the angle between the two."""

    embedding_id: UUID
    asset_id: UUID
    score: float


def similar_assets(
    uow: UnitOfWork, actor: Actor, asset_id: UUID, algorithm: str | None, limit: int, threshold: float | None
) -> list[SimilarAsset]:
    """Find assets whose fingerprint is like that of an asset, best first; none if it has none.

    Without an algorithm, the first that the asset has a fingerprint of.

    Raises:
        NotFound: when the actor sees no such asset.
        Unavailable: when the database cannot compare vectors.
    """
    asset = get_asset(uow, actor, asset_id)
    require_vectors(uow)
    for fingerprint in [FINGERPRINTS[algorithm]] if algorithm else FINGERPRINTS.values():
        own: Select[Any] = select(literal_column(fingerprint.text)).where(
            Component.asset_id == asset.id, *_written_by(fingerprint)
        )
        value = uow.session.execute(own.limit(1)).scalar_one_or_none()
        if value and _is_value(fingerprint, value):
            return near_fingerprint(uow, actor, fingerprint, value, limit, threshold, asset.id)
    return []


def _written_by(fingerprint: Fingerprint) -> Sequence[ColumnElement[bool]]:
    return Component.source == literal_column("'pipeline'"), Component.node_id == literal_column(
        f"'{fingerprint.node_kind}'"
    )


def _is_value(fingerprint: Fingerprint, value: str) -> bool:
    return len(value) == fingerprint.bits // 4 and _EXACT.fullmatch(value) is not None


def near_fingerprint(
    uow: UnitOfWork, actor: Actor, fingerprint: Fingerprint, value: str, limit: int, threshold: float | None = None,
    but: UUID | None = None,
) -> list[SimilarAsset]:  # fmt: skip
    """Find assets whose fingerprint is like a value of so many hexadecimal digits, best first; one is left out.

    Raises:
        InvalidInput: when the value is none.
        Unavailable: when the database cannot compare vectors.
    """
    if not _is_value(fingerprint, value):
        raise InvalidInput(f"A fingerprint {fingerprint.name} has {fingerprint.bits // 4} hexadecimal digits")
    require_vectors(uow)
    least = DEFAULT_THRESHOLD if threshold is None else threshold
    distance: ColumnElement[Any] = literal_column(
        f"({fingerprint.value}) <~> CAST('x{value}' AS bit({fingerprint.bits}))"
    )
    query = (
        select(Component.asset_id, Asset.sha512, distance)
        .join(Asset, Asset.id == Component.asset_id)
        .where(Component.space_id == literal(actor.space_id), *_written_by(fingerprint))
        .where(ASSETS.visible(actor), ~is_listed(Asset))
    )
    if but is not None:
        query = query.where(Component.asset_id != but)
    rows = nearest(uow, query, distance, limit)
    found = [SimilarAsset(key, sha512, 1 / (1 + away), int(away)) for key, sha512, away in rows if away is not None]
    return [each for each in found if each.score >= least]


@dataclass(frozen=True)
class Sought:
    """What embeddings are to be near to: a vector, an embedding or those of an asset."""

    vector: Sequence[float] | None = None
    embedding_id: UUID | None = None
    asset_id: UUID | None = None
    type: str | None = None
    model: str | None = None


def similar_embeddings(
    uow: UnitOfWork, index: VectorIndex, actor: Actor, sought: Sought, limit: int, threshold: float | None,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> list[SimilarEmbedding]:  # fmt: skip
    """Find embeddings that are near, best first, of assets for which all conditions hold.

    Raises:
        InvalidInput: when the vector is none that anything could be near to, has another number of dimensions than the
            embeddings of its type, or it is not said which of several models is meant.
        NotFound: when the actor sees no such embedding or asset.
        Unavailable: when nothing can compare vectors.
    """
    index.require(uow)
    found = _resolve(uow, actor, sought)
    if found is None:
        return []
    key, vector, left_out = found
    allowed = [EMBEDDINGS.visible(actor), ~is_listed(Asset), *left_out, *conditions]
    near = [SimilarEmbedding(*each) for each in index.near(uow, key, vector, allowed, limit)]
    return [each for each in near if threshold is None or each.score >= threshold]


def select_assets(
    uow: UnitOfWork, actor: Actor, ids: Sequence[UUID], conditions: Sequence[ColumnElement[bool]]
) -> set[UUID]:  # fmt: skip
    """Give those of these assets that the actor sees and for which all conditions hold."""
    query = select(Asset.id).where(Asset.id.in_(ids), ASSETS.visible(actor), *conditions)
    return set(uow.session.execute(query).scalars())


Resolved = tuple[EmbeddingKey, Sequence[float], Sequence[ColumnElement[bool]]]


def _resolve(uow: UnitOfWork, actor: Actor, sought: Sought) -> Resolved | None:
    """Give the key and the vector, and what is left out; None when there is nothing of that kind."""
    if sought.vector is not None:
        key = _key_of(uow, actor, sought, len(sought.vector))
        return (key, _require_direction(sought.vector), ()) if key else None
    query = select(Embedding).where(EMBEDDINGS.visible(actor))
    if sought.embedding_id is not None:
        given = EMBEDDINGS.get(uow, actor, sought.embedding_id)
        left_out = [Embedding.id != given.id]
    else:
        assert sought.asset_id is not None
        get_asset(uow, actor, sought.asset_id)
        query = query.where(Embedding.asset_id == sought.asset_id, *_of_kind(sought))
        first = uow.session.execute(query.order_by(Embedding.id).limit(1)).scalar_one_or_none()
        if first is None:
            return None
        given, left_out = first, [Embedding.asset_id != sought.asset_id]
    key = EmbeddingKey(actor.space_id, given.type, given.model, given.dimensions)
    return key, _require_direction(given.vector), left_out


def _of_kind(sought: Sought) -> list[ColumnElement[bool]]:
    wanted = [(Embedding.type, sought.type), (Embedding.model, sought.model)]
    return [column == value for column, value in wanted if value is not None]


def _key_of(uow: UnitOfWork, actor: Actor, sought: Sought, dimensions: int) -> EmbeddingKey | None:
    """Find out what a vector is to be compared with; None if there is nothing of that kind."""
    kinds = select(Embedding.type, Embedding.model, Embedding.dimensions).where(EMBEDDINGS.visible(actor))
    kinds = kinds.where(*_of_kind(sought))
    # If all is said, one embedding tells the dimensions; else all have to be looked through.
    kinds = kinds.limit(1) if sought.type and sought.model else kinds.distinct()
    found = [EmbeddingKey(actor.space_id, *row) for row in uow.session.execute(kinds)]
    fitting = [key for key in found if key.dimensions == dimensions]
    if found and not fitting:
        known = ", ".join(str(number) for number in sorted({key.dimensions for key in found}))
        raise InvalidInput(f"vector: embeddings of this kind have {known} dimensions, not {dimensions}")
    if len(fitting) > 1:
        known = ", ".join(sorted(f"{key.type} by {key.model or 'no model'}" for key in fitting))
        raise InvalidInput(f"Say the type and the model; with {dimensions} dimensions there are: {known}")
    return fitting[0] if fitting else None


def _require_direction(vector: Sequence[float]) -> Sequence[float]:
    if len(vector) > MOST_COMPARED_DIMENSIONS:
        raise InvalidInput(f"vector: no more than {MOST_COMPARED_DIMENSIONS:,} dimensions can be compared")
    try:
        rounded = as_float32(vector)
    except OverflowError:
        raise InvalidInput("vector: has a number that is too large") from None
    if not all(map(math.isfinite, rounded)):
        raise InvalidInput("vector: has a number that is not finite")
    if not any(rounded):
        raise InvalidInput("vector: is zero, so nothing is nearer to it than anything else")
    return rounded
