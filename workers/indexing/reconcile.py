"""Whether the text index has what PostgreSQL has: counts and sums of stamps by bucket, then single documents.

Changes that are on their way to the index look like drift for a moment; so what differs is looked at once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.search import SearchReader, bucket_of, stamp_of
from models.services.indexing import FIRST_ID, ids_in_bucket, load_documents, next_documents
from models.wiring import Platform
from workers.handling import Step
from workers.indexing.rebuild import BATCH

CATCH_UP_SECONDS = 3.0


@dataclass(frozen=True)
class Drift:
    """What differs: `missing` are only in PostgreSQL, `surplus` only in the index, `stale` are another there."""

    documents: int
    missing: Sequence[UUID]
    surplus: Sequence[UUID]
    stale: Sequence[UUID]

    @property
    def asset_ids(self) -> list[UUID]:
        """All of them."""
        return [*self.missing, *self.surplus, *self.stale]


def compare(platform: Platform, wait: Callable[[], None], advance: Callable[[int], None]) -> Drift:
    """Compare all; `advance` is told how many were read and may raise, `wait` lets the index catch up.

    Raises:
        Unavailable: when there is no index.
    """
    wanted, documents = _wanted_buckets(platform, advance)
    found = dict(platform.search.buckets())
    suspected = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if suspected:
        wait()
    drifts = [_differing(platform, platform.search, name) for name in suspected]
    missing, surplus, stale = ([key for drift in drifts for key in drift[place]] for place in range(3))
    return Drift(documents, missing, surplus, stale)


def _wanted_buckets(platform: Platform, advance: Callable[[int], None]) -> tuple[dict[str, tuple[int, int]], int]:
    counts: dict[str, int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    after, documents = FIRST_ID, 0
    while True:
        with platform.unit_of_work() as uow:
            part = next_documents(uow, after, BATCH)
        for document in part:
            bucket = bucket_of(document.asset_id)
            counts[bucket] += 1
            sums[bucket] += stamp_of(document)
        documents += len(part)
        advance(documents)
        if len(part) < BATCH:
            return {bucket: (count, sums[bucket]) for bucket, count in counts.items()}, documents
        after = part[-1].asset_id


def _differing(platform: Platform, reader: SearchReader, bucket: str) -> tuple[list[UUID], list[UUID], list[UUID]]:
    indexed = reader.stamps(bucket)
    known: dict[UUID, int] = {}
    with platform.unit_of_work() as uow:
        ids = ids_in_bucket(uow, bucket)
        for start in range(0, len(ids), BATCH):
            part = load_documents(uow, ids[start : start + BATCH])
            known.update({document.asset_id: stamp_of(document) for document in part})
    stale = [key for key, stamp in known.items() if key in indexed and indexed[key] != stamp]
    return [key for key in known if key not in indexed], [key for key in indexed if key not in known], stale


def let_catch_up(step: Step[Any]) -> None:
    """Give those time who bring changes; raises as `Step.check`."""
    step.stopping.wait(CATCH_UP_SECONDS)
    step.check()
