"""The WebSocket of live events: `/pipelines/events/ws`, also `/events/ws`. Server to client only.

Query: `token` (or the Authorization header, or the cookie), `space` (or the header X-Loom-Space), and
`since` (the `id` of the last event that the client has
seen; all later ones are sent first, 0 for all that are kept). `pipeline` (a name), `run` and `item` (uuids) keep to
what happens to those runs. A frame `stream.joined` says that the client has all that
came before and will hear all that comes after.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from threading import Lock
from typing import Any

from flask import Blueprint, Flask, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server
from wsproto.utilities import ProtocolError

from models.errors import Gone, InvalidInput, LoomError, Unauthorized
from web.auth import open_to_all
from web.blueprints import PREFIX
from web.hub import Hub
from web.listening import Listening, find_since, find_wanted
from web.state import platform, state
from web.subscribers import Subscriber

_PING_SECONDS = 25
_LONGEST_MESSAGE = 4096
_TAKE_SECONDS = 1.0
_BREATH_SECONDS = 0.1
"""At most so often is something sent to one client: under load, many events share one system call."""
_SEND_SECONDS = 30
"""A client that takes none of its data for so long is given up."""
GOING_AWAY = 1001
TRY_AGAIN = 1013
BAD_REQUEST = 4400
UNAUTHORIZED = 4401
TOO_SLOW = 4408
GONE = 4410


class _Refused(Exception):
    """The connection ends, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _SharedSocket:
    """A socket on which two may write: this module its events, simple-websocket its pings and answers to pings.

    Without the lock one could write into the middle of the other's frame.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._lock = Lock()
        self.send = self.sendall

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def sendall(self, data: bytes) -> None:
        """Write all of it before anybody else writes."""
        with self._lock:
            self._inner.sendall(data)


def add_live_events(app: Flask) -> None:
    """Serve the WebSocket."""
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": _PING_SECONDS, "max_message_size": _LONGEST_MESSAGE}
    blueprint = Blueprint("live", __name__, url_prefix=PREFIX)
    Sock(app).route("/pipelines/events/ws", bp=blueprint)(serve_events)
    app.register_blueprint(blueprint)
    endpoint = f"{blueprint.name}.{serve_events.__name__}"
    app.view_functions[endpoint] = _refuse_bad_handshakes(app.view_functions[endpoint])


def _refuse_bad_handshakes(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a request that asks for a WebSocket without saying how; flask-sock greets before it calls us."""

    @wraps(view)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        try:
            return view(*arguments, **named)
        except (ProtocolError, ConnectionError):
            raise InvalidInput("This is not the handshake of a WebSocket", code="bad-handshake") from None

    return wrapper


@open_to_all
def serve_events(connection: Server) -> None:
    """Send events until one side has had enough."""
    connection.sock.settimeout(_SEND_SECONDS)
    connection.sock = _SharedSocket(connection.sock)
    try:
        _Session(connection, state().hub).run()
    except _Refused as refusal:
        _close(connection, refusal.code, refusal.reason)
    except Unauthorized as error:
        _close(connection, UNAUTHORIZED, error.message)
    except InvalidInput as error:
        _close(connection, BAD_REQUEST, error.message)
    except Gone as error:
        _close(connection, GONE, error.message)
    except LoomError as error:
        _close(connection, TRY_AGAIN, error.message)
    except (OSError, ConnectionClosed):
        return


def _close(connection: Server, code: int, reason: str) -> None:
    with suppress(OSError, ConnectionClosed):
        connection.close(code, reason)


class _Session:
    """One client."""

    def __init__(self, connection: Server, hub: Hub) -> None:
        self._connection = connection
        self._hub = hub
        self._listening = Listening(platform(), hub)

    def run(self) -> None:
        """Bring the client up to now, then send what comes."""
        subscriber = Subscriber(self._listening.check(), find_wanted())
        position = find_since(self._hub, request.args.get("since"))
        try:
            for data in self._listening.replay(subscriber, position):
                self._send(data)
            while self._connection.connected:
                self._serve(subscriber)
        finally:
            self._hub.leave(subscriber)

    def _serve(self, subscriber: Subscriber) -> None:
        self._send(subscriber.take(_TAKE_SECONDS))
        if subscriber.is_lost:
            raise _Refused(TOO_SLOW, "too slow; come back with since")
        if subscriber.is_ended:
            raise _Refused(GOING_AWAY, "the server stops")
        self._listening.keep_up(subscriber)
        self._connection.input_buffer.clear()
        time.sleep(_BREATH_SECONDS)

    def _send(self, data: bytes) -> None:
        if data:
            self._connection.sock.sendall(data)
