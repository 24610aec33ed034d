"""The live events of one web process: one subscription, any number of listeners, nothing missed, nothing twice.

Frames come from the relay through the bus, which may lose some. Each carries the position before it and behind it, so
the hub sees a gap at once and reads it from the log in PostgreSQL. All its listeners are at the hub's own position;
one that joins further back is brought up to it under the hub's lock (`join`).

Works alike with threads and with gevent's greenlets, which `threading` means under gunicorn.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, RLock, Thread
from typing import Any
from uuid import UUID

from models.entities import TaskState
from models.errors import Unavailable
from models.events import POLICY_CHANGED, TASK_UPDATED, TOKEN_DELETED, TOKEN_UPDATED
from models.logs import get_logger
from models.services.audiences import audible, is_personal
from models.services.event_log import LoggedEvent, Position, last_position, position_of, read_events
from models.services.frames import Frame, joined_frame, make_frame, public_frame
from models.wiring import Platform
from web.subscribers import Encode, Subscriber

_SILENCE_SECONDS = 1.0
"""How long the bus may be silent before the log is looked at."""
_PATIENCE_SECONDS = 5.0
_REST_SECONDS = 0.5
_ABOUT_RIGHTS = frozenset({POLICY_CHANGED, TOKEN_UPDATED, TOKEN_DELETED})
"""After these, listeners of the space look again who they speak for."""
PAGE = 500

logger = get_logger(__name__)


class Hub:
    """Hands events on to those who listen, and wakes those who wait for a task."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._lock = RLock()
        self._subscribers: set[Subscriber] = set()
        self._bells: dict[str, list[Event]] = defaultdict(list)
        self._position = Position()
        self._thread: Thread | None = None
        self._ready = Event()
        self._closing = False

    def join(self, subscriber: Subscriber, after: Position | None) -> bytes:
        """Let somebody listen from now on. Gives what they missed since `after` (None: nothing) and that they joined.

        Whoever is far behind reads most of it before, see `read_since`.
        """
        self._start()
        if not self._ready.wait(_PATIENCE_SECONDS):
            raise Unavailable("Live events are not available now")
        with self._lock:
            self._catch_up()
            missed = [] if after is None else list(self._read_until(after, self._position))
            self._subscribers.add(subscriber)
            joined = joined_frame(self._position)
        return self.encode_all(missed, subscriber) + subscriber.encode(joined)

    def leave(self, subscriber: Subscriber) -> None:
        """Let somebody listen no more."""
        with self._lock:
            self._subscribers.discard(subscriber)

    def find_position(self, event_id: int) -> Position | None:
        """Find the place behind an event; None when the log does not go back that far."""
        if event_id == 0:
            return Position()
        with self._platform.reading() as uow:
            return position_of(uow, event_id)

    def read_since(self, position: Position) -> Sequence[LoggedEvent]:
        """Read some of the events behind a place."""
        with self._platform.reading() as uow:
            return read_events(uow, position, PAGE)

    def wait_for_task(self, task_id: UUID, seconds: float) -> bool:
        """Wait until a task has ended, at most so long; tells whether it has. No connection is held meanwhile."""
        self._start()
        deadline = time.monotonic() + seconds
        with self._bell(str(task_id)) as bell:
            while not self._has_ended(task_id):
                left = deadline - time.monotonic()
                if left <= 0 or self._closing:
                    return False
                bell.wait(min(left, _SILENCE_SECONDS))
                bell.clear()
        return True

    def close(self) -> None:
        """Let everybody go; the server is about to stop."""
        self._closing = True
        with self._lock:
            for subscriber in self._subscribers:
                subscriber.end()
            self._ring_all()
        if self._thread:
            self._thread.join(2 * _SILENCE_SECONDS)

    @contextmanager
    def _bell(self, task_id: str) -> Iterator[Event]:
        bell = Event()
        with self._lock:
            self._bells[task_id].append(bell)
        try:
            yield bell
        finally:
            with self._lock:
                self._bells[task_id].remove(bell)
                if not self._bells[task_id]:
                    del self._bells[task_id]

    def _has_ended(self, task_id: UUID) -> bool:
        with self._platform.reading() as uow:
            rows = uow.fetch("SELECT state FROM task WHERE id = %(id)s", id=task_id)
        return not rows or TaskState(rows[0][0]).is_final

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="live-events", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        for message in self._platform.bus.listen(_SILENCE_SECONDS):
            if self._closing:
                return
            try:
                self._handle(message)
            except Exception as error:  # noqa: BLE001 - the hub outlives every trouble of the database
                logger.warning("live events are late", reason=str(error))
                time.sleep(_REST_SECONDS)

    def _handle(self, message: dict[str, Any] | None) -> None:
        with self._lock:
            if not self._ready.is_set():
                self._begin()
            elif message is None:
                self._catch_up()
            elif "last" in message:
                self._take_over(Position(*message["prev"]), Position(*message["last"]), message["events"])
            else:
                self._deliver(message["events"])

    def _begin(self) -> None:
        with self._platform.reading() as uow:
            self._position = last_position(uow)
        self._ready.set()

    def _take_over(self, before: Position, last: Position, frames: Sequence[Frame] | None) -> None:
        """Hand on what the relay has published, unless something before it is missing or all of it is known.

        No frames: there were so many that only those who have listeners shall read them.
        """
        if last <= self._position:
            return
        if frames is None and not self._subscribers:
            self._position = last
            self._ring_all()
        elif frames is None or before != self._position:
            self._catch_up()
        else:
            self._position = last
            self._deliver(frames)

    def _catch_up(self) -> None:
        """Hand on all that the log has behind the hub's position."""
        while events := self.read_since(self._position):
            self._position = events[-1].position
            self._deliver([make_frame(event) for event in events])
            if len(events) < PAGE:
                return

    def _read_until(self, after: Position, until: Position) -> Iterator[LoggedEvent]:
        while after < until and (events := self.read_since(after)):
            yield from (event for event in events if event.position <= until)
            after = events[-1].position

    def _deliver(self, frames: Sequence[Frame]) -> None:
        """Put frames before those who may hear of them, encoded once for all, and chosen once for all alike."""
        for frame in frames:
            self._ring(frame)
        if not self._subscribers:
            return
        encoded: dict[tuple[Encode, int], bytes] = {}
        for listeners in self._audiences(frames).values():
            actor, encode = listeners[0].actor, listeners[0].encode
            space = str(actor.space_id)
            heard = audible(self._platform.reading, actor, [frame for frame in frames if frame["space"] == space])
            payload = b"".join(_encode_once(encoded, encode, frame) for frame in heard)
            for subscriber in listeners if heard else ():
                if subscriber.wanted.is_all:
                    subscriber.put(payload, len(heard))
                elif few := [frame for frame in heard if subscriber.wanted.takes(frame)]:
                    subscriber.put(b"".join(_encode_once(encoded, encode, frame) for frame in few), len(few))
        self._recheck({frame["space"] for frame in frames if frame["type"] in _ABOUT_RIGHTS})

    def _audiences(self, frames: Sequence[Frame]) -> dict[Any, list[Subscriber]]:
        """Sort the listeners by what they may do, so that what they may hear is found out once for all alike.

        Who they are matters only for what may be their own.
        """
        is_own = any(is_personal(frame) for frame in frames)
        audiences: dict[Any, list[Subscriber]] = defaultdict(list)
        for subscriber in self._subscribers:
            actor = subscriber.actor
            who = (actor.user_id, actor.token_id) if is_own else ()
            audiences[actor.space_id, actor.grants, who, subscriber.encode].append(subscriber)
        return audiences

    def _recheck(self, spaces: set[str]) -> None:
        for subscriber in self._subscribers:
            if str(subscriber.actor.space_id) in spaces:
                subscriber.recheck()

    def encode_all(self, events: Iterable[LoggedEvent], subscriber: Subscriber) -> bytes:
        """Encode those events that a listener may hear of and wants to."""
        actor = subscriber.actor
        frames = [make_frame(event) for event in events if event.space_id == actor.space_id]
        wanted = [frame for frame in frames if subscriber.wanted.takes(frame)]
        heard = audible(self._platform.reading, actor, wanted)
        return b"".join(subscriber.encode(public_frame(frame)) for frame in heard)

    def _ring_all(self) -> None:
        for bell in [bell for bells in self._bells.values() for bell in bells]:
            bell.set()

    def _ring(self, frame: Frame) -> None:
        if frame["type"] == TASK_UPDATED and frame["uuid"] in self._bells:
            for bell in self._bells[frame["uuid"]]:
                bell.set()


def _encode_once(encoded: dict[tuple[Encode, int], bytes], encode: Encode, frame: Frame) -> bytes:
    known = encoded.get((encode, id(frame)))
    if known is None:
        known = encoded[encode, id(frame)] = encode(public_frame(frame))
    return known
