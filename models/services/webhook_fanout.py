"""From the log of events to deliveries: each event once for each webhook that asks for it and may hear of it.

Where the log was read to is written together with the deliveries, so whatever dies, none is left out or made twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.exc import DataError, SQLAlchemyError

from models.entities import Asset, Webhook
from models.errors import LoomError
from models.ids import new_id_text
from models.logs import get_logger
from models.messages import Queue
from models.permissions import Actor, Entity
from models.services.audiences import Begin, audible
from models.services.credentials import actor_of_task
from models.services.event_log import last_position, read_events, reader_position, store_position
from models.services.frames import Frame, make_frame
from models.services.visibility import in_collections, in_libraries
from models.services.webhooks import trigger_of
from models.unit_of_work import UnitOfWork, as_rows

READER = "webhooks"
PAYLOAD_VERSION = 1
_EVENTS = 500
_MOST_WAKES = 16

logger = get_logger(__name__)

_INSERT = """
    INSERT INTO webhook_delivery (id, webhook_id, event_id, type, subject_id, body, trace_id)
    SELECT id, webhook_id, event_id, type, subject_id, body, trace_id FROM json_to_recordset(CAST(:rows AS json))
        AS new (id uuid, webhook_id uuid, event_id bigint, type text, subject_id uuid, body text, trace_id text)
"""
_ONCE = f"{_INSERT} ON CONFLICT (webhook_id, event_id) DO NOTHING"
_AGAIN = f"""{_INSERT} ON CONFLICT (webhook_id, event_id) DO UPDATE
    SET state = 'PENDING', attempts = 0, due = now(), finished = NULL, lease = NULL"""  # noqa: S608 - a constant

_UNTOLD = """
    INSERT INTO webhook_delivery
        (id, webhook_id, event_id, type, subject_id, body, trace_id, state, due, finished, log)
    VALUES (CAST(:id AS uuid), :hook, :event, :type, CAST(:subject AS uuid), :body, :trace, 'FAILED', NULL, now(),
        jsonb_build_array(jsonb_build_object(
            'at', now(), 'durationMs', 0, 'error', 'Loom could not tell of this event')))
    ON CONFLICT (webhook_id, event_id) DO NOTHING
