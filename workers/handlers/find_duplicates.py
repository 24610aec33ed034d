"""`dedup.find`: propose groups of what is the same, or looks the same, in all of a space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.messages import FIND_DUPLICATES
from models.payloads import FindDuplicates
from models.services import dedup_sources as sources
from models.services.bulk_answers import asked_by
from models.services.credentials import actor_of_task
from models.services.dedup import Proposal, propose_all
from models.services.dedup_sources import Printed
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Step
from workers.nodes.fingerprint import ALGORITHM
from workers.processing.likeness import Group, alike_by_bits, as_words, films_alike

PICTURES = "phash+dhash"
MOST_FRAME_BITS = 32
"""So many of the 128 bits of two frames may differ."""
Found = dict[str, list[Proposal]]


class FindDuplicatesHandler:
    """Compares all with all; what it finds is written at once, in the place of what it had found before."""

    kind = FIND_DUPLICATES

    def compute(self, step: Step[FindDuplicates]) -> Found:
        """Look; gives the groups by algorithm."""
        found: Found = {}
        for algorithm in dict.fromkeys(step.payload.algorithms):
            if algorithm == "EXACT":
                found[sources.EXACT] = self._copies(step)
            elif algorithm == "IMAGE":
                found[PICTURES] = self._pictures(step)
            else:
                found[ALGORITHM] = self._films(step)
        return found

    @staticmethod
    def _copies(step: Step[FindDuplicates]) -> list[Proposal]:
        with step.platform.unit_of_work() as uow:
            return sources.copies(uow, step.space_id)

    @staticmethod
    def _pictures(step: Step[FindDuplicates]) -> list[Proposal]:
        with step.platform.unit_of_work() as uow:
            printed = sources.pictures(uow, step.space_id)
        words = as_words([hash_ for each in printed for hash_ in each.hashes])
        return _proposals(PICTURES, printed, alike_by_bits(words, step.payload.most_bits, step.check))

    @staticmethod
    def _films(step: Step[FindDuplicates]) -> list[Proposal]:
        with step.platform.unit_of_work() as uow:
            printed = sources.films(uow, step.space_id, ALGORITHM)
        frames = [as_words(each.hashes) for each in printed]
        groups = films_alike(frames, MOST_FRAME_BITS, step.payload.least_share, step.check)
        return _proposals(ALGORITHM, printed, groups)

    def apply(self, uow: UnitOfWork, step: Step[FindDuplicates], found: Found) -> Outcome:
        """Propose."""
        actor = actor_of_task(uow, step.space_id, *asked_by(uow, step.task_id))
        result = {name: propose_all(uow, actor, name, proposals) for name, proposals in found.items()}
        return Outcome(done=1, result=result)

    def clean_up(self, step: Step[FindDuplicates], found: Found) -> None:
        """Nothing is left over."""


def _proposals(algorithm: str, printed: Sequence[Printed], groups: Sequence[Group]) -> list[Proposal]:
    """Give what may be proposed: not where something larger would go for what is kept, because it has holes."""
    proposals = []
    for group in groups:
        keeper = printed[group.keeper].candidate
        others = [replace(printed[place].candidate, score=score) for place, score in group.others]
        if all(other.size <= keeper.size for other in others):
            proposals.append(Proposal(algorithm, keeper, others))
    return proposals
