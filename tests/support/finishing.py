"""Ending tasks in tests of the API, as a worker would, without one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models.messages import Queue
from models.services import work
from models.services.task_items import ItemOutcome
from models.services.task_parts import NewPart, Outcome
from models.wiring import Platform

_LEASE_SECONDS = 60.0


def begin(platform: Platform, queue: Queue) -> work.Claim:
    """Claim the next step of a queue and begin it."""
    with platform.unit_of_work() as uow:
        claimed = work.claim(uow, queue, "test", _LEASE_SECONDS)
        assert claimed is not None, f"nothing waits in {queue}"
        work.begin(uow, claimed)
        uow.commit()
    return claimed


def settle(platform: Platform, claimed: work.Claim, outcome: Outcome | None = None) -> None:
    """End a step."""
    with platform.unit_of_work() as uow:
        work.settle(uow, claimed, outcome or Outcome(done=1))
        uow.commit()


def give_up(platform: Platform, claimed: work.Claim, code: str, message: str) -> None:
    """Fail a step."""
    with platform.unit_of_work() as uow:
        work.give_up(uow, claimed, code, message)
        uow.commit()


def scan_with_failures(platform: Platform, failed: int) -> UUID:
    """Run a scan that was asked for, of twice as many files as fail."""
    plan = begin(platform, Queue.BULK)
    items: list[dict[str, Any]] = [{"index": index, "path": f"file {index}", "size": 1} for index in range(2 * failed)]
    with platform.unit_of_work() as uow:
        work.extend(uow, plan, [NewPart(items)], Outcome(), {"at": "end"})
        uow.commit()
    settle(platform, plan, Outcome())
    part = begin(platform, Queue.HASH)
    outcomes = [
        ItemOutcome(item["index"], item["path"], "FAILED", "unreadable", "No", input=item) for item in items[:failed]
    ]
    settle(platform, part, Outcome(done=failed, failed=failed, items=outcomes))
    settle(platform, begin(platform, Queue.BULK), Outcome(result={"NEW": failed}))
    return plan.task_id
