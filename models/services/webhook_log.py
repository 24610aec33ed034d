"""What webhooks were told, to be looked at and told again.

Who sees a webhook sees how its deliveries went; what they were about, and what was answered, only who may hear of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from models.entities import DeliveryState, Task, Webhook, WebhookDelivery
from models.errors import InvalidInput, NotFound
from models.ids import new_id
from models.messages import REPLAY_WEBHOOK, Queue
from models.payloads import ReplayWebhook
from models.permissions import Actor, Verb
from models.services import tasks
from models.services.audiences import Begin, audible
from models.services.counting import Total, count_some, total_of
from models.services.event_log import position_of
from models.services.frames import Frame, frame_of
from models.services.webhook_fanout import make_body
from models.services.webhooks import WEBHOOKS
from models.tracing import current_trace
from models.unit_of_work import UnitOfWork

PING = "webhook.ping"


def list_deliveries(
    uow: UnitOfWork, actor: Actor, hook_id: UUID, state: DeliveryState | None, limit: int, after: UUID | None
) -> tuple[Sequence[WebhookDelivery], Total]:
    """Page through the deliveries of a webhook, the newest first.

    Raises:
        NotFound: when the actor sees no such webhook.
    """
    WEBHOOKS.get(uow, actor, hook_id)
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == hook_id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    everything = query.with_only_columns(WebhookDelivery.id)
    if after is not None:
        query = query.where(WebhookDelivery.id < after)
    rows = uow.session.execute(query.order_by(WebhookDelivery.id.desc()).limit(limit)).scalars().all()
    counted: Any = uow.session.execute(select(count_some(everything))).scalar_one()
    return rows, total_of(uow, everything, counted)


def get_delivery(
    uow: UnitOfWork, actor: Actor, hook_id: UUID, delivery_id: UUID, verb: Verb = Verb.READ
) -> WebhookDelivery:  # fmt: skip
    """Give a delivery of a webhook that the actor may do that with.

    Raises:
        NotFound: when there is none.
        Forbidden: when they see the webhook, but may not do that with it.
    """
    WEBHOOKS.get(uow, actor, hook_id, verb)
    query = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == hook_id)
    if verb is not Verb.READ:
        query = query.with_for_update()
    delivery = uow.session.execute(query).scalar_one_or_none()
    if delivery is None:
        raise NotFound(f"Cannot find delivery with uuid '{delivery_id}'")
    return delivery


def heard(begin: Begin, actor: Actor, deliveries: Sequence[WebhookDelivery]) -> set[UUID]:
    """Tell which deliveries are about what the actor may hear of."""
    frames = {each.id: _frame(each) for each in deliveries}
    audible_ids = {id(frame) for frame in audible(begin, actor, list(frames.values()))}
    return {delivery_id for delivery_id, frame in frames.items() if id(frame) in audible_ids}


def _frame(delivery: WebhookDelivery) -> Frame:
    told = orjson.loads(delivery.body)
    return frame_of(delivery.type, UUID(told["spaceUuid"]), delivery.subject_id, 0, told["data"])


def resend(uow: UnitOfWork, delivery: WebhookDelivery) -> None:
    """Send a delivery, which must be locked, once more, as soon as can be, and as often as a new one."""
    delivery.state, delivery.due, delivery.finished = DeliveryState.PENDING, datetime.now(UTC), None
    delivery.attempts, delivery.lease = 0, None
    _open(uow, delivery.webhook_id)


def ping(uow: UnitOfWork, actor: Actor, hook_id: UUID) -> WebhookDelivery:
    """Send something that is no event, to see whether the address takes it. The caller commits.

    Raises:
        NotFound: when the actor sees no such webhook.
        Forbidden: when they may not change it.
        InvalidInput: when it is not active.
    """
    hook = _active(uow, actor, hook_id)
    body = make_body(PING, None, round(time.time() * 1000), str(hook.space_id), str(hook.id), {})
    delivery = WebhookDelivery(
        id=new_id(), webhook_id=hook.id, type=PING, subject_id=hook.id, body=body, state=DeliveryState.PENDING,
        attempts=0, log=[], trace_id=current_trace(),
    )  # fmt: skip
    uow.session.add(delivery)
    _open(uow, hook.id)
    uow.session.refresh(delivery)
    return delivery


def replay(
    uow: UnitOfWork, actor: Actor, hook_id: UUID, since: datetime | None, since_id: int | None, max_attempts: int
) -> Task:
    """Ask for all events since then, or behind that one, to be delivered again; raises as `ping` does.

    Raises:
        InvalidInput: also when that event is not kept any more.
    """
    hook = _active(uow, actor, hook_id)
    if since_id is not None and position_of(uow, since_id) is None:
        raise InvalidInput("sinceId: the event is not kept any more", code="event-gone")
    payload = ReplayWebhook(webhook_uuid=hook.id, since=since, since_id=since_id)
    return tasks.submit(
        uow, REPLAY_WEBHOOK, payload, space_id=actor.space_id, title="Deliver events again", actor=actor,
        max_attempts=max_attempts, subject_id=hook.id,
    )  # fmt: skip


def _active(uow: UnitOfWork, actor: Actor, hook_id: UUID) -> Webhook:
    hook = WEBHOOKS.get(uow, actor, hook_id, Verb.UPDATE)
    if not hook.active:
        raise InvalidInput("The webhook is not active", code="not-active")
    return hook


def _open(uow: UnitOfWork, hook_id: UUID) -> None:
    """Somebody wants to know now: the breaker closes for one attempt."""
    uow.session.flush()
    uow.execute("UPDATE webhook SET open_until = NULL WHERE id = :id", id=hook_id)
    uow.wake(Queue.WEBHOOKS)
