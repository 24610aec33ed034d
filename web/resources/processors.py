"""`/processors`: the workers there are now, what they serve and how busy they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify
from marshmallow import fields

from models.bodies.fields import AnswerSchema, Instant
from models.bus import WorkerInfo
from models.errors import Unavailable
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
    state = fields.String(metadata={"description": "ONLINE, or TERMINATING: it takes nothing more"})
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


@blueprint.route("/processors", methods=["GET"])
@signed_in(Permission.READ_PIPELINE)
@blueprint.response(200, page_schema(ProcessorSchema))
def list_processors(uow: UnitOfWork, actor: Actor) -> Response:
    """List the workers."""
    workers = platform().bus.workers()
    if workers is None:
        raise Unavailable("Redis is out of reach, so nobody knows which workers there are")
    built_in = sorted(known_kinds(uow).keys() - custom_kinds(uow))
    return jsonify(whole_envelope([_BODY.dump(_body(worker, built_in)) for worker in workers]))


def _body(worker: WorkerInfo, built_in: list[str]) -> dict[str, Any]:
    runs_nodes = any(queue.partition(".")[0] == Queue.MEDIA for queue in worker.queues)
    return {
        **vars(worker),
        "state": "TERMINATING" if worker.is_stopping else "ONLINE",
        "kinds": sorted([*built_in, *worker.kinds]) if runs_nodes else [], "capabilities": capabilities_of(worker),
        "host_load": worker.load,
        "started": datetime.fromtimestamp(worker.started, UTC), "last_seen": datetime.fromtimestamp(worker.seen, UTC),
    }  # fmt: skip
