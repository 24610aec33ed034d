"""Tasks as JSON: what they are, how far they are, and why they wait. One query for a whole page of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import orjson
from flask import Response, request
from marshmallow import fields
from pydantic.alias_generators import to_camel

from models.bodies.fields import AnswerSchema, ElementSchema, Instant
from models.entities import Task, TaskState
from models.messages import Priority
from models.permissions import Actor
from models.services.audit import name_users
from models.services.task_progress import Progress, Waiting, measure_progress, why_waiting
from models.unit_of_work import UnitOfWork
from web.preconditions import not_modified, tagged
from web.state import platform

_SECRET_KEYS = frozenset({"pieces"})
"""Parts of a payload that are no caller's business."""
_VOLATILE = ("perSecond", "etaSeconds")


class ProgressSchema(AnswerSchema):
    """How far a task has come: each item is counted exactly once, and in the end they reach the total."""

    total = fields.Integer()
    done = fields.Integer()
    failed = fields.Integer()
    skipped = fields.Integer()
    bytes_done = fields.Integer(data_key="bytesDone")
    bytes_total = fields.Integer(data_key="bytesTotal")
    percent = fields.Float()
    per_second = fields.Float(data_key="perSecond")
    eta_seconds = fields.Integer(data_key="etaSeconds")


class WaitingSchema(AnswerSchema):
    """Why a task has not begun."""

    reason = fields.String()
    position = fields.Integer(metadata={"description": "How many go before it"})


class TaskErrorSchema(AnswerSchema):
    """Why a task failed."""

    code = fields.String()
    message = fields.String()


class TaskSchema(ElementSchema):
    """An asynchronous operation."""

    kind = fields.String()
    title = fields.String()
    state = fields.Enum(TaskState)
    payload = fields.Dict()
    priority = fields.Enum(Priority)
    subject_id = fields.UUID(data_key="subjectUuid")
    progress = fields.Nested(ProgressSchema)
    waiting = fields.Nested(WaitingSchema)
    attempt = fields.Integer()
    max_attempts = fields.Integer(data_key="maxAttempts")
    queued = Instant()
    started = Instant()
    finished = Instant()
    wait_ms = fields.Integer(data_key="waitMs")
    run_ms = fields.Integer(data_key="runMs")
    error = fields.Nested(TaskErrorSchema)
    result = fields.Dict()
    parent_id = fields.UUID(data_key="parentUuid")
    schedule_id = fields.UUID(data_key="scheduleUuid")
    trace_id = fields.String(data_key="traceId")


_SCHEMA = TaskSchema()


def task_answer(uow: UnitOfWork, actor: Actor, task: Task, status: int = 200) -> Response:
    """Show one task, with an ETag that covers its progress too."""
    body = task_bodies(uow, actor, [task], with_position=True)[0]
    etag = etag_of_body(body)
    if status == HTTPStatus.OK and request.method in {"GET", "HEAD"} and (same := not_modified(etag)):
        return same
    answer = Response(orjson.dumps(body), status=status, content_type="application/json")
    return tagged(answer, etag)


def etag_of_body(body: dict[str, Any]) -> str:
    """Name the state of a task that a body shows."""
    progress = {key: value for key, value in body["progress"].items() if key not in _VOLATILE}
    return sha256(orjson.dumps({**body, "progress": progress, "waitMs": None, "runMs": None})).hexdigest()[:20]


def task_bodies(
    uow: UnitOfWork, actor: Actor, tasks: Sequence[Task], *, with_position: bool = False
) -> list[dict[str, Any]]:
    """Spell tasks; their places in the queue only if asked for, since each takes a query."""
    name_users(uow, actor, tasks)
    progress = measure_progress(uow, tasks)
    waiting = why_waiting(uow, platform().bus, tasks, with_position=with_position)
    return [_SCHEMA.dump(_view(task, progress[task.id], waiting.get(task.id))) for task in tasks]


def _view(task: Task, progress: Progress, waiting: Waiting | None) -> SimpleNamespace:
    begun = task.started or task.finished or datetime.now(UTC)
    return SimpleNamespace(
        **{name: getattr(task, name) for name in _PLAIN},
        priority=Priority(task.priority),
        payload=_public(task.payload),
        progress=progress,
        waiting=waiting,
        wait_ms=_milliseconds(task.queued, begun),
        run_ms=_milliseconds(task.started, task.finished or datetime.now(UTC)) if task.started else None,
        error={"code": task.error_code, "message": task.error_message} if task.error_code else None,
    )


_PLAIN = (
    "id", "kind", "title", "state", "subject_id", "attempt", "max_attempts", "queued", "started", "finished", "result",
    "parent_id", "schedule_id", "trace_id", "meta", "created", "edited", "creator_id", "editor_id", "creator_name",
    "editor_name",
)  # fmt: skip


def _milliseconds(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))


def _public(payload: dict[str, Any]) -> dict[str, Any]:
    return {to_camel(key): value for key, value in payload.items() if key not in _SECRET_KEYS and value is not None}
