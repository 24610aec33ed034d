"""Loom itself: how it is, and what it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields

from models.bodies.fields import AnswerSchema
from models.bodies.instants import format_instant
from models.db import REVISION
from models.permissions import Actor
from models.services import health
from models.unit_of_work import UnitOfWork
from web.auth import open_to_all, signed_in
from web.blueprints import LoomBlueprint
from web.offload import in_thread
from web.state import platform
from web.version import VERSION

_STARTED = datetime.now(UTC)
_STORAGE_SECONDS = 2

blueprint = LoomBlueprint("service", "Loom itself")


class HealthSchema(AnswerSchema):
    """How Loom is: UP, or DEGRADED if one of the checks is not well."""

    status = fields.String()
    version = fields.String()
    timestamp = fields.String()
    database = fields.String()
    checks = fields.Dict()


class ServerInfoSchema(AnswerSchema):
    """What Loom is."""

    version = fields.String()
    db_revision = fields.String(data_key="dbRevision")
    last_used = fields.String(data_key="lastUsed", metadata={"description": "Start of the process that answers"})


@blueprint.route("/health", methods=["GET"])
@open_to_all
@blueprint.response(200, HealthSchema)
def check_health() -> ResponseReturnValue:
    """Say how Loom and its engines are; 503 if it cannot work at all."""
    checks = _checks()
    worst = {check["status"] for check in checks.values()}
    is_down = checks["database"]["status"] == health.DOWN
    status = health.DEGRADED if worst - {health.UP} else health.UP
    body = {
        "status": status,
        "version": VERSION,
        "timestamp": format_instant(datetime.now(UTC)),
        "database": checks["database"]["status"],
        "checks": checks,
    }
    if is_down:
        return jsonify({**body, "message": "The database is not available now", "statusCode": 503}), 503
    return jsonify(body), 200


class ProbeSchema(AnswerSchema):
    """Whether this process lives, or can do its work; if not, why."""

    status = fields.String()
    reasons = fields.List(fields.String())


@blueprint.route("/health/live", methods=["GET"])
@open_to_all
@blueprint.response(200, ProbeSchema)
def check_life() -> Response:
    """Say that this process lives. It asks nobody, so no engine's trouble lets it be killed."""
    return jsonify(status=health.UP, reasons=[])


@blueprint.route("/health/ready", methods=["GET"])
@open_to_all
@blueprint.response(200, ProbeSchema)
def check_readiness() -> ResponseReturnValue:
    """Say whether requests may come here; 503 with the reasons if not. Without Redis, work is only slower."""
    engines = platform()
    reasons = []
    database = health.check_database(engines.reading)
    if database["status"] == health.DOWN:
        reasons.append("The database does not answer")
    elif database["revision"] < REVISION:  # newer ones are those of a Loom that is about to take over
        reasons.append(f"The tables are of version {database['revision']}, not of {REVISION}: loom migrate")
    if _check_storage(id(engines.blobs), int(time.monotonic() / _STORAGE_SECONDS))["status"] == health.DOWN:
        reasons.append("The blob store cannot be written")
    if reasons:
        body = {"status": health.DOWN, "reasons": reasons, "message": "; ".join(reasons), "statusCode": 503}
        return jsonify(body), 503
    return jsonify(status=health.UP, reasons=[]), 200


def _checks() -> dict[str, Any]:
    engines = platform()
    return {
        "database": health.check_database(engines.reading),
        "redis": health.check_bus(engines.bus),
        "storage": _check_storage(id(engines.blobs), int(time.monotonic() / _STORAGE_SECONDS)),
        "workers": health.check_workers(engines.bus),
        "relay": health.check_relay(engines.reading),
    }


@lru_cache(maxsize=1)
def _check_storage(_store: int, _tick: int) -> health.Detail:
    """Write into the store at most once a tick: anybody may ask for the health."""
    return in_thread(health.check_storage, platform().blobs)


@blueprint.route("", methods=["GET"])
@signed_in()
@blueprint.response(200, ServerInfoSchema)
def load_server_info(uow: UnitOfWork, _actor: Actor) -> Response:
    """Say what Loom this is."""
    rows = uow.fetch("SELECT version_num FROM alembic_version")
    return jsonify(version=VERSION, dbRevision=rows[0][0], lastUsed=format_instant(_STARTED))
