"""Removing what assets belong to: a pool, a library, a collection, a tag. The assets stay, and are told of.

Few members go with it at once; very many are taken off by a task, batch by batch (`workers/handlers/delete_holder.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.entities import Task, TaskState
from models.messages import DELETE_COLLECTION, DELETE_LIBRARY, DELETE_POOL, DELETE_TAG, TaskKind
from models.payloads import Payload
from models.permissions import Actor
from models.services import tasks
from models.services.announcing import announce
from models.unit_of_work import UnitOfWork

MOST_AT_ONCE = 10_000
"""What has more members is deleted by a task."""
OPEN = (TaskState.PENDING, TaskState.RUNNING, TaskState.CANCELLING)


@dataclass(frozen=True)
class Holder:
    """What assets belong to: the kind of task that deletes it, and the table with its members."""

    kind: TaskKind
    members: str
    """In results of tasks, such as `locations`."""
    table: str
    column: str
    key: str

    def is_large(self, uow: UnitOfWork, holder_id: UUID) -> bool:
        """Tell whether it has too many members to be deleted at once."""
        count: Any = uow.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {self.table} WHERE {self.column} = :id LIMIT :most) AS few",  # noqa: S608 - constants
            id=holder_id,
            most=MOST_AT_ONCE + 1,
        ).scalar_one()
        return int(count) > MOST_AT_ONCE

    def remove_some(
        self, uow: UnitOfWork, space_id: UUID, user_id: UUID | None, holder_id: UUID, most: int | None = None
    ) -> int:  # fmt: skip
        """Remove so many members (None: all), and tell of their assets. Gives how many there were."""
        rows: Any = uow.execute(
            f"""DELETE FROM {self.table} WHERE {self.column} = :id AND {self.key} IN (
                    SELECT {self.key} FROM {self.table} WHERE {self.column} = :id LIMIT :most)
                RETURNING asset_id""",  # noqa: S608 - constants
            id=holder_id,
            most=most,
        ).all()
        announce(uow, space_id, user_id, (row[0] for row in rows))
        return len(rows)


POOL_HOLDER = Holder(DELETE_POOL, "locations", "location", "pool_id", "id")
LIBRARY_HOLDER = Holder(DELETE_LIBRARY, "assets", "library_asset", "library_id", "asset_id")
COLLECTION_HOLDER = Holder(DELETE_COLLECTION, "assets", "collection_asset", "collection_id", "asset_id")
TAG_HOLDER = Holder(DELETE_TAG, "placements", "asset_tag", "tag_id", "id")


def delete_by_task(
    uow: UnitOfWork, actor: Actor, holder: Holder, payload: Payload, holder_id: UUID, name: str, max_attempts: int
) -> Task | None:
    """Give the task that deletes what is large, submitted now unless one is under way; None when it is small.

    The row of the holder must be locked.
    """
    task = open_task(uow, holder_id, holder.kind)
    if task is not None or not holder.is_large(uow, holder_id):
        return task
    return tasks.submit(
        uow, holder.kind, payload, space_id=actor.space_id, title=f"Delete {name}", max_attempts=max_attempts,
        actor=actor, subject_id=holder_id,
    )  # fmt: skip


def open_task(uow: UnitOfWork, subject_id: UUID, *kinds: TaskKind) -> Task | None:
    """Give the oldest task of these kinds about a subject that has not ended."""
    names = [kind.name for kind in kinds]
    query = select(Task).where(Task.subject_id == subject_id, Task.kind.in_(names), Task.state.in_(OPEN))
    return uow.session.execute(query.order_by(Task.id).limit(1)).scalar_one_or_none()
