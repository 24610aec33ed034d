"""`search.index-vectors`: indexes for the kinds of vector that there are many of."""

from __future__ import annotations

from models.messages import INDEX_VECTORS
from models.payloads import IndexVectors
from models.services.task_parts import Outcome
from models.services.vector_index import StoredIndex
from models.services.vector_keys import drop_indexes, index_name, install, make_index, many_keys
from models.unit_of_work import UnitOfWork
from models.vectors import VectorStore
from workers.handling import Step
from workers.indexing.reconcile import let_catch_up
from workers.indexing.vector_feed import differs, fill

_STILL_ENOUGH = 0.5
Changed = tuple[int, int]
"""How many indexes were made, and how many removed."""


class IndexVectorsHandler:
    """Makes each index beside what goes on; one that there is stays, unless all are to be made anew.

    An index is removed when half of what would make one is left, so that it does not come and go.
    """

    kind = INDEX_VECTORS

    def compute(self, step: Step[IndexVectors]) -> Changed:
        """Make the indexes, and remove those that are of no use any more; or see to the store, where there is one."""
        if isinstance(step.platform.vectors, StoredIndex):
            return self._fill(step, step.platform.vectors.store), 0
        engine = step.platform.engine
        if not install(engine):
            return 0, 0
        with step.platform.unit_of_work() as uow:
            keys, enough = many_keys(uow), many_keys(uow, _STILL_ENOUGH)
        made, removed = 0, drop_indexes(engine, {index_name(key) for key in enough})
        for key in keys:
            step.check()
            made += make_index(engine, key, is_anew=step.payload.anew)
        return made, removed

    @staticmethod
    def _fill(step: Step[IndexVectors], store: VectorStore) -> int:
        """Fill the store, if that is wanted or it does not have what it should."""
        if not step.payload.anew and not differs(step.platform, store, lambda: let_catch_up(step)):
            return 0
        fill(step.platform, store, lambda _count: step.check())
        return 1

    def apply(self, uow: UnitOfWork, step: Step[IndexVectors], changed: Changed) -> Outcome:
        """Report."""
        made, removed = changed
        return Outcome(done=1, result={"indexes": made, "removed": removed})

    def clean_up(self, step: Step[IndexVectors], changed: Changed) -> None:
        """Nothing is left over."""
