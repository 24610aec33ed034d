"""What is said about an asset in the same breath as the asset itself, all in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from models.permissions import Actor, Permission
from models.services.annotations import ANNOTATIONS
from models.services.asset_access import require_covering
from models.services.components import put_component
from models.services.crud import Values
from models.services.embeddings import put_embeddings
from models.services.tagging import Producer, apply_tags
from models.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Extras:
    """Things to hang on an asset; each as a body of its own route would say it."""

    tags: Sequence[Values] = ()
    annotations: Sequence[Values] = ()
    components: Sequence[Values] = ()
    """Each takes the place of the one of the same producer."""
    embeddings: Sequence[Values] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.tags or self.annotations or self.components or self.embeddings)


def add_extras(uow: UnitOfWork, actor: Actor, asset_id: UUID, extras: Extras) -> None:
    """Hang things on an asset that the actor has just made or changed.

    Raises:
        Forbidden: when they may not make such things on it.
        InvalidInput: when one refers to something that is not there.
    """
    if extras.tags:
        apply_tags(uow, actor, asset_id, extras.tags, (), Producer())
    for values in extras.annotations:
        ANNOTATIONS.create(uow, actor, {**values, "asset_id": asset_id})
    for values in extras.components:
        put_component(uow, actor, asset_id, values)
    if extras.embeddings:
        require_covering(uow, actor, asset_id, Permission.CREATE_EMBEDDING)
        put_embeddings(uow, actor, asset_id, extras.embeddings)
