"""Clusters of embeddings, as machines propose them and people confirm or reject them, and the persons seen in them.

A set of members that was rejected is not proposed again; what is confirmed stays, and gains what is near to it. Who
sees clusters sees assets: without READ_ASSET for all of the space there is nothing to be seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, delete, func, select

from models.entities import Cluster, ClusterMember, Embedding, Person, Review
from models.errors import InvalidInput
from models.permissions import Actor, Entity, Permission
from models.services.counting import Total, count_rows
from models.services.crud import Resource, Values
from models.services.embeddings import EMBEDDINGS
from models.services.paging import PageRequest
from models.services.visibility import seen_with_all_assets
from models.unit_of_work import UnitOfWork, as_rows

CLUSTERS = Resource(Cluster, "cluster", Entity.CLUSTER, within=seen_with_all_assets)
PERSONS = Resource(Person, "person", Entity.PERSON)
_PERSON = ("alias", "firstname", "lastname")


class Member(NamedTuple):
    """An embedding in a cluster."""

    embedding_id: UUID
    asset_id: UUID
    score: float
    area: dict[str, Any] | None
    frame_number: int | None


@dataclass(frozen=True)
class Proposed:
    """A cluster that a machine proposes: embeddings with how near they are to the middle, the nearest first."""

    type: str
    model: str | None
    members: Sequence[tuple[UUID, float]]
    asset_id: UUID
    score: float

    @property
    def members_key(self) -> str:
        """What stands for who the members are."""
        return hashlib.sha256(" ".join(sorted(str(each) for each, _ in self.members)).encode()).hexdigest()


def count_members(uow: UnitOfWork, actor: Actor, clusters: Sequence[Cluster]) -> None:
    """Put the number of its members beside each cluster, as `member_count`."""
    query = select(ClusterMember.cluster_id, func.count()).group_by(ClusterMember.cluster_id)
    rows = uow.session.execute(query.where(ClusterMember.cluster_id.in_([each.id for each in clusters]))).all()
    counts: dict[UUID, int] = {row[0]: row[1] for row in rows}
    for each in clusters:
        shown: Any = each
        shown.member_count = counts.get(each.id, 0)


def create_cluster(uow: UnitOfWork, actor: Actor, values: Values) -> Cluster:
    """Make a cluster by hand.

    Raises:
        Forbidden: when the actor may not.
        InvalidInput: when a member is no embedding of its type that they see.
    """
    actor.require(Permission.CREATE_CLUSTER)
    members = list(dict.fromkeys(values.pop("embedding_ids", ())))
    for embedding_id in members:
        found: Embedding = EMBEDDINGS.refer(uow, actor, embedding_id, "embeddingUuids")
        if found.type != values["type"]:
            raise InvalidInput(f"embeddingUuids: '{embedding_id}' is of the type {found.type}")
    cluster = CLUSTERS.insert(uow, actor, values)
    uow.session.add_all(ClusterMember(cluster_id=cluster.id, embedding_id=each, score=1.0) for each in members)
    uow.session.flush()
    return cluster


def members_of(
    uow: UnitOfWork, actor: Actor, cluster_id: UUID, request: PageRequest
) -> tuple[list[Member], Total]:  # fmt: skip
    """Give a part of the members of a cluster, in the order of their embeddings."""
    CLUSTERS.get(uow, actor, cluster_id)
    query: Any = (
        select(Embedding.id, Embedding.asset_id, ClusterMember.score, Embedding.area, Embedding.frame_number)
        .join(ClusterMember, ClusterMember.embedding_id == Embedding.id)
        .where(ClusterMember.cluster_id == cluster_id)
    )
    part = query.where(Embedding.id > request.after) if request.after else query
    rows = uow.session.execute(part.order_by(Embedding.id).limit(request.limit)).all()
    return [Member(*row) for row in rows], count_rows(uow, query)


def confirm(uow: UnitOfWork, actor: Actor, cluster: Cluster, values: Values) -> None:
    """Say that a cluster is one thing: a person who is known, or one who is told of now, or just a name.

    Raises:
        InvalidInput: when the actor sees no such person, or a person is both named and described.
        Forbidden: when a person would be made by somebody who may not.
    """
    described = {name: values[name] for name in _PERSON if values.get(name) is not None}
    person_id = values.get("person_id")
    if person_id and described:
        raise InvalidInput("personUuid: names a person; describe another one, or none")
    if person_id:
        PERSONS.refer(uow, actor, person_id, "personUuid")
    elif described:
        person_id = PERSONS.create(uow, actor, described).id
    changes = {"name": values["name"]} if values.get("name") is not None else {}
    if person_id:
        changes["person_id"] = person_id
    _review(uow, actor, cluster, Review.CONFIRMED, changes)


def reject(uow: UnitOfWork, actor: Actor, cluster: Cluster) -> None:
    """Say that a cluster is nothing; these members are not proposed again."""
    _review(uow, actor, cluster, Review.REJECTED, {"person_id": None})


def _review(uow: UnitOfWork, actor: Actor, cluster: Cluster, status: Review, changes: Values) -> None:
    reviewed = {"review_status": status, "reviewed": datetime.now(UTC), "reviewer_id": actor.user_id}
    CLUSTERS.update(uow, actor, cluster, {**changes, **reviewed})


def forget_person(uow: UnitOfWork, actor: Actor, cluster: Cluster) -> None:
    """Say that it is not known who that is; harmless if nobody has said so."""
    CLUSTERS.update(uow, actor, cluster, {"person_id": None})


def propose(
    uow: UnitOfWork, actor: Actor, embedding_type: str, model: str | None, proposed: Iterable[Proposed]
) -> dict[str, int]:
    """Let these be all clusters of a type and model that are proposed: what is pending of it and not among them goes.

    Returns:
        How many are new, were known and are pending, and were rejected before.
    """
    uow.lock(f"clusters of {actor.space_id}")
    wanted = {each.members_key: each for each in proposed}
    mine = and_(Cluster.space_id == actor.space_id, Cluster.type == embedding_type, Cluster.model == model)
    stale = delete(Cluster).where(
        mine, Cluster.review_status == Review.PENDING, Cluster.members_key.is_not(None),
        Cluster.members_key.not_in(list(wanted)),
    )  # fmt: skip
    uow.session.execute(stale)
    rows = uow.session.execute(
        select(Cluster.members_key, Cluster.review_status).where(
            Cluster.space_id == actor.space_id, Cluster.members_key.in_(list(wanted))
        )
    ).all()
    known: dict[str | None, Review] = {row[0]: row[1] for row in rows}
    counts = {"new": 0, "pending": 0, "rejected": 0}
    for number, (key, each) in enumerate(wanted.items()):
        if key in known:
            counts["rejected" if known[key] == Review.REJECTED else "pending"] += 1
            continue
        counts["new"] += 1
        told = {"type": each.type, "model": each.model, "asset_id": each.asset_id, "score": each.score}
        cluster = CLUSTERS.insert(uow, actor, {**told, "cluster_index": number, "members_key": key})
        add_members(uow, cluster.id, each.members)
    return counts


def add_members(uow: UnitOfWork, cluster_id: UUID, members: Iterable[tuple[UUID, float]]) -> int:
    """Put embeddings into a cluster, as far as they are still there and not in it; gives how many were put."""
    rows = [{"id": str(embedding_id), "score": score} for embedding_id, score in members]
    added: Any = uow.execute(
        """INSERT INTO cluster_member (cluster_id, embedding_id, score)
           SELECT :cluster, embedding.id, new.score
           FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, score double precision)
           JOIN embedding ON embedding.id = new.id ON CONFLICT DO NOTHING RETURNING 1""",
        cluster=cluster_id,
        rows=as_rows(rows),
    )
    return len(added.all())
