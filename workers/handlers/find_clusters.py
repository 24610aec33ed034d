"""`clusters.find`: propose clusters of the embeddings of one type, and let confirmed ones grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from models.messages import FIND_CLUSTERS
from models.payloads import FindClusters
from models.services import cluster_sources as sources
from models.services.bulk_answers import asked_by
from models.services.cluster_sources import Loose
from models.services.clusters import Proposed, add_members, propose
from models.services.credentials import actor_of_task
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from models.vectors import VectorKind
from workers.handling import Step
from workers.processing.clustering import Cluster, Vectors, cluster, directions


@dataclass(frozen=True)
class Found:
    """What was found among embeddings of a kind: new clusters, and what confirmed ones gain."""

    kind: VectorKind
    proposed: Sequence[Proposed]
    gained: Sequence[tuple[UUID, Sequence[tuple[UUID, float]]]]


class FindClustersHandler:
    """Looks at all embeddings of a type anew; what it had proposed and nobody has decided about makes room."""

    kind = FIND_CLUSTERS

    def compute(self, step: Step[FindClusters]) -> list[Found]:
        """Look."""
        with step.platform.unit_of_work() as uow:
            kinds = sources.kinds_of(uow, step.space_id, step.payload.type, step.payload.model)
        return [self._look(step, kind) for kind in kinds]

    @staticmethod
    def _look(step: Step[FindClusters], kind: VectorKind) -> Found:
        with step.platform.unit_of_work() as uow:
            members = sources.loose(uow, step.space_id, kind)
            known = sources.confirmed(uow, step.space_id, kind)
        wanted = step.payload
        found = cluster(
            _directions([each.vector for each in members], kind), _middles(known, kind), wanted.least_cosine,
            wanted.least_members, step.check,
        )  # fmt: skip
        grown = [(list(known)[each.seed], _named(members, each)) for each in found if each.seed is not None]
        return Found(kind, [_proposed(kind, members, each) for each in found if each.seed is None], grown)

    def apply(self, uow: UnitOfWork, step: Step[FindClusters], found: list[Found]) -> Outcome:
        """Propose."""
        actor = actor_of_task(uow, step.space_id, *asked_by(uow, step.task_id))
        result = {"new": 0, "pending": 0, "rejected": 0, "gained": 0}
        by_model: dict[str | None, list[Proposed]] = {}
        for each in found:
            by_model.setdefault(each.kind.model, []).extend(each.proposed)
            result["gained"] += sum(add_members(uow, cluster_id, members) for cluster_id, members in each.gained)
        for model, proposed in by_model.items():
            for name, count in propose(uow, actor, step.payload.type, model, proposed).items():
                result[name] += count
        return Outcome(done=1, result=result)

    def clean_up(self, step: Step[FindClusters], found: list[Found]) -> None:
        """Nothing is left over."""


def _directions(vectors: Sequence[Sequence[float]], kind: VectorKind) -> Vectors:
    return directions(vectors) if vectors else np.zeros((0, kind.dimensions), dtype=np.float32)


def _middles(known: dict[UUID, list[list[float]]], kind: VectorKind) -> Vectors:
    return _directions([directions(vectors).sum(axis=0) for vectors in known.values()], kind)


def _named(members: Sequence[Loose], found: Cluster) -> list[tuple[UUID, float]]:
    return [(members[place].embedding_id, score) for place, score in found.members]


def _proposed(kind: VectorKind, members: Sequence[Loose], found: Cluster) -> Proposed:
    middle = members[found.members[0][0]]
    return Proposed(kind.type, kind.model, _named(members, found), middle.asset_id, found.score)