"""


class Turn(Enum):
    """How a look at the log has ended."""

    NO_WEBHOOKS = auto()
    DONE = auto()
    """For now; or somebody else is at it."""
    MORE = auto()
    """There may be more events at once."""


def fan_out(uow: UnitOfWork, begin: Begin) -> Turn:
    """Make the deliveries of the next events, unless somebody else does so now."""
    if not uow.try_lock(READER):
        return Turn.DONE
    # What is behind this place may be about a webhook that was made after all were read, and is left for the next turn.
    position, last = reader_position(uow, READER), last_position(uow)
    hooks = _hooks(uow)
    if not hooks:
        if last != position:
            store_position(uow, READER, last)
        return Turn.NO_WEBHOOKS
    events = [event for event in read_events(uow, position, _EVENTS) if event.position <= last]
    if not events:
        return Turn.DONE
    frames: dict[UUID, list[Frame]] = defaultdict(list)
    for event in events:
        frames[event.space_id].append(make_frame(event))
    count = sum(_deliver_rest(uow, begin, hook, frames[hook.space_id]) for hook in hooks if hook.space_id in frames)
    store_position(uow, READER, events[-1].position)
    if count:
        uow.wake(Queue.WEBHOOKS, min(count, _MOST_WAKES))
    return Turn.MORE if len(events) == _EVENTS else Turn.DONE


def _hooks(uow: UnitOfWork) -> Sequence[Webhook]:
    return uow.session.execute(select(Webhook).where(Webhook.active).order_by(Webhook.id)).scalars().all()


def _deliver_rest(uow: UnitOfWork, begin: Begin, hook: Webhook, frames: Sequence[Frame]) -> int:
    """Make deliveries of all events of which they can be made; gives how many.

    Of one that cannot be told, by a mistake of ours, there is a delivery that has failed: neither other events nor
    other webhooks wait for somebody to mend it.
    """
    try:
        with uow.savepoint():
            return deliver(uow, begin, hook, frames)
    except Exception as error:
        if isinstance(error, LoomError) or (isinstance(error, SQLAlchemyError) and not isinstance(error, DataError)):
            raise  # trouble of the moment: a database that is away or busy, a webhook that has just been deleted
        if len(frames) > 1:
            half = len(frames) // 2
            return sum(_deliver_rest(uow, begin, hook, part) for part in (frames[:half], frames[half:]))
        (frame,) = frames
        logger.exception("an event cannot be told", webhook=str(hook.id), event_id=frame["id"])
        uow.execute(
            _UNTOLD, id=new_id_text(), hook=hook.id, event=frame["id"], type=frame["type"], subject=frame["uuid"],
            body=make_body(frame["type"], frame["id"], frame["timestamp"], frame["space"], frame["uuid"], {}),
            trace=frame.get("traceId"),
        )  # fmt: skip
        return 0


def deliver(uow: UnitOfWork, begin: Begin, hook: Webhook, frames: Iterable[Frame], *, is_again: bool = False) -> int:
    """Make deliveries of those of the events of its space that a webhook asks for and may hear of; gives how many.

    `is_again`: those that it has had before, too.
    """
    asked = [frame for frame in frames if not hook.triggers or trigger_of(frame["type"]) in hook.triggers]
    actor = _listener(uow, hook) if asked else None
    if actor is None:
        return 0
    chosen = _within(uow, hook, audible(begin, actor, asked))
    if chosen:
        uow.execute(_AGAIN if is_again else _ONCE, rows=as_rows([_row(hook, frame) for frame in chosen]))
    return len(chosen)


def _listener(uow: UnitOfWork, hook: Webhook) -> Actor | None:
    """Give in whose name a webhook listens, as they are now."""
    try:
        return actor_of_task(uow, hook.space_id, hook.editor_id, hook.token_id)
    except LoomError as error:
        logger.warning("a webhook rests: who set it last is gone", webhook=str(hook.id), reason=error.code)
        return None


def _within(uow: UnitOfWork, hook: Webhook, frames: Sequence[Frame]) -> list[Frame]:
    """Keep to the libraries and collections that a webhook is for, if it is for some only."""
    if not hook.library_ids and not hook.collection_ids:
        return list(frames)
    inside = _assets_within(uow, hook, {found for frame in frames if (found := _asset_of(frame))})
    own = {str(each) for each in (*hook.library_ids, *hook.collection_ids)}
    return [
        frame for frame in frames
        if _asset_of(frame) in inside
        or frame["uuid"] in own
        or own.intersection(frame["data"].get("_libraries", ()))
        or own.intersection(frame["data"].get("_collections", ()))
    ]  # fmt: skip


def _asset_of(frame: Frame) -> str | None:
    found: str | None = frame["uuid"] if frame["channel"] == Entity.ASSET else frame["data"].get("assetUuid")
    return found


def _assets_within(uow: UnitOfWork, hook: Webhook, asset_ids: set[str]) -> set[str]:
    found: set[str] = set()
    for ids, condition in ((hook.library_ids, in_libraries), (hook.collection_ids, in_collections)):
        if ids and asset_ids:
            query = select(Asset.id).where(Asset.id.in_(map(UUID, asset_ids)), condition(Asset.id, frozenset(ids)))
            found.update(map(str, uow.session.execute(query).scalars()))
    return found


def _row(hook: Webhook, frame: Frame) -> dict[str, Any]:
    data = {name: value for name, value in frame["data"].items() if not name.startswith("_")}
    return {
        "id": new_id_text(), "webhook_id": hook.id, "event_id": frame["id"], "type": frame["type"],
        "subject_id": frame["uuid"], "trace_id": frame.get("traceId"),
        "body": make_body(frame["type"], frame["id"], frame["timestamp"], frame["space"], frame["uuid"], data),
    }  # fmt: skip


def make_body(
    kind: str, event_id: int | None, timestamp_ms: int, space: str, subject: str, data: dict[str, Any]
) -> str:
    """Spell what is sent; the same bytes at every attempt."""
    moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    told = {
        "type": kind, "timestamp": moment, "event": trigger_of(kind), "id": event_id,
        "version": PAYLOAD_VERSION, "spaceUuid": space, "uuid": subject, "data": data,
    }  # fmt: skip
    return orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()
