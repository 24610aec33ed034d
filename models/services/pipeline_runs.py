"""Runs of pipelines. A run is a task: what a task can, it can; here is what is said of it in the words of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, func, select

from models.bus import Bus
from models.entities import Pipeline, RunItem, Task, TaskState
from models.errors import Conflict, InvalidInput, NotFound, Unavailable
from models.ids import parse_uuid
from models.messages import RUN_PIPELINE
from models.payloads import RunPipeline
from models.permissions import Actor
from models.pipelines.graph import Graph
from models.services import tasks
from models.services.counting import Total
from models.services.graphs import graph_of_version
from models.services.pipelines import PIPELINES
from models.services.pools import POOLS
from models.services.processors import missing_kinds, queue_of
from models.services.task_parts import pause, resume
from models.unit_of_work import UnitOfWork

STATUS = {
    TaskState.PENDING: "PENDING", TaskState.RUNNING: "RUNNING", TaskState.CANCELLING: "RUNNING",
    TaskState.SUCCEEDED: "SUCCESS", TaskState.PARTIAL: "PARTIAL", TaskState.FAILED: "FAILED",
    TaskState.CANCELLED: "CANCELLED",
}  # fmt: skip
"""Of a run, by the state of its task."""


def start_run(
    uow: UnitOfWork, actor: Actor, bus: Bus, pipeline_id: UUID, payload: dict[str, Any], max_attempts: int
) -> Task:  # fmt: skip
    """Ask for a run of the newest version of a pipeline.

    Raises:
        InvalidInput: when the pipeline cannot run.
        Unavailable: when no worker can run its nodes now.
    """
    pipeline = PIPELINES.get(uow, actor, pipeline_id)
    graph = graph_of_version(uow, pipeline.id, pipeline.version_number)
    if graph is None:
        raise InvalidInput("The pipeline cannot run: its definition has errors, or no nodes", code="bad-definition")
    if missing := missing_kinds(uow, graph, bus.workers()):
        raise Unavailable(
            f"No worker of the queue '{queue_of(graph)}' runs these kinds of node now: {', '.join(missing)}"
        )
    if payload.get("from_node") and payload["from_node"] not in graph.nodes:
        raise InvalidInput(f"fromNode: the pipeline has no node '{payload['from_node']}'")
    payload = _chosen(uow, actor, graph, payload)
    told = {"dry_run": pipeline.dry_run, "queue": queue_of(graph), "pipeline_name": pipeline.name, **payload}
    wanted = RunPipeline(pipeline_uuid=pipeline.id, version=pipeline.version_number, **told)
    return tasks.submit(
        uow, RUN_PIPELINE, wanted, space_id=actor.space_id, title=f"Run {pipeline.name}", actor=actor,
        max_attempts=max_attempts, subject_id=pipeline.id,
    )  # fmt: skip


_CHOICES = ("uuids", "filter", "pool_uuids", "path_globs", "is_outdated")


def _chosen(uow: UnitOfWork, actor: Actor, graph: Graph, payload: dict[str, Any]) -> dict[str, Any]:
    """Make sure that something is chosen by: the request, or else the options of a source that gives files.

    Raises:
        InvalidInput: when nothing is.
    """
    if any(payload.get(name) for name in _CHOICES):
        return payload
    options = graph.nodes[graph.source].options
    pool = options.get("poolUuid")
    if pool:
        chosen = {"pool_uuids": [POOLS.get(uow, actor, parse_uuid(pool)).id], "path": options.get("path") or ""}
        return {**payload, **chosen, "path_globs": options.get("pathGlobs") or []}
    if options.get("pathGlobs"):
        return {**payload, "path_globs": options["pathGlobs"]}
    raise InvalidInput("Give mediaUuids, a filter, poolUuid, pathGlobs or outdated")


def pause_run(uow: UnitOfWork, run: Task) -> None:
    """Let no further assets of a run that is locked begin.

    Raises:
        Conflict: when it has ended, or is being stopped.
    """
    _require_open(run)
    if not run.is_paused:
        pause(uow, run)


def resume_run(uow: UnitOfWork, run: Task) -> None:
    """Let a run that is locked go on.

    Raises:
        Conflict: when it has ended, or is being stopped.
    """
    _require_open(run)
    if run.is_paused:
        resume(uow, run)


def _require_open(run: Task) -> None:
    if run.state not in {TaskState.PENDING, TaskState.RUNNING}:
        raise Conflict(f"The run has ended, or is being stopped: {status_of(run)}")


def status_of(run: Task) -> str:
    """Say in the words of runs how it is."""
    return "PAUSED" if run.is_paused else STATUS[TaskState(run.state)]


def get_run(uow: UnitOfWork, actor: Actor, pipeline_id: UUID, run_id: UUID) -> Task:
    """Give a run of a pipeline.

    Raises:
        NotFound: when there is none, or the actor may not read either.
    """
    pipeline = PIPELINES.get(uow, actor, pipeline_id)
    query = select(Task).where(Task.id == run_id, *_of(pipeline))
    run = uow.session.execute(query).scalar_one_or_none()
    if run is None:
        raise NotFound(f"Cannot find a run with uuid '{run_id}' of this pipeline")
    return run


def list_runs(
    uow: UnitOfWork, actor: Actor, pipeline_id: UUID, limit: int, after: UUID | None
) -> tuple[Sequence[Task], Total]:  # fmt: skip
    """Page through the runs of a pipeline, the newest first."""
    pipeline = PIPELINES.get(uow, actor, pipeline_id)
    query = select(Task).where(*_of(pipeline))
    total = _count(uow, query)
    if after is not None:
        query = query.where(Task.id < after)
    return uow.session.execute(query.order_by(Task.id.desc()).limit(limit)).scalars().all(), Total(total)


def _of(pipeline: Pipeline) -> tuple[Any, ...]:
    return Task.subject_id == pipeline.id, Task.kind == RUN_PIPELINE.name, Task.space_id == pipeline.space_id


def list_run_items(
    uow: UnitOfWork, run: Task, state: str | None, after: int, limit: int
) -> tuple[Sequence[RunItem], Total]:  # fmt: skip
    """Page through the items of a run, by their index."""
    query = select(RunItem).where(RunItem.task_id == run.id)
    if state:
        query = query.where(RunItem.state == state)
    total = _count(uow, query)
    rows = uow.session.execute(query.where(RunItem.index > after).order_by(RunItem.index).limit(limit))
    return rows.scalars().all(), Total(total)


def get_run_item(uow: UnitOfWork, run: Task, index: int) -> RunItem:
    """Give an item of a run.

    Raises:
        NotFound: when there is none.
    """
    item = uow.session.get(RunItem, (run.id, index)) if index < 2**63 else None
    if item is None:
        raise NotFound("The run has no such item")
    return item


def node_tasks(item: RunItem) -> list[dict[str, Any]]:
    """Give what the nodes did for an item, in their order."""
    found: list[dict[str, Any]] = orjson.loads(item.results)
    return found


def _count(uow: UnitOfWork, query: Select[Any]) -> int:
    counted: int = uow.session.execute(query.with_only_columns(func.count())).scalar_one()
    return counted
