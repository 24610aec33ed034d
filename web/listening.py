"""Who listens to live events, by a WebSocket or a stream: who they are now, and from where on they want to hear."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

from flask import request

from models.errors import Gone, InvalidInput, NotFound, Unauthorized
from models.ids import parse_uuid
from models.permissions import Actor
from models.services.event_log import Position
from models.wiring import Platform
from web.auth import authenticate, find_credential, find_space
from web.hub import PAGE, Hub
from web.subscribers import Subscriber, Wanted

_RECHECK_SECONDS = 60


class Listening:
    """One listener. It is made of the request at hand, and needs it no more then."""

    def __init__(self, platform: Platform, hub: Hub) -> None:
        """Read the request.

        Raises:
            Unauthorized: when it has no credential.
            InvalidInput: when the space is no UUID.
        """
        self._platform = platform
        self._hub = hub
        self._credential = _find_token()
        self._space = _find_space()
        self._checked = 0.0

    def check(self) -> Actor:
        """Give whom the credential speaks for now.

        Raises:
            Unauthorized: when it does not count any more, or not for that space.
        """
        self._checked = time.monotonic()
        try:
            with self._platform.reading() as uow:
                return authenticate(uow, self._credential, self._space)
        except (Unauthorized, NotFound):
            raise Unauthorized("invalid token") from None

    def keep_up(self, subscriber: Subscriber) -> None:
        """Look again who listens, when there is a reason to, and now and then; raises as `check`."""
        if subscriber.must_recheck or time.monotonic() - self._checked > _RECHECK_SECONDS:
            subscriber.must_recheck = False
            subscriber.actor = self.check()

    def replay(self, subscriber: Subscriber, position: Position | None) -> Iterator[bytes]:
        """Yield all that was missed since a position, then that they have joined."""
        while position is not None:
            events = self._hub.read_since(position)
            if len(events) < PAGE:
                break
            yield self._hub.encode_all(events, subscriber)
            position = events[-1].position
        yield self._hub.join(subscriber, position)


def find_since(hub: Hub, text: str | None) -> Position | None:
    """Read the id of the last event that somebody has seen; None: they want to hear of what comes.

    Raises:
        InvalidInput: when it is no such id.
        Gone: when the events since then are not kept any more.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < len(str(2**63))):
        raise InvalidInput("since is not the id of an event")
    position = hub.find_position(int(text))
    if position is None:
        raise Gone("the events since then are not kept any more")
    return position


def find_wanted() -> Wanted:
    """Read which runs of pipelines the request at hand is about, if not about everything."""
    asked = {name: request.args.get(name) or None for name in ("pipeline", "run", "item")}
    return Wanted(**asked)


def _find_token() -> str:
    try:
        return request.args.get("token") or find_credential()
    except Unauthorized:
        raise Unauthorized("missing token") from None


def _find_space() -> UUID | None:
    text = request.args.get("space")
    try:
        return parse_uuid(text) if text else find_space()
    except InvalidInput:
        raise InvalidInput("space is not a UUID") from None
