"""What Loom asks of an engine for vectors. It holds copies: the truth is in PostgreSQL, which has the last word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID


class VectorKind(NamedTuple):
    """Vectors that can be compared with each other; those of all spaces lie together."""

    type: str
    model: str | None
    dimensions: int


class VectorPoint(NamedTuple):
    """A vector, whose it is, and where it may be found."""

    embedding_id: UUID
    asset_id: UUID
    space_id: UUID
    vector: Sequence[float]


class VectorStore(Protocol):
    """Finds what is near by the cosine. All methods raise Unavailable when the engine does not answer."""

    def nearest(
        self, kind: VectorKind, space_id: UUID, vector: Sequence[float], limit: int
    ) -> list[tuple[UUID, float]]:
        """Give embeddings of a space with their cosines, the nearest first."""

    def replace(self, asset_ids: Sequence[UUID], points: Mapping[VectorKind, Sequence[VectorPoint]]) -> None:
        """Let these be all vectors of these assets."""

    def begin(self) -> None:
        """Begin anew, beside what is there: what is put from now on is seen by nobody until `switch`."""

    def add(self, points: Mapping[VectorKind, Sequence[VectorPoint]]) -> None:
        """Put vectors into what was begun."""

    def switch(self) -> None:
        """Let what was begun take the place of all there was."""

    def count(self, space_id: UUID | None = None) -> int:
        """Count the vectors, of a space or of all."""

    def ids(self, kind: VectorKind) -> Iterable[UUID]:
        """Give the embeddings of a kind that there are."""

    def close(self) -> None:
        """Let go of the connection."""
