"""What has happened, as a list to read on from, and as a stream of server-sent events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import fields

from models.bodies.fields import AnswerSchema
from models.errors import InvalidInput, LoomError
from models.ids import parse_uuid
from models.permissions import Actor
from models.services.event_list import Sought, list_events
from models.services.event_log import Position
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe, query
from web.hub import Hub
from web.listening import Listening, find_since, find_wanted
from web.pagination import DEFAULT_LIMIT, MOST, read_limit
from web.state import platform, state
from web.subscribers import Subscriber, server_sent

_STREAM = "text/event-stream"
_TAKE_SECONDS = 1.0
_BREATH_SECONDS = 0.1
_SILENCE_SECONDS = 15.0
"""After so long without anything a comment is sent, so that nobody on the way takes the connection for dead."""
blueprint = LoomBlueprint("events", "What has happened, and what happens")


class EventActorSchema(AnswerSchema):
    """A user; nobody where Loom did it by itself."""

    user_id = fields.UUID(data_key="uuid")
    name = fields.String()


class EventSchema(AnswerSchema):
    """Something that happened. Runs of pipelines are told of at one level, without a channel."""

    id = fields.Integer()
    channel = fields.String(metadata={"description": "The kind of element"})
    type = fields.String()
    subject_id = fields.UUID(data_key="uuid")
    space = fields.UUID()
    timestamp = fields.Integer(metadata={"description": "Milliseconds since 1970"})
    data = fields.Dict()
    trace_id = fields.String(
        data_key="traceId", metadata={"description": "Of the request that set it going, if one did"}
    )
    actor = fields.Nested(
        EventActorSchema, metadata={"description": "Who did it, in a list, for those who may read users"}
    )


class EventListSchema(AnswerSchema):
    """Events, the oldest first."""

    data = fields.List(fields.Nested(EventSchema))
    last_id = fields.Integer(data_key="lastId", metadata={"description": "Pass it as `since` to go on"})


def _or_stream(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Let a client that accepts `text/event-stream` hear what happens, until one side has had enough."""

    @wraps(view)
    def wrapper(*arguments: Any, **named: Any) -> ResponseReturnValue:
        if _STREAM not in request.headers.get("Accept", ""):
            return view(*arguments, **named)
        hub = state().hub
        listening = Listening(platform(), hub)
        subscriber = Subscriber(listening.check(), find_wanted(), server_sent)
        position = find_since(hub, request.headers.get("Last-Event-ID") or request.args.get("since"))
        answer = Response(_stream(hub, listening, subscriber, position), mimetype=_STREAM)
        answer.cache_control.no_store = True
        answer.headers["X-Accel-Buffering"] = "no"  # nginx would hold back what is short
        return answer

    return wrapper


@blueprint.route("/events", methods=["GET"])
@describe(
    "List what has happened, the oldest first; or hear what happens, as server-sent events (Accept: text/event-stream)",
    query("since", "integer", "Begin behind the event of this id, as Last-Event-ID does; 0: with all that are kept",
          minimum=0),
    query("limit", "integer", f"Of a list: events at most, up to {MOST}", default=DEFAULT_LIMIT, minimum=1),
    query("type", "string", "Of a list: only events of this type, such as asset.created; may be repeated"),
    query("uuid", "string", "Of a list: only events about this element", format="uuid"),
    query("actor", "string", "Of a list: only what this user did; needs READ_USER", format="uuid"),
    query("pipeline", "string", "Of a stream: only runs of the pipeline of this name"),
    query("run", "string", "Of a stream: only this run", format="uuid"),
    query("item", "string", "Of a stream: only this item of a run", format="uuid"),
    query("token", "string", "Of a stream: login token or API key, where no header can be sent"),
)  # fmt: skip
@_or_stream
@signed_in()
@blueprint.response(200, EventListSchema)
def read_log(uow: UnitOfWork, actor: Actor) -> Response:
    """Give the next events behind one of them."""
    after = find_since(state().hub, request.args.get("since")) or Position()
    sought = Sought(frozenset(request.args.getlist("type")), _read_id("uuid"), _read_id("actor"))
    found, last_id = list_events(uow, platform().reading, actor, after, sought, read_limit())
    return jsonify(data=found, lastId=last_id)


def _read_id(name: str) -> UUID | None:
    text = request.args.get(name)
    try:
        return parse_uuid(text) if text else None
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from None


def _stream(hub: Hub, listening: Listening, subscriber: Subscriber, position: Position | None) -> Iterator[Any]:
    """Yield what was missed, then what comes, until the client is too slow, may not hear it, or the server stops."""
    yield b": welcome\n\n"
    try:
        yield from listening.replay(subscriber, position)
        spoke = time.monotonic()
        while not subscriber.is_lost and not subscriber.is_ended:
            data = subscriber.take(_TAKE_SECONDS)
            if not data and time.monotonic() - spoke > _SILENCE_SECONDS:
                data = b": still here\n\n"
            if data:
                spoke = time.monotonic()
                yield data
            listening.keep_up(subscriber)
            time.sleep(_BREATH_SECONDS)
    except LoomError:
        return  # the client comes back, and is told then
    finally:
        hub.leave(subscriber)
