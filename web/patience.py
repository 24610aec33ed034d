"""Bodies that stall: a request whose bytes do not come in is given up, and nothing waits on a dead line for ever."""

from __future__ import annotations

from typing import Any

from flask import request
from gevent import Timeout
from gevent.monkey import is_module_patched

from models.errors import Stalled
from web.state import platform

_STEP_BYTES = 8192
"""What the server takes off the line at once."""


def watch_body() -> None:
    """Put a limit to the time between any two pieces of the body of the request at hand."""
    is_chunked = "Transfer-Encoding" in request.headers
    if (request.content_length or is_chunked) and is_module_patched("socket"):
        environ = request.environ
        environ["wsgi.input"] = _PatientBody(environ["wsgi.input"], platform().settings.body_timeout)


class _PatientBody:
    """The server's reader of a body, with patience of so many seconds."""

    def __init__(self, inner: Any, seconds: int) -> None:
        self._inner, self._seconds = inner, seconds

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all: in steps, each with patience of its own, as a slow line is none that is dead.

        Raises:
            Stalled: when they do not come.
        """
        pieces: list[bytes] = []
        left = size
        while left:
            piece = self._in_time(self._inner.read, min(left, _STEP_BYTES) if size >= 0 else _STEP_BYTES)
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def readline(self, size: int = -1) -> bytes:
        """Read a line; raises as `read`."""
        return self._in_time(self._inner.readline, size)

    def _in_time(self, read: Any, size: int) -> bytes:
        with Timeout(self._seconds, Stalled(f"No byte of the body has come in for {self._seconds} seconds")):
            data: bytes = read(size)
            return data
