"""The indexes that searches use, and the work on them, which is done by tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.entities import Task, TaskState
from models.errors import NotFound, Unavailable
from models.messages import DROP_INDEX, INDEX_VECTORS, RECONCILE_INDEX, REINDEX, TaskKind
from models.payloads import DropIndex, IndexVectors, Payload, ReconcileIndex, Reindex
from models.permissions import Actor, Permission
from models.search import SearchReader
from models.services import tasks
from models.services.search import search_status
from models.services.vector_index import StoredIndex, VectorIndex
from models.unit_of_work import UnitOfWork

TEXT, VECTORS = "text", "vectors"
ACTIONS = ("REINDEX", "DELTA_SYNC", "DROP")
_WORK: dict[tuple[str, str], tuple[TaskKind, Payload]] = {
    (TEXT, "REINDEX"): (REINDEX, Reindex()),
    (TEXT, "DELTA_SYNC"): (RECONCILE_INDEX, ReconcileIndex()),
    (TEXT, "DROP"): (DROP_INDEX, DropIndex(index="text")),
    (VECTORS, "REINDEX"): (INDEX_VECTORS, IndexVectors(anew=True)),
    (VECTORS, "DELTA_SYNC"): (INDEX_VECTORS, IndexVectors()),
    (VECTORS, "DROP"): (DROP_INDEX, DropIndex(index="vectors")),
}
_MOST_JOBS = 100
_STATES = {TaskState.CANCELLING: "RUNNING", TaskState.PARTIAL: "SUCCEEDED"}


@dataclass(frozen=True)
class Index:
    """An index: what it is made by, whether it answers, and how many things of the space are in it."""

    id: str
    provider: str
    available: bool
    document_count: int
    dirty_count: int | None
    last_sync: dict[str, Any] | None
    """Result of the last comparison with the database."""


@dataclass(frozen=True)
class Job:
    """Work on an index, as its task tells of it. Moments are in seconds since the epoch."""

    task: Task
    index_id: str
    action: str

    @property
    def uuid(self) -> UUID:
        """Of the task."""
        return self.task.id

    @property
    def processed(self) -> int:
        """How much is done."""
        return self.task.done

    @property
    def total(self) -> int | None:
        """Of how much."""
        return self.task.total

    @property
    def removed(self) -> int:
        """How much was removed that should not have been there."""
        return int((self.task.result or {}).get("removed", 0))

    @property
    def started_at(self) -> float | None:
        """When it began."""
        return self.task.started.timestamp() if self.task.started else None

    @property
    def finished_at(self) -> float | None:
        """When it ended."""
        return self.task.finished.timestamp() if self.task.finished else None

    @property
    def error(self) -> str | None:
        """Why it failed."""
        return self.task.error_message

    @property
    def state(self) -> str:
        """One of PENDING, RUNNING, SUCCEEDED, FAILED and CANCELLED."""
        return _STATES.get(self.task.state, str(self.task.state))


def list_indices(uow: UnitOfWork, reader: SearchReader, index: VectorIndex, actor: Actor) -> list[Index]:
    """Tell of both."""
    status = search_status(uow, reader, actor)
    text = Index(TEXT, "tantivy", status.available, status.document_count, status.dirty_count, _last_sync(uow, actor))
    rows = uow.fetch(
        """SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'vector'),
               (SELECT count(*) FROM embedding WHERE space_id = %(space)s)""",
        space=actor.space_id,
    )
    in_place, known = rows[0]
    if not isinstance(index, StoredIndex):
        return [text, Index(VECTORS, index.provider, in_place, known, 0, None)]
    try:
        stored, is_there = index.store.count(actor.space_id), True
    except Unavailable:
        stored, is_there = 0, False
    return [text, Index(VECTORS, index.provider, is_there, stored, max(0, known - stored), None)]


def find_index(
    uow: UnitOfWork, reader: SearchReader, index: VectorIndex, actor: Actor, index_id: str
) -> Index:  # fmt: skip
    """Tell of one.

    Raises:
        NotFound: when there is none of that name.
    """
    require_index(index_id)
    return next(each for each in list_indices(uow, reader, index, actor) if each.id == index_id)


def require_index(index_id: str) -> None:
    """Insist that there is an index of that name.

    Raises:
        NotFound: when there is none.
    """
    if index_id not in {TEXT, VECTORS}:
        raise NotFound(f"Cannot find search index '{index_id[:80]}'; there are {TEXT} and {VECTORS}")


def _last_sync(uow: UnitOfWork, actor: Actor) -> dict[str, Any] | None:
    query = select(Task.result, Task.finished).where(
        Task.kind == RECONCILE_INDEX.name, Task.state == TaskState.SUCCEEDED, Task.space_id == actor.space_id
    )
    row = uow.session.execute(query.order_by(Task.finished.desc()).limit(1)).one_or_none()
    return None if row is None or row[1] is None else {**(row[0] or {}), "finishedAt": row[1].timestamp()}


def start_job(uow: UnitOfWork, actor: Actor, index_id: str, action: str, max_attempts: int) -> Job:
    """Have something done to an index; indexes are for all spaces, so only operators may.

    Raises:
        NotFound: when there is no such index.
        Forbidden: when the actor is no operator.
    """
    require_index(index_id)
    actor.require_operator(Permission.MANAGE_SEARCH_INDEX)
    kind, payload = _WORK[index_id, action]
    title = f"{action.capitalize().replace('_', ' ')} of the index of {index_id}"
    task = tasks.submit(
        uow, kind, payload, space_id=actor.space_id, title=title, actor=actor, max_attempts=max_attempts
    )  # fmt: skip
    return Job(task, index_id, action)


def list_jobs(uow: UnitOfWork, actor: Actor, index_id: str) -> Sequence[Job]:
    """Give the last jobs of an index, the newest first.

    Raises:
        NotFound: when there is no such index.
    """
    require_index(index_id)
    kinds = {kind.name for (index, _), (kind, _) in _WORK.items() if index == index_id}
    query = select(Task).where(Task.space_id == actor.space_id, Task.kind.in_(kinds))
    found = uow.session.execute(query.order_by(Task.id.desc()).limit(_MOST_JOBS)).scalars().all()
    return [job for job in map(_job, found) if job and job.index_id == index_id]


def find_job(uow: UnitOfWork, actor: Actor, index_id: str, job_id: UUID, *, lock: bool = False) -> Job:
    """Give a job.

    Raises:
        NotFound: when there is no such index, or it has no such job.
    """
    require_index(index_id)
    kinds = {kind.name for kind, _ in _WORK.values()}
    query = select(Task).where(Task.id == job_id, Task.space_id == actor.space_id, Task.kind.in_(kinds))
    task = uow.session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    job = _job(task) if task else None
    if job is None or job.index_id != index_id:
        raise NotFound(f"Cannot find job with uuid '{job_id}'")
    return job


def cancel_job(uow: UnitOfWork, actor: Actor, index_id: str, job_id: UUID) -> Job:
    """Ask a job to stop; raises as `find_job`.

    Raises:
        Conflict: when it has ended.
        Forbidden: when the actor is no operator.
    """
    actor.require_operator(Permission.MANAGE_SEARCH_INDEX)
    job = find_job(uow, actor, index_id, job_id, lock=True)
    tasks.stop(uow, actor, job.task)
    return job


def _job(task: Task) -> Job | None:
    """Say what a task does to which index; None for one with a payload of another version."""
    for (index_id, action), (kind, payload) in _WORK.items():
        if kind.name == task.kind and payload.model_dump(mode="json") == task.payload:
            return Job(task, index_id, action)
    return None
