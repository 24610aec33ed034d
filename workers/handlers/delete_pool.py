"""`pools.delete`: forget a pool with many locations, batch by batch."""

from __future__ import annotations

from typing import Any

from models.entities import Pool
from models.events import ASSET_UPDATED, POOL_DELETED, NewEvent
from models.messages import DELETE_POOL, DeletePool
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Step

_BATCH = 5_000


class DeletePoolHandler:
    """Deletes locations in transactions of their own, then the pool; a restart goes on where it stopped."""

    kind = DELETE_POOL

    def compute(self, step: Step[DeletePool]) -> int:
        """Delete the locations; gives their number, those of earlier attempts included."""
        deleted = step.counts.get("locations", 0)
        while more := self._delete_batch(step):
            deleted = more
            step.report(items=deleted)
            step.check()
        return deleted

    @staticmethod
    def _delete_batch(step: Step[DeletePool]) -> int | None:
        """Delete some; gives how many that makes in all, None when none was left."""
        with step.platform.unit_of_work() as uow:
            rows: Any = uow.execute(
                """DELETE FROM location WHERE id IN (SELECT id FROM location WHERE pool_id = :pool LIMIT :batch)
                   RETURNING asset_id""",
                pool=step.payload.pool_uuid,
                batch=_BATCH,
            ).all()
            if not rows:
                return None
            for asset_id in sorted({row[0] for row in rows}):
                uow.publish(NewEvent(ASSET_UPDATED, step.space_id, asset_id, step.creator_id))
            deleted = step.count(uow, "locations", len(rows))
            uow.commit()
        return deleted

    def apply(self, uow: UnitOfWork, step: Step[DeletePool], deleted: int) -> Outcome:
        """Delete the pool itself."""
        pool = uow.session.get(Pool, step.payload.pool_uuid)
        if pool is not None:
            uow.session.delete(pool)
            uow.publish(NewEvent(POOL_DELETED, step.space_id, pool.id, step.creator_id, {"name": pool.name}))
        return Outcome(done=1, result={"locations": deleted})

    def clean_up(self, step: Step[DeletePool], deleted: int) -> None:
        """Nothing is left over."""
