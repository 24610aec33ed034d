"""Tasks: work in the background. Only the list is plain; a task is changed by asking for it, not by being edited.

A task is read with its progress, which moves without its row; so its ETag covers all that is shown. It can be polled
long: `?wait=30` answers when the task has ended, or 30 seconds later with how far it is.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import fields, validate
from sqlalchemy import func, literal_column

from models.bodies.fields import AnswerSchema, ChangeSchema, Constant, Meta, Name, RequestSchema
from models.bodies.filters import audit_filters, enum_filter, instant_filter, text_filter, uuid_filter
from models.entities import Task, TaskState
from models.errors import InvalidInput
from models.ids import printable
from models.messages import KINDS, Priority, TaskKind
from models.payloads import VerifyPool
from models.permissions import Actor, Permission
from models.services import tasks
from models.services.assets import require_readable
from models.services.paging import Page
from models.services.tasks import TASKS
from models.services.verifying import require_verifiable
from models.unit_of_work import UnitOfWork
from web.accepted import LONGEST_WAIT_SECONDS, RETRY_AFTER_SECONDS, accepted, show_task
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe, query
from web.pagination import (
    PAGE_PARAMETERS,
    Listing,
    envelope,
    page_schema,
    read_page,
    whole_envelope,
)
from web.preconditions import require_etag
from web.state import platform, state
from web.task_bodies import TaskSchema, etag_of_body, task_answer, task_bodies

_LISTING = Listing(
    sorts={
        "queued": attrgetter("queued"),
        "finished": lambda task: func.coalesce(task.finished, literal_column("'infinity'::timestamptz")),
        "priority": attrgetter("priority"),
        "created": attrgetter("created"),
        "edited": attrgetter("edited"),
    },
    filters={
        "kind": text_filter(Task.kind),
        "state": enum_filter(Task.state, TaskState),
        "queued": instant_filter(Task.queued),
        "finished": instant_filter(Task.finished),
        "priority": enum_filter(Task.priority, Priority),
        "subject": uuid_filter(Task.subject_id),
        "parent": uuid_filter(Task.parent_id),
        "schedule": uuid_filter(Task.schedule_id),
        **audit_filters(Task),
    },
)
_WAIT = query(
    "wait", "integer", f"Seconds to wait for the end of the task, {LONGEST_WAIT_SECONDS} at the most", minimum=0
)
_ELEMENT = "/tasks/<uuid:task_id>"

blueprint = LoomBlueprint("tasks", "Work in the background")


class TaskCreateSchema(RequestSchema):
    """A task to be submitted; what its payload is, `/tasks/kinds` tells."""

    kind = Name(required=True)
    payload = Meta()
    title = Name()
    priority = Constant(Priority)
    meta = Meta()


class TaskUpdateSchema(ChangeSchema):
    """What can be changed of a task."""

    title = Name()
    priority = Constant(Priority)
    meta = Meta()


class TaskRetrySchema(RequestSchema):
    """Which items of an ended task are to run again."""

    items = fields.String(load_default="failed", validate=validate.OneOf(["failed", "all"]))


class TaskKindSchema(AnswerSchema):
    """A kind of background work."""

    kind = fields.String()
    description = fields.String()
    queue = fields.String()
    is_public = fields.Boolean(
        data_key="submittable", metadata={"description": "By POST /tasks; the others have routes of their own"}
    )
    payload = fields.Dict(metadata={"description": "JSON schema"})


@blueprint.route("/tasks", methods=["GET"])
@describe("List tasks", *PAGE_PARAMETERS)
@signed_in()
@blueprint.response(200, page_schema(TaskSchema))
def list_tasks(uow: UnitOfWork, actor: Actor) -> Response:
    """Give a page of tasks."""
    wanted = read_page(_LISTING)
    page: Page[Task] = TASKS.page(uow, actor, wanted)
    return jsonify(envelope(page, wanted, task_bodies(uow, actor, page.elements)))


@blueprint.route("/tasks", methods=["POST"])
@signed_in(Permission.CREATE_TASK)
@blueprint.arguments(TaskCreateSchema)
@blueprint.response(202, TaskSchema)
def submit_task(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    """Submit a task of a kind that callers may submit."""
    kind, payload = tasks.read_payload(actor, values["kind"], values.get("payload", {}))
    subject_id = require_verifiable(uow, actor, payload) if isinstance(payload, VerifyPool) else None
    task = tasks.submit(
        uow,
        kind,
        payload,
        space_id=actor.space_id,
        subject_id=subject_id,
        title=values.get("title") or _first_line(kind),
        max_attempts=platform().settings.task_max_attempts,
        actor=actor,
        priority=values.get("priority", Priority.MEDIUM),
        meta=values.get("meta"),
    )
    uow.commit()
    return accepted(uow, actor, task, show_task)


@blueprint.route("/assets/<uuid:asset_id>/tasks", methods=["GET"])
@describe("List the tasks about an asset that the caller may see", *PAGE_PARAMETERS)
@signed_in(Permission.READ_ASSET)
@blueprint.response(200, page_schema(TaskSchema))
def list_asset_tasks(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """List tasks."""
    require_readable(uow, actor, asset_id)
    wanted = read_page(_LISTING).where(Task.subject_id == asset_id)
    page: Page[Task] = TASKS.page(uow, actor, wanted)
    return jsonify(envelope(page, wanted, task_bodies(uow, actor, page.elements)))


@blueprint.route("/tasks/kinds", methods=["GET"])
@signed_in()
@blueprint.response(200, page_schema(TaskKindSchema))
def list_kinds(_uow: UnitOfWork, _actor: Actor) -> Response:
    """List the kinds of task, with the JSON schemas of their payloads."""
    kinds = [
        {
            "kind": kind.name,
            "description": _first_line(kind),
            "queue": str(kind.queue),
            "submittable": kind.is_public,
            "payload": kind.payload.model_json_schema(),
        }
        for kind in KINDS.values()
    ]
    return jsonify(whole_envelope(kinds))


def _first_line(kind: TaskKind) -> str:
    return (kind.payload.__doc__ or kind.name).strip().partition("\n")[0].rstrip(".")


@blueprint.route(_ELEMENT, methods=["GET"])
@describe("Load a task, at once or when it has ended", _WAIT)
@signed_in()
@blueprint.response(200, TaskSchema)
def load_task(uow: UnitOfWork, actor: Actor, task_id: UUID) -> Response:
    """Give the task as it is, or as it is when the wait is over."""
    seconds = _read_wait()
    task = tasks.get_task(uow, actor, task_id)
    if seconds and not task.state.is_final:
        uow.release()
        state().hub.wait_for_task(task_id, seconds)
        task = tasks.get_task(uow, actor, task_id)
    answer = task_answer(uow, actor, task)
    if not task.state.is_final:
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _read_wait() -> int:
    text = request.args.get("wait", "0")
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f"wait: '{printable(text)}' is not a number of seconds")
    return min(int(text[:9]), LONGEST_WAIT_SECONDS)


@blueprint.route(f"{_ELEMENT}/cancel", methods=["POST"])
@signed_in()
@blueprint.response(202, TaskSchema)
def cancel_task(uow: UnitOfWork, actor: Actor, task_id: UUID) -> Response:
    """Ask a task to stop; what it did stays."""
    task = tasks.cancel(uow, actor, task_id)
    uow.commit()
    return accepted(uow, actor, task, show_task)


@blueprint.route(f"{_ELEMENT}/retry", methods=["POST"])
@signed_in()
@blueprint.arguments(TaskRetrySchema)
@blueprint.response(202, TaskSchema)
def retry_task(uow: UnitOfWork, actor: Actor, values: dict[str, Any], task_id: UUID) -> Response:
    """Let a task that has ended run again: all of it, or the items that failed."""
    task = tasks.retry(uow, actor, task_id, only_failed=values["items"] == "failed")
    uow.commit()
    return accepted(uow, actor, task, show_task)


@blueprint.route(_ELEMENT, methods=["POST", "PATCH"])
@signed_in()
@blueprint.arguments(TaskUpdateSchema)
@blueprint.response(200, TaskSchema)
def update_task(uow: UnitOfWork, actor: Actor, values: dict[str, Any], task_id: UUID) -> Response:
    """Change the title, priority or meta of a task; a higher priority also helps what waits already."""
    _require_match(uow, actor, task_id)
    task = tasks.update(uow, actor, task_id, **values)
    uow.commit()
    return task_answer(uow, actor, task)


@blueprint.route(_ELEMENT, methods=["DELETE"])
@signed_in()
@blueprint.response(204)
def delete_task(uow: UnitOfWork, actor: Actor, task_id: UUID) -> ResponseReturnValue:
    """Forget a task that has ended, with the outcomes of its items."""
    _require_match(uow, actor, task_id)
    tasks.remove(uow, actor, task_id)
    uow.commit()
    return "", 204


def _require_match(uow: UnitOfWork, actor: Actor, task_id: UUID) -> None:
    if "If-Match" in request.headers:
        task = TASKS.get(uow, actor, task_id, lock=True)
        require_etag(etag_of_body(task_bodies(uow, actor, [task], with_position=True)[0]))
