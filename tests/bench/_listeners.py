"""Many WebSocket clients in one process, cheap enough not to be what is measured: they count, check and time frames."""

from __future__ import annotations

import re
import selectors
import socket
import statistics
import struct
import time
import zlib
from dataclasses import dataclass, field
from multiprocessing.managers import ValueProxy

from models.events import STREAM_JOINED

_SHORT = 126
_TEXT, _CLOSE, _PING = 1, 8, 9
_TIMESTAMP = re.compile(rb'"timestamp":([0-9]+)')
_SAMPLED_EVERY = 10
_LOOK_SECONDS = 0.5


@dataclass
class Seen:
    """What one client has received: how many frames, a checksum of all of them in order, and how late they were."""

    frames: int = 0
    checksum: int = 0
    late_ms: list[float] = field(default_factory=list)
    is_closed: bool = False


class Listener:
    """One client."""

    def __init__(self, port: int, token: str) -> None:
        self.seen = Seen()
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.sendall(
            f"GET /api/v1/events/ws?token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self.socket.recv(4096)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        while not self._has_joined():
            self._buffer += self.socket.recv(4096)

    def _has_joined(self) -> bool:
        """Take the first frame, which is no event, off the buffer once it is there."""
        frame = self._frame(0)
        if frame is None:
            return False
        _, start, end = frame
        assert STREAM_JOINED.encode() in self._buffer[start:end], self._buffer
        self._buffer = self._buffer[end:]
        return True

    def read(self) -> None:
        """Take what has come."""
        data = self.socket.recv(1 << 20)
        self.seen.is_closed |= not data
        self._buffer += data
        place = 0
        while (frame := self._frame(place)) is not None:
            opcode, start, place = frame
            self._handle(opcode, self._buffer[start:place])
        self._buffer = self._buffer[place:]

    def _frame(self, place: int) -> tuple[int, int, int] | None:
        """Find the next whole frame: its kind, where its payload begins and where it ends."""
        if len(self._buffer) < place + 4:
            return (
                (self._buffer[place] & 15, place + 2, place + 2)
                if self._buffer[place + 1 : place + 2] == b"\0"
                else None
            )
        size, start = self._buffer[place + 1], place + 2
        if size == _SHORT:
            size, start = struct.unpack_from("!H", self._buffer, start)[0], start + 2
        return (self._buffer[place] & 15, start, start + size) if len(self._buffer) >= start + size else None

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self.seen.frames += 1
            self.seen.checksum = zlib.crc32(payload, self.seen.checksum)
            if self.seen.frames % _SAMPLED_EVERY == 0 and (match := _TIMESTAMP.search(payload)):
                self.seen.late_ms.append(time.time() * 1000 - int(match[1]))
        elif opcode == _PING:
            self.socket.sendall(b"\x8a\x80\0\0\0\0")
        elif opcode == _CLOSE:
            self.seen.is_closed = True


def listen(port: int, token: str, clients: int, started: ValueProxy[int], expected: ValueProxy[int]) -> list[Seen]:
    """Connect clients, say so, and read until each has the expected number of frames (0: not known yet)."""
    selector = selectors.DefaultSelector()
    listeners = []
    for _ in range(clients):
        listener = Listener(port, token)
        selector.register(listener.socket, selectors.EVENT_READ, listener)
        listeners.append(listener)
        started.value += 1
    quiet_since = looked = time.monotonic()
    # To ask how many are expected is a call to another process: not after every frame.
    while time.monotonic() < looked + _LOOK_SECONDS or not _is_over(listeners, expected.value, quiet_since):
        if time.monotonic() >= looked + _LOOK_SECONDS:
            looked = time.monotonic()
        for key, _ in selector.select(0.2):
            key.data.read()
            quiet_since = time.monotonic()
    return [listener.seen for listener in listeners]


def _is_over(listeners: list[Listener], expected: int, quiet_since: float) -> bool:
    if not expected:
        return False
    complete = all(listener.seen.frames >= expected or listener.seen.is_closed for listener in listeners)
    return complete or time.monotonic() - quiet_since > 20


def percentile(values: list[float], share: float) -> float:
    """Give the value below which that share of all lies."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]
