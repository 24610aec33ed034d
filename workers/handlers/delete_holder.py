"""`pools.delete`, `libraries.delete`, `collections.delete`, `tags.delete`: forget what very many assets belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from models.entities import Collection, Library, Pool, Tag
from models.messages import TaskKind
from models.services.collections import forget_collection
from models.services.holders import COLLECTION_HOLDER, LIBRARY_HOLDER, POOL_HOLDER, TAG_HOLDER, Holder
from models.services.libraries import forget_library
from models.services.pools import forget_pool
from models.services.tags import forget_tag
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Step

_BATCH = 5_000


@dataclass
class DeleteHolderHandler:
    """Removes the members in transactions of their own, then the holder; a restart goes on where it stopped."""

    holder: Holder
    model: type[Any]
    id_in_payload: str
    forget: Callable[[UnitOfWork, Any, UUID | None], None]

    kind: TaskKind = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.holder.kind

    def compute(self, step: Step[Any]) -> int:
        """Remove the members; gives their number, those of earlier attempts included."""
        removed = step.counts.get(self.holder.members, 0)
        while more := self._remove_batch(step):
            removed = more
            step.report(items=removed)
            step.check()
        return removed

    def _remove_batch(self, step: Step[Any]) -> int | None:
        """Remove some; gives how many that makes in all, None when none was left."""
        with step.platform.unit_of_work() as uow:
            count = self.holder.remove_some(uow, step.space_id, step.creator_id, self._id(step), _BATCH)
            if not count:
                return None
            removed = step.count(uow, self.holder.members, count)
            uow.commit()
        return removed

    def apply(self, uow: UnitOfWork, step: Step[Any], removed: int) -> Outcome:
        """Remove the holder itself, with what was added meanwhile."""
        element = uow.session.get(self.model, self._id(step), with_for_update=True)
        if element is not None:
            self.forget(uow, element, step.creator_id)
        return Outcome(done=1, result={self.holder.members: removed})

    def clean_up(self, step: Step[Any], removed: int) -> None:
        """Nothing is left over."""

    def _id(self, step: Step[Any]) -> UUID:
        key: UUID = getattr(step.payload, self.id_in_payload)
        return key


DELETE_HOLDER_HANDLERS = (
    DeleteHolderHandler(POOL_HOLDER, Pool, "pool_uuid", forget_pool),
    DeleteHolderHandler(LIBRARY_HOLDER, Library, "library_uuid", forget_library),
    DeleteHolderHandler(COLLECTION_HOLDER, Collection, "collection_uuid", forget_collection),
    DeleteHolderHandler(TAG_HOLDER, Tag, "tag_uuid", forget_tag),
)
