"""`maintenance.sweep`: remove what has outlived its use, in small transactions."""

from __future__ import annotations

from models.messages import SWEEP
from models.payloads import Sweep
from models.services.blob_gc import collect_unreferenced
from models.services.blobs import remove_stale_staging
from models.services.retention import (
    remove_old_answers,
    remove_old_deliveries,
    remove_old_events,
    remove_old_sessions,
    remove_old_tasks,
)
from models.services.task_parts import Outcome
from models.services.uploads import remove_expired
from models.unit_of_work import UnitOfWork
from workers.handling import Step


class SweepHandler:
    """Each duty deletes in batches until nothing is left to delete."""

    kind = SWEEP

    def compute(self, step: Step[Sweep]) -> dict[str, int]:
        """Sweep; gives what was removed."""
        settings = step.platform.settings
        removed = {"tasks": 0, "events": 0}
        while count := remove_old_tasks(step.platform.unit_of_work, settings.task_retention_days):
            removed["tasks"] += count
            step.check()
        while count := remove_old_events(step.platform.unit_of_work, settings.event_retention_days):
            removed["events"] += count
            step.check()
        while remove_old_deliveries(step.platform.unit_of_work, settings.event_retention_days):
            step.check()
        while remove_old_answers(step.platform.unit_of_work):
            step.check()
        while remove_old_sessions(step.platform.unit_of_work):
            step.check()
        while remove_expired(step.platform.unit_of_work):
            step.check()
        removed["stagedUploads"] = remove_stale_staging(step.platform.unit_of_work, step.platform.blobs)
        unused = collect_unreferenced(step.platform.unit_of_work, step.platform.blobs, check=step.check)
        removed["unusedBlobs"] = unused.count
        return removed

    def apply(self, uow: UnitOfWork, step: Step[Sweep], removed: dict[str, int]) -> Outcome:
        """Report."""
        return Outcome(done=1, result=removed)

    def clean_up(self, step: Step[Sweep], removed: dict[str, int]) -> None:
        """Nothing is left over."""
