"""Who acts. Every business function takes the actor beside the unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Actor:
    """A signed-in user and the space that the request is about."""

    user_id: UUID
    space_id: UUID
    username: str
