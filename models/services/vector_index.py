"""Where nearest embeddings come from: pgvector, which compares in place, or a store whose candidates are looked up.

Either way PostgreSQL says what the actor may see, in the statement that gives the rows; a grant that was changed acts
at once, and nothing has to be indexed anew for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Uuid, bindparam, literal_column, select

from models.entities import Asset, Embedding
from models.services.vector_keys import EmbeddingKey, require_vectors
from models.unit_of_work import UnitOfWork
from models.vectors import VectorKind, VectorStore

Near = tuple[UUID, UUID, float]
"""An embedding, its asset and the cosine."""
_SEARCHED = 100
"""Candidates that HNSW keeps while it looks (`ef_search`): more find more of the nearest, and take longer."""
_MOST_LOOKED_AT = 100_000
"""So many that the caller may not see are passed over, until there are enough."""
_FIRST_CANDIDATES, _MORE = 64, 4


class VectorIndex(Protocol):
    """Finds embeddings that are near."""

    @property
    def provider(self) -> str:
        """What it is called."""

    def require(self, uow: UnitOfWork) -> None:
        """Insist that vectors can be compared.

        Raises:
            Unavailable: when they cannot.
        """

    def near(
        self, uow: UnitOfWork, key: EmbeddingKey, vector: Sequence[float], allowed: Sequence[ColumnElement[bool]],
        limit: int,
    ) -> list[Near]:  # fmt: skip
        """Give embeddings of a key that are allowed (conditions on `Embedding` and `Asset`), the nearest first.

        Raises:
            Unavailable: when there is nothing that could compare them.
        """


class PgvectorIndex:
    """Compares in place, by an index where there is one (`vector_keys`)."""

    provider = "pgvector"

    def require(self, uow: UnitOfWork) -> None:
        """Insist that the database has the extension."""
        require_vectors(uow)

    def near(
        self, uow: UnitOfWork, key: EmbeddingKey, vector: Sequence[float], allowed: Sequence[ColumnElement[bool]],
        limit: int,
    ) -> list[Near]:  # fmt: skip
        """Give the nearest."""
        distance: ColumnElement[Any] = literal_column(
            f"{key.value} <=> CAST('{_spell(vector)}' AS vector({key.dimensions}))"
        )
        query = (
            select(Embedding.id, Embedding.asset_id, distance)
            .join(Asset, Asset.id == Embedding.asset_id)
            .where(Embedding.space_id == literal(key.space_id), Embedding.type == literal(key.type))
            .where(Embedding.model == literal(key.model) if key.model is not None else Embedding.model.is_(None))
            .where(Embedding.dimensions == literal_column(str(key.dimensions)), *allowed)
        )
        rows = nearest(uow, query, distance, limit)
        return [(row[0], row[1], 1 - row[2]) for row in rows if not math.isnan(row[2])]


@dataclass(frozen=True)
class StoredIndex:
    """Asks a store for candidates, more and more of them until enough are allowed."""

    store: VectorStore
    provider: str

    def require(self, uow: UnitOfWork) -> None:
        """The store says so itself when it is asked."""

    def near(
        self, uow: UnitOfWork, key: EmbeddingKey, vector: Sequence[float], allowed: Sequence[ColumnElement[bool]],
        limit: int,
    ) -> list[Near]:  # fmt: skip
        """Give the nearest."""
        kind, wanted = VectorKind(key.type, key.model, key.dimensions), max(_FIRST_CANDIDATES, 2 * limit)
        while True:
            candidates = self.store.nearest(kind, key.space_id, vector, wanted)
            query = select(Embedding.id, Embedding.asset_id).join(Asset, Asset.id == Embedding.asset_id)
            query = query.where(Embedding.id.in_([each for each, _ in candidates]), *allowed)
            assets: dict[UUID, UUID] = {row[0]: row[1] for row in uow.session.execute(query).all()}
            found = [(each, assets[each], score) for each, score in candidates if each in assets]
            if len(found) >= limit or len(candidates) < wanted or wanted >= _MOST_LOOKED_AT:
                return found[:limit]
            wanted = min(_MOST_LOOKED_AT, wanted * _MORE)


def nearest(uow: UnitOfWork, query: Select[Any], distance: ColumnElement[Any], limit: int) -> Sequence[Any]:
    """Give the nearest rows of a statement. An index goes on looking until there are enough that the actor may see."""
    # For the connection, not for the transaction: who only reads has none.
    uow.execute(
        """SELECT set_config('hnsw.iterative_scan', 'strict_order', false),
                  set_config('hnsw.ef_search', :searched, false), set_config('hnsw.max_scan_tuples', :most, false)""",
        searched=str(max(_SEARCHED, limit)),
        most=str(_MOST_LOOKED_AT),
    )
    return uow.session.execute(query.order_by(distance).limit(limit)).all()


def literal(value: Any) -> ColumnElement[Any]:
    """Write a value into the statement: the condition of a partial index is not seen in what comes as a parameter."""
    kind: Any = Uuid() if isinstance(value, UUID) else String()
    return bindparam(None, value, type_=kind, literal_execute=True)


def _spell(vector: Sequence[float]) -> str:
    return f"[{','.join(repr(float(number)) for number in vector)}]"
