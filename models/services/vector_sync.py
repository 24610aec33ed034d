"""What a store for vectors is filled with: the embeddings in PostgreSQL, by asset or all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from models.services.embeddings import EMBEDDINGS
from models.services.event_log import LoggedEvent
from models.services.indexing import FIRST_ID, INDEXED_EVENTS, asset_of
from models.unit_of_work import UnitOfWork
from models.vectors import VectorKind, VectorPoint

EVENTS = INDEXED_EVENTS | {EMBEDDINGS.created, EMBEDDINGS.updated, EMBEDDINGS.deleted}
_COLUMNS = "id, asset_id, space_id, vector, type, model, dimensions"
Points = Mapping[VectorKind, Sequence[VectorPoint]]


def changed_assets(events: Sequence[LoggedEvent]) -> list[UUID]:
    """Give the assets whose embeddings may be others now."""
    return list({asset_of(event): None for event in events if event.type in EVENTS})


def points_of(uow: UnitOfWork, asset_ids: Sequence[UUID]) -> Points:
    """Give all embeddings of some assets."""
    statement = f"SELECT {_COLUMNS} FROM embedding WHERE asset_id = ANY(%(ids)s)"  # noqa: S608 - a constant
    return _by_kind(uow.fetch_binary(statement, ids=list(asset_ids)))


def next_points(uow: UnitOfWork, after: UUID, limit: int) -> tuple[Points, UUID | None]:
    """Give embeddings behind one of them, in the order of their ids, and the last; None when there are no more."""
    statement = f"SELECT {_COLUMNS} FROM embedding WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"  # noqa: S608
    rows = uow.fetch_binary(statement, after=after, limit=limit)
    return _by_kind(rows), rows[-1][0] if len(rows) == limit else None


def all_points(begin: Callable[[], UnitOfWork], limit: int) -> Iterator[Points]:
    """Give all embeddings, in parts; each is read in a transaction of its own."""
    after: UUID | None = FIRST_ID
    while after is not None:
        with begin() as uow:
            points, after = next_points(uow, after, limit)
        yield points


def ids_by_kind(uow: UnitOfWork) -> dict[VectorKind, set[UUID]]:
    """Give the embeddings that a store should have; vectors that point nowhere are in none."""
    rows = uow.fetch(
        """SELECT type, model, dimensions, array_agg(id) FROM embedding
           WHERE EXISTS (SELECT 1 FROM unnest(vector) AS number WHERE number <> 0)
           AND NOT EXISTS (SELECT 1 FROM unnest(vector) AS number WHERE number IN ('NaN', 'Infinity', '-Infinity'))
           GROUP BY 1, 2, 3"""
    )
    return {VectorKind(*kind): set(ids) for *kind, ids in rows}


def _by_kind(rows: Sequence[tuple[Any, ...]]) -> Points:
    found: dict[VectorKind, list[VectorPoint]] = {}
    for key, asset_id, space_id, vector, *kind in rows:
        found.setdefault(VectorKind(*kind), []).append(VectorPoint(key, asset_id, space_id, vector))
    return found
