"""`/processors`: the workers there are now, what they serve, how busy they are, and what they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields

from models.bodies.fields import AnswerSchema, Instant
from models.bus import Order, WorkerInfo
from models.errors import NotFound, Unavailable
from models.messages import Queue
from models.permissions import Actor, Permission
from models.services.node_kinds import custom_kinds, known_kinds
from models.services.processors import capabilities_of
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.pagination import page_schema, whole_envelope
from web.state import platform

blueprint = LoomBlueprint("processors", "Workers")


class ProcessorSchema(AnswerSchema):
    """A worker process that was heard of within the last seconds."""

    name = fields.String()
    host = fields.String()
    state = fields.String(
        metadata={
            "description": "ONLINE; PAUSED takes nothing more; DRAINING hands back what it has, DRAINED has done so;"
            " TERMINATING ends"
        }
    )
    queues = fields.List(fields.String())
    kinds = fields.List(fields.String(), metadata={"description": "Kinds of node that it runs"})
    capabilities = fields.List(fields.String(), metadata={"description": "What it has beyond cpu and io"})
    running = fields.Integer(metadata={"description": "Parts of tasks that it works on"})
    host_load = fields.Float(
        data_key="load", metadata={"description": "Of its host, for each core, in the last minute"}
    )
    started = Instant()
    last_seen = Instant(data_key="lastSeen")


_BODY = ProcessorSchema()
_ORDER_SECONDS = 60
"""An order that its worker does not hear within this time is void: the worker is gone."""


@blueprint.route("/processors", methods=["GET"])
@signed_in(Permission.READ_PIPELINE)
@blueprint.response(200, page_schema(ProcessorSchema))
def list_processors(uow: UnitOfWork, actor: Actor) -> Response:
    """List the workers."""
    workers = _workers()
    built_in = _built_in(uow)
    return jsonify(whole_envelope([_BODY.dump(_body(worker, built_in)) for worker in workers]))


def _workers() -> Sequence[WorkerInfo]:
    workers = platform().bus.workers()
    if workers is None:
        raise Unavailable("Redis is out of reach, so nobody knows which workers there are")
    return workers


@blueprint.route("/processors/<string:name>/pause", methods=["POST"])
@signed_in(Permission.UPDATE_TASK)
@blueprint.response(202, ProcessorSchema)
def pause_processor(uow: UnitOfWork, actor: Actor, name: str) -> ResponseReturnValue:
    """Let a worker take nothing more; what it has it brings to its end."""
    return _tell(uow, actor, name, Order.PAUSE)


@blueprint.route("/processors/<string:name>/resume", methods=["POST"])
@signed_in(Permission.UPDATE_TASK)
@blueprint.response(202, ProcessorSchema)
def resume_processor(uow: UnitOfWork, actor: Actor, name: str) -> ResponseReturnValue:
    """Let a worker go on."""
    return _tell(uow, actor, name, Order.RESUME)


@blueprint.route("/processors/<string:name>/drain", methods=["POST"])
@signed_in(Permission.UPDATE_TASK)
@blueprint.response(202, ProcessorSchema)
def drain_processor(uow: UnitOfWork, actor: Actor, name: str) -> ResponseReturnValue:
    """Let a worker take nothing more and hand back what it has: once DRAINED, it can be ended unnoticed."""
    return _tell(uow, actor, name, Order.DRAIN)


def _tell(uow: UnitOfWork, actor: Actor, name: str, order: Order) -> ResponseReturnValue:
    """Pass an order on. The answer shows the worker as it is now: it hears within seconds."""
    actor.require_operator(Permission.UPDATE_TASK)
    worker = next((worker for worker in _workers() if worker.name == name), None)
    if worker is None:
        raise NotFound("There is no such worker now")
    if not platform().bus.order(name, order, _ORDER_SECONDS):
        raise Unavailable("Redis is out of reach, so the worker cannot be told")
    return jsonify(_BODY.dump(_body(worker, _built_in(uow)))), 202


def _built_in(uow: UnitOfWork) -> list[str]:
    return sorted(known_kinds(uow).keys() - custom_kinds(uow))


def _body(worker: WorkerInfo, built_in: list[str]) -> dict[str, Any]:
    runs_nodes = any(queue.partition(".")[0] == Queue.MEDIA for queue in worker.queues)
    return {
        **vars(worker),
        "kinds": sorted([*built_in, *worker.kinds]) if runs_nodes else [], "capabilities": capabilities_of(worker),
        "host_load": worker.load,
        "started": datetime.fromtimestamp(worker.started, UTC), "last_seen": datetime.fromtimestamp(worker.seen, UTC),
    }  # fmt: skip
