"""What is said about an asset in the same breath as the asset itself: its tags and annotations, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from models.permissions import Actor
from models.services.annotations import ANNOTATIONS
from models.services.crud import Values
from models.services.tagging import Producer, apply_tags
from models.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Extras:
    """Things to hang on an asset; each as a body of its own route would say it."""

    tags: Sequence[Values] = ()
    annotations: Sequence[Values] = ()


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
