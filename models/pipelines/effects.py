"""What nodes want done to the catalogue: declared with their outcome, done with the rest of what the run writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class TagEffect:
    """Put tags on the asset. `withdraws`: those that this node has put there before and does not want now come off."""

    wanted: Sequence[dict[str, Any]]
    withdraws: bool


@dataclass(frozen=True)
class AssignEffect:
    """Put the asset into a collection or a library, by id or by name. `is_made`: one of that name is made at need."""

    target: str
    """COLLECTION or LIBRARY."""
    id: UUID | None
    name: str | None
    is_made: bool


@dataclass(frozen=True)
class RelocateEffect:
    """The file of a location lies elsewhere now, or a copy of it lies there as well."""

    location_id: UUID
    pool_id: UUID
    path: bytes
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    is_copy: bool


@dataclass(frozen=True)
class EmbeddingEffect:
    """Vectors of the asset: columns of embeddings, `vector` among them. Each takes the place of an earlier one."""

    embeddings: Sequence[dict[str, Any]]


Effect = EmbeddingEffect | TagEffect | AssignEffect | RelocateEffect
