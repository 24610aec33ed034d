"""`search.reconcile` and `search.drop`: mend the text index, or let go of an index."""

from __future__ import annotations

from models.errors import Unavailable
from models.messages import DROP_INDEX, RECONCILE_INDEX
from models.payloads import DropIndex, ReconcileIndex
from models.search import IndexHome
from models.services.event_log import forget_reader
from models.services.task_parts import Outcome
from models.services.vector_index import StoredIndex
from models.services.vector_keys import drop_indexes
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from workers.handling import Step
from workers.indexing import mends
from workers.indexing.reconcile import Drift, compare, let_catch_up
from workers.indexing.vector_feed import READER


class ReconcileIndexHandler:
    """Compares in the indexer, whose feed then writes what differs."""

    kind = RECONCILE_INDEX

    def compute(self, step: Step[ReconcileIndex]) -> Drift:
        """Compare, and ask for what differs."""

        def advance(documents: int) -> None:
            step.check()
            step.report(items=documents)

        if step.platform.search.document_count() is None:
            raise Unavailable("There is no text index to be compared; it is being built")
        drift = compare(step.platform, lambda: let_catch_up(step), advance)
        mends.put(drift.asset_ids)
        step.set_total(drift.documents)
        return drift

    def apply(self, uow: UnitOfWork, step: Step[ReconcileIndex], drift: Drift) -> Outcome:
        """Report."""
        result = {
            "documents": drift.documents, "missing": len(drift.missing), "stale": len(drift.stale),
            "removed": len(drift.surplus),
        }  # fmt: skip
        return Outcome(done=drift.documents, result=result)

    def clean_up(self, step: Step[ReconcileIndex], drift: Drift) -> None:
        """Nothing is left over."""


class DropIndexHandler:
    """Lets go of an index."""

    kind = DROP_INDEX

    def compute(self, step: Step[DropIndex]) -> int:
        """Do it; gives how many there were. The feed builds the text index anew as soon as it finds it gone."""
        if step.payload.index == "vectors":
            return _drop_vectors(step.platform)
        home = IndexHome(step.platform.settings.loom_home.index)
        had_one = home.current() is not None
        home.unpublish()
        return int(had_one)

    def apply(self, uow: UnitOfWork, step: Step[DropIndex], removed: int) -> Outcome:
        """Report."""
        return Outcome(done=1, result={"removed": removed})

    def clean_up(self, step: Step[DropIndex], removed: int) -> None:
        """Nothing is left over."""


def _drop_vectors(platform: Platform) -> int:
    if not isinstance(platform.vectors, StoredIndex):
        return drop_indexes(platform.engine, ())
    store = platform.vectors.store
    removed = store.count()
    store.begin()
    store.switch()
    with platform.unit_of_work() as uow:
        forget_reader(uow, READER)  # so the feed fills it again
        uow.commit()
    return removed
