"""What webhooks were told: the log of deliveries; one, or all since then, told again; a ping; another secret."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Response, jsonify, request
from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.fields import AnswerSchema, Instant, RequestSchema, Text
from models.entities import DeliveryState, WebhookDelivery
from models.errors import InvalidInput
from models.ids import printable
from models.permissions import Actor, Permission, Verb
from models.services import webhook_log
from models.services.webhooks import WEBHOOKS, rotate_secret
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.blueprints import PREFIX, LoomBlueprint, describe, query
from web.pagination import PAGE_PARAMETERS, page_schema, raw_envelope, read_cursor, read_limit
from web.resources.webhooks import LONGEST_SECRET
from web.state import platform
from web.task_bodies import TaskSchema

_DAY_SECONDS = 86_400
_STATES = [str(state) for state in DeliveryState]
_HOOK = "/webhooks/<uuid:element_id>"
_DELIVERIES = f"{_HOOK}/deliveries"
_DELIVERY = f"{_DELIVERIES}/<uuid:delivery_id>"
Values = dict[str, Any]

blueprint = LoomBlueprint("webhook-deliveries", "What webhooks were told, and how it went")


class AttemptSchema(AnswerSchema):
    """How an attempt went; without a status there was no answer."""

    at = fields.String()
    duration_ms = fields.Integer(data_key="durationMs")
    status = fields.Integer()
    error = fields.String()
    response = fields.String(metadata={"description": "Its beginning"})


class DeliverySchema(AnswerSchema):
    """An event on its way to a webhook. What it is about is told to those only who may hear of it."""

    id = fields.UUID(data_key="uuid", metadata={"description": "Sent as `webhook-id`, the same at each attempt"})
    state = fields.String(validate=validate.OneOf(_STATES))
    attempt_count = fields.Integer(data_key="attemptCount")
    created = Instant()
    finished = Instant()
    due = Instant(metadata={"description": "When it is tried next"})
    type = fields.String()
    event_id = fields.Integer(data_key="eventId")
    subject_id = fields.UUID(data_key="subjectUuid")
    trace_id = fields.String(
        data_key="traceId",
        metadata={"description": "Of the request that set it going; sent as X-Trace-Id and traceparent"},
    )
    attempts = fields.List(fields.Nested(AttemptSchema), metadata={"description": "The last ones, the newest last"})
    payload = fields.Dict(metadata={"description": "What is sent; of a single delivery"})


class ReplaySchema(RequestSchema):
    """From where on events are delivered again: one of the two."""

    since = Instant()
    since_id = fields.Integer(
        data_key="sinceId", strict=True, validate=validate.Range(min=0, max=2**63 - 1),
        metadata={"description": "Behind the event of this id"},
    )  # fmt: skip

    @validates_schema
    def require_one(self, values: Values, **_: Any) -> None:
        """Neither would mean all there is, by mistake."""
        if len(values.keys() & {"since", "since_id"}) != 1:
            raise ValidationError("Say either since or sinceId.")


class RotateSchema(RequestSchema):
    """Another secret: a given one, or one that is made."""

    secret_token = Text(longest=LONGEST_SECRET, data_key="secretToken", load_only=True)
    overlap_seconds = fields.Integer(
        data_key="overlapSeconds", strict=True, load_default=_DAY_SECONDS,
        validate=validate.Range(min=0, max=30 * _DAY_SECONDS),
        metadata={"description": "For so long, the secret before signs too"},
    )  # fmt: skip


class SecretSchema(AnswerSchema):
    """A secret, as it is shown once."""

    secret_token = fields.String(data_key="secretToken")


_BODY = DeliverySchema()


@blueprint.route(_DELIVERIES, methods=["GET"])
@describe(
    "List the deliveries of a webhook, the newest first", *PAGE_PARAMETERS[:2],
    query("state", "string", "Only those", enum=_STATES),
)  # fmt: skip
@signed_in(Permission.READ_WEBHOOK)
@blueprint.response(200, page_schema(DeliverySchema))
def list_deliveries(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Give a page of deliveries."""
    limit = read_limit()
    rows, total = webhook_log.list_deliveries(uow, actor, element_id, _read_state(), limit, read_cursor())
    heard = webhook_log.heard(platform().reading, actor, rows)
    bodies = [_body(row, is_heard=row.id in heard) for row in rows]
    return jsonify(raw_envelope(bodies, total, limit, *(row.id for row in rows[-1:])))


