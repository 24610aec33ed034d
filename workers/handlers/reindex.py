"""`search.reindex`: build the text index anew while searches go on in the old one."""

from __future__ import annotations

from models.messages import REINDEX
from models.payloads import Reindex
from models.search import IndexHome
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Step
from workers.indexing.rebuild import rebuild


class ReindexHandler:
    """Builds beside the live index and switches; the indexer's feed goes on with the new generation by itself.

    If the task ends before the switch, the live index was not touched. If its worker dies right after, the next
    attempt builds once more, which changes nothing.
    """

    kind = REINDEX

    def compute(self, step: Step[Reindex]) -> int:
        """Build and switch; gives the number of documents."""
        home = IndexHome(step.platform.settings.loom_home.index)
        documents = rebuild(step.platform, home, _StepProgress(step))
        # Assets came and went meanwhile; the outcome has to count as many as the total says.
        step.set_total(documents)
        return documents

    def apply(self, _uow: UnitOfWork, _step: Step[Reindex], documents: int) -> Outcome:
        """Nothing but the counts: the index is no part of the database."""
        return Outcome(done=documents, result={"documents": documents})

    def clean_up(self, step: Step[Reindex], documents: int) -> None:
        """The feed removes the old generation, once it has let go of it."""


class _StepProgress:
    """Shows a rebuild as the progress of its task."""

    def __init__(self, step: Step[Reindex]) -> None:
        self._step = step

    def begin(self, total: int) -> None:
        """Note the total."""
        self._step.set_total(total)

    def advance(self, done: int) -> None:
        """Report, and end the rebuild if the task is to end."""
        self._step.check()
        self._step.report(items=done)
