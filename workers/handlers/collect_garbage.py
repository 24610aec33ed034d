"""`storage.gc`: remove stored bytes that nothing refers to, or tell how many there are."""

from __future__ import annotations

from datetime import timedelta

from models.messages import COLLECT_GARBAGE
from models.payloads import CollectGarbage
from models.services.blob_gc import Garbage, collect_unknown, collect_unreferenced
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Step


class CollectGarbageHandler:
    """Every removal is a small transaction of its own, so that it may be interrupted anywhere."""

    kind = COLLECT_GARBAGE

    def compute(self, step: Step[CollectGarbage]) -> tuple[Garbage, Garbage]:
        """Collect; what one attempt has removed, the next does not find."""
        platform, payload = step.platform, step.payload
        collectors = (collect_unreferenced, collect_unknown)
        first, second = (
            collector(
                platform.unit_of_work, platform.blobs, timedelta(hours=payload.grace_hours), is_dry=payload.dry_run,
                check=step.check,
            )
            for collector in collectors
        )  # fmt: skip
        return first, second

    def apply(self, uow: UnitOfWork, step: Step[CollectGarbage], garbage: tuple[Garbage, Garbage]) -> Outcome:
        """Report."""
        known, unknown = garbage
        size = known.size + unknown.size
        result = {"dryRun": step.payload.dry_run, "unreferenced": known.count, "unknown": unknown.count, "bytes": size}
        return Outcome(done=1, bytes_done=size, result=result)

    def clean_up(self, step: Step[CollectGarbage], garbage: tuple[Garbage, Garbage]) -> None:
        """Nothing is left over."""
