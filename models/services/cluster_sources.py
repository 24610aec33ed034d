"""What clusters are made of: embeddings of one type and model that are in no confirmed cluster."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from models.services.unwanted import WELCOME
from models.unit_of_work import UnitOfWork
from models.vectors import VectorKind

_JOINED = f"JOIN asset ON asset.id = e.asset_id AND {WELCOME}"
_KIND = """e.space_id = %(space)s AND e.type = %(type)s AND e.model IS NOT DISTINCT FROM %(model)s
    AND e.dimensions = %(dimensions)s"""
_CONFIRMED = """JOIN cluster AS c ON c.id = m.cluster_id AND c.review_status = 'CONFIRMED'"""


class Loose(NamedTuple):
    """An embedding in no confirmed cluster."""

    embedding_id: UUID
    asset_id: UUID
    vector: list[float]


def kinds_of(uow: UnitOfWork, space_id: UUID, embedding_type: str, model: str | None) -> list[VectorKind]:
    """Give the kinds of embeddings of a type, by one model or by each."""
    rows = uow.fetch(
        """SELECT type, model, dimensions FROM embedding WHERE space_id = %(space)s AND type = %(type)s
           AND (%(model)s::text IS NULL OR model = %(model)s) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        space=space_id, type=embedding_type, model=model,
    )  # fmt: skip
    return [VectorKind(*row) for row in rows]


def loose(uow: UnitOfWork, space_id: UUID, kind: VectorKind) -> list[Loose]:
    """Give what is to be put into clusters, the oldest first."""
    rows = uow.fetch_binary(
        f"""SELECT e.id, e.asset_id, e.vector FROM embedding AS e {_JOINED} WHERE {_KIND} AND NOT EXISTS (
                SELECT 1 FROM cluster_member AS m {_CONFIRMED} WHERE m.embedding_id = e.id)
            ORDER BY e.id""",  # noqa: S608 - constants
        space=space_id, **kind._asdict(),
    )  # fmt: skip
    return [Loose(*row) for row in rows]


def confirmed(uow: UnitOfWork, space_id: UUID, kind: VectorKind) -> dict[UUID, list[list[float]]]:
    """Give the vectors in each cluster that is confirmed."""
    rows = uow.fetch_binary(
        f"""SELECT c.id, e.vector FROM cluster_member AS m {_CONFIRMED} JOIN embedding AS e ON e.id = m.embedding_id
            WHERE {_KIND} ORDER BY c.id""",  # noqa: S608 - constants
        space=space_id, **kind._asdict(),
    )  # fmt: skip
    found: dict[UUID, list[list[float]]] = {}
    for cluster_id, vector in rows:
        found.setdefault(cluster_id, []).append(vector)
    return found
