"""What is told of a task besides itself: what became of its items, and, where that was asked for, how its parts ran."""

from __future__ import annotations

from uuid import UUID

from flask import Response, jsonify, request
from marshmallow import fields

from models.bodies.fields import AnswerSchema, Instant
from models.errors import InvalidInput
from models.ids import parse_uuid, printable
from models.permissions import Actor, Permission
from models.services import diagnostics, tasks
from models.services.counting import Total
from models.services.task_items import ItemOutcome, count_items, list_items
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe, query
from web.downloads import send_text
from web.openapi_files import gives_text
from web.pagination import PAGE_PARAMETERS, page_schema, raw_envelope, read_limit, whole_envelope
from web.resources.tasks import blueprint

_ITEM_STATES = ("DONE", "FAILED", "SKIPPED")
_ITEMS = "/tasks/<uuid:task_id>/items"
_DIAGNOSTICS = "/tasks/<uuid:task_id>/diagnostics"
WANTED_HEADER = "X-Task-Diagnostics"

__all__ = ["WANTED_HEADER", "blueprint", "read_wanted"]


class TaskItemSchema(AnswerSchema):
    """What became of one item of a task."""

    index = fields.Integer()
    subject = fields.String()
    state = fields.String()
    code = fields.String()
    message = fields.String()
    asset_id = fields.UUID(data_key="assetUuid")


class DiagnosticSchema(AnswerSchema):
    """A file that tells how a part of a task ran."""

    name = fields.String(metadata={"description": "What was looked at, the number of the part, and of its attempt"})
    mime_type = fields.String(data_key="mimeType")
    size = fields.Integer()
    created = Instant()


_DIAGNOSTIC = DiagnosticSchema(many=True)


def read_wanted() -> None:
    """See which diagnostics the request at hand asks for, of the tasks that it submits.

    Raises:
        InvalidInput: for what cannot be found out.
    """
    told = request.headers.get(WANTED_HEADER, "")
    diagnostics.want(kind.strip().lower() for kind in told.split(",") if kind.strip())


@blueprint.route(_ITEMS, methods=["GET"])
@describe(
    "List what became of the items of a task",
    *PAGE_PARAMETERS[:2],
    query("state", "string", "Only those", enum=list(_ITEM_STATES)),
)
@signed_in()
@blueprint.response(200, page_schema(TaskItemSchema))
def list_task_items(uow: UnitOfWork, actor: Actor, task_id: UUID) -> Response:
    """Give a page of outcomes in the order of the items."""
    limit, wanted_state = read_limit(), _read_item_state()
    after = _item_index(request.args.get("from"))
    task = tasks.get_task(uow, actor, task_id)
    items = list_items(uow, task.id, wanted_state, after, limit)
    total = Total(count_items(uow, task, wanted_state))
    bodies = TaskItemSchema(many=True).dump(items)
    return jsonify(raw_envelope(bodies, total, limit, *map(_item_cursor, items[-1:])))


def _read_item_state() -> str | None:
    text = request.args.get("state")
    if text and text not in _ITEM_STATES:
        raise InvalidInput(f"state: '{printable(text)}' is not one of {', '.join(_ITEM_STATES)}")
    return text or None


def _item_cursor(item: ItemOutcome) -> UUID:
    """Spell the place of an item as a UUID, for clients that page every list by `lastUuid`."""
    return UUID(int=item.index + 1)


def _item_index(cursor: str | None) -> int:
    index = parse_uuid(cursor).int - 1 if cursor is not None else -1
    if index.bit_length() > 63:  # noqa: PLR2004 - the column's width
        raise InvalidInput("from: no item of a task has this place")
    return index


@blueprint.route(_DIAGNOSTICS, methods=["GET"])
@signed_in()
@blueprint.response(200, page_schema(DiagnosticSchema))
def list_diagnostics(uow: UnitOfWork, actor: Actor, task_id: UUID) -> Response:
    """List how the first parts of a task ran, as the header X-Task-Diagnostics asked for: `profile`, `memory`."""
    _require_operator(uow, actor, task_id)
    return jsonify(whole_envelope(_DIAGNOSTIC.dump(diagnostics.list_files(uow, task_id))))


@blueprint.route(f"{_DIAGNOSTICS}/<string:name>", methods=["GET"])
@describe("Load one of these files", **gives_text())
@signed_in()
def load_diagnostic(uow: UnitOfWork, actor: Actor, task_id: UUID, name: str) -> Response:
    """Give a file."""
    _require_operator(uow, actor, task_id)
    found = diagnostics.get_file(uow, task_id, name)
    return send_text(found.name, found.content, found.mime_type)


def _require_operator(uow: UnitOfWork, actor: Actor, task_id: UUID) -> None:
    """Insist on somebody who may know what Loom is made of."""
    tasks.get_task(uow, actor, task_id)
    actor.require_operator(Permission.UPDATE_TASK)
