"""One listener of live events: what waits to be sent to it, never more than it may lag behind."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import orjson

from models.permissions import Actor
from models.services.frames import Frame

MOST_WAITING = 1024
_TEXT_FRAME = 0x81
_SHORT = 126
_MEDIUM = 1 << 16


def encode_text(text: bytes) -> bytes:
    """Make the WebSocket frame of a text: a server's frames are the same bytes for every client.

    Source: RFC 6455, section 5.2.
    """
    size = len(text)
    if size < _SHORT:
        return struct.pack("!BB", _TEXT_FRAME, size) + text
    if size < _MEDIUM:
        return struct.pack("!BBH", _TEXT_FRAME, 126, size) + text
    return struct.pack("!BBQ", _TEXT_FRAME, 127, size) + text


def socket_text(frame: Frame) -> bytes:
    """Spell a frame for a WebSocket."""
    return encode_text(orjson.dumps(frame))


def server_sent(frame: Frame) -> bytes:
    """Spell a frame as a server-sent event: one line of data, and the id by which a client goes on.

    Source: the HTML standard, section "Server-sent events".
    """
    number = b"id: %d\n" % frame["id"] if "id" in frame else b""
    return b"%sdata: %s\n\n" % (number, orjson.dumps(frame))


Encode = Callable[[Frame], bytes]


@dataclass(frozen=True)
class Wanted:
    """What a listener wants to hear of: all, or what happens to some runs of pipelines."""

    pipeline: str | None = None
    run: str | None = None
    item: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Wanted()

    def takes(self, frame: Frame) -> bool:
        """Whether a frame is wanted. Who wants runs hears of nothing else; all that is said must hold."""
        data = frame["data"]
        return self.is_all or (
            frame["channel"] == "PIPELINE_RUN"
            and self.pipeline in {None, data.get("pipelineName")}
            and self.run in {None, frame["uuid"]}
            and self.item in {None, data.get("itemUuid")}
        )


class Subscriber:
    """Bytes on their way to one client. The hub puts, the client's own thread or greenlet takes."""

    def __init__(self, actor: Actor, wanted: Wanted | None = None, encode: Encode = socket_text) -> None:
        self.actor = actor
        self.encode = encode
        self.wanted = wanted or Wanted()
        self.must_recheck = False
        """What its user may do has changed, or whether they may sign in at all."""
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._count = 0
        self._bell = Event()
        self.is_lost = False
        """It lagged too far behind and gets nothing more: it has to come back and say since when."""
        self.is_ended = False
        """The server is about to stop."""

    def put(self, data: bytes, count: int) -> None:
        """Add frames; a backlog that grows too long is given up, so that one slow client harms nobody else."""
        if self._waiting and self._count + count > MOST_WAITING:
            self._waiting.clear()
            self.is_lost = True
        if not self.is_lost:
            self._waiting.append((data, count))
            self._count += count
        self._bell.set()

    def take(self, timeout_seconds: float) -> bytes:
        """Take all that waits, or nothing when nothing came in that time."""
        if not self._waiting and not self.is_lost and not self.is_ended and not self.must_recheck:
            self._bell.wait(timeout_seconds)
        self._bell.clear()
        taken = []
        while self._waiting:
            data, count = self._waiting.popleft()
            self._count -= count
            taken.append(data)
        return b"".join(taken)

    def recheck(self) -> None:
        """Let it look again who it speaks for."""
        self.must_recheck = True
        self._bell.set()

    def end(self) -> None:
        """Tell it that the server is about to stop."""
        self.is_ended = True
        self._bell.set()
