"""`assets.announce`: tell of very many assets that they have changed as others see them, each exactly once a range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from models.messages import ANNOUNCE_ASSETS
from models.payloads import AnnounceAssets
from models.services.announcing import Range, announce, members_in, next_range
from models.services.task_parts import NewPart, Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Planned, Step

_BATCH = 5_000


class AnnounceAssetsHandler:
    """Cuts the table into ranges of its key; an item of the task is one range."""

    kind = ANNOUNCE_ASSETS

    def plan(self, step: Step[AnnounceAssets]) -> Iterator[Planned]:
        """Find the ranges."""
        cursor = step.cursor or {"next": 0, "after": None}
        source, source_id = step.payload.source, step.payload.source_uuid
        index, after = cursor["next"], cursor["after"]
        while True:
            with step.platform.reading() as uow:
                part = next_range(uow, source, source_id, after, _BATCH)
            if part is None:
                return
            index, after = index + 1, part.until
            item = {"index": index - 1, **asdict(part)}
            yield Planned([NewPart([item])], Outcome(), {"next": index, "after": after})

    def compute(self, step: Step[AnnounceAssets], items: list[dict[str, Any]]) -> list[Range]:
        """Say which ranges the part is about."""
        return [Range(item["after"], item["until"]) for item in items]

    def apply(self, uow: UnitOfWork, step: Step[AnnounceAssets], ranges: list[Range]) -> Outcome:
        """Tell of the assets."""
        count = 0
        for each in ranges:
            found = members_in(uow, step.payload.source, step.payload.source_uuid, each)
            announce(uow, step.space_id, step.creator_id, found)
            count += len(found)
        return Outcome(done=len(ranges), counts={"assets": count})

    def finish(self, uow: UnitOfWork, step: Step[AnnounceAssets]) -> dict[str, Any]:
        """Say how many assets that were."""
        return {"assets": step.counts.get("assets", 0)}
