"""Bodies that stall: a request whose bytes do not come in is given up, and nothing waits on a dead line for ever."""

from __future__ import annotations

from typing import Any

from flask import request
from gevent import Timeout
from gevent.monkey import is_module_patched

from models.errors import Stalled
from web.state import platform


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
        """Read so many bytes, or all.

        Raises:
            Stalled: when they do not come.
        """
        return self._in_time(self._inner.read, size)

    def readline(self, size: int = -1) -> bytes:
        """Read a line; raises as `read`."""
        return self._in_time(self._inner.readline, size)

    def _in_time(self, read: Any, size: int) -> bytes:
        with Timeout(self._seconds, Stalled(f"No byte of the body has come in for {self._seconds} seconds")):
            data: bytes = read(size)
            return data
