"""`search.index-vectors`: indexes for the kinds of vector that there are many of."""

from __future__ import annotations

from models.messages import INDEX_VECTORS
from models.payloads import IndexVectors
from models.services.task_parts import Outcome
from models.services.vector_keys import install, make_index, many_keys
from models.unit_of_work import UnitOfWork
from workers.handling import Step


class IndexVectorsHandler:
    """Makes each index beside what goes on; one that there is stays, unless all are to be made anew."""

    kind = INDEX_VECTORS

    def compute(self, step: Step[IndexVectors]) -> int:
        """Make the indexes; gives how many were made."""
        engine = step.platform.engine
        if not install(engine):
            return 0
        with step.platform.unit_of_work() as uow:
            keys = many_keys(uow)
        made = 0
        for key in keys:
            step.check()
            made += make_index(engine, key, is_anew=step.payload.anew)
        return made

    def apply(self, uow: UnitOfWork, step: Step[IndexVectors], made: int) -> Outcome:
        """Report."""
        return Outcome(done=1, result={"indexes": made})

    def clean_up(self, step: Step[IndexVectors], made: int) -> None:
        """Nothing is left over."""