@blueprint.route(_DELIVERY, methods=["GET"])
@signed_in(Permission.READ_WEBHOOK)
@blueprint.response(200, DeliverySchema)
def load_delivery(uow: UnitOfWork, actor: Actor, element_id: UUID, delivery_id: UUID) -> Response:
    """Load a delivery, with what is sent."""
    return jsonify(_whole(actor, webhook_log.get_delivery(uow, actor, element_id, delivery_id)))


@blueprint.route(f"{_DELIVERY}/resend", methods=["POST"])
@signed_in(Permission.READ_WEBHOOK, Permission.UPDATE_WEBHOOK)
@blueprint.response(202, DeliverySchema)
def resend(uow: UnitOfWork, actor: Actor, element_id: UUID, delivery_id: UUID) -> Response:
    """Send a delivery once more, with the same id."""
    delivery = webhook_log.get_delivery(uow, actor, element_id, delivery_id, Verb.UPDATE)
    webhook_log.resend(uow, delivery)
    uow.commit()
    return _sent(actor, delivery)


@blueprint.route(f"{_HOOK}/ping", methods=["POST"])
@signed_in(Permission.READ_WEBHOOK, Permission.UPDATE_WEBHOOK)
@blueprint.response(202, DeliverySchema)
def ping(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Send a `webhook.ping`, to see whether the address takes it."""
    delivery = webhook_log.ping(uow, actor, element_id)
    uow.commit()
    return _sent(actor, delivery)


@blueprint.route(f"{_HOOK}/replay", methods=["POST"])
@signed_in(Permission.READ_WEBHOOK, Permission.UPDATE_WEBHOOK)
@blueprint.arguments(ReplaySchema)
@blueprint.response(202, TaskSchema)
def replay(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
    """Deliver what has happened once more, as far back as events are kept, in a task."""
    attempts = platform().settings.task_max_attempts
    task = webhook_log.replay(uow, actor, element_id, values.get("since"), values.get("since_id"), attempts)
    uow.commit()
    return accepted(uow, actor, task, show_task)


@blueprint.route(f"{_HOOK}/rotate-secret", methods=["POST"])
@signed_in(Permission.READ_WEBHOOK, Permission.UPDATE_WEBHOOK)
@blueprint.arguments(RotateSchema)
@blueprint.response(200, SecretSchema)
def rotate(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
    """Sign with another secret, which is shown this once; for a while, the one before signs too."""
    hook = WEBHOOKS.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    secret = rotate_secret(uow, actor, hook, values.get("secret_token"), values["overlap_seconds"])
    uow.commit()
    answer = jsonify({"secretToken": secret})
    answer.cache_control.no_store = True
    return answer


def _read_state() -> DeliveryState | None:
    text = request.args.get("state")
    if text is not None and text not in _STATES:
        raise InvalidInput(f"state: unknown state '{printable(text)}'; known: {', '.join(_STATES)}")
    return None if text is None else DeliveryState(text)


def _sent(actor: Actor, delivery: WebhookDelivery) -> Response:
    answer = jsonify(_whole(actor, delivery))
    answer.status_code = 202
    answer.headers["Location"] = f"{PREFIX}/webhooks/{delivery.webhook_id}/deliveries/{delivery.id}"
    return answer


def _whole(actor: Actor, delivery: WebhookDelivery) -> Values:
    is_heard = bool(webhook_log.heard(platform().reading, actor, [delivery]))
    body = _body(delivery, is_heard=is_heard)
    return {**body, "payload": orjson.loads(delivery.body)} if is_heard else body


def _body(delivery: WebhookDelivery, *, is_heard: bool) -> Values:
    names = ("id", "state", "created", "finished", "due") + (
        ("type", "event_id", "subject_id", "trace_id") if is_heard else ()
    )
    told = {name: getattr(delivery, name) for name in names}
    attempts = delivery.log if is_heard else [{**each, "response": None} for each in delivery.log]
    shown = {**told, "attempt_count": delivery.attempts}
    shown = {name: value for name, value in shown.items() if value is not None}
    return {**_BODY.dump(shown), "attempts": [{k: v for k, v in each.items() if v is not None} for each in attempts]}
