"""Bodies that stall: a request whose bytes do not come in is given up, and nothing waits on a dead line for ever."""

from __future__ import annotations

from socket import socket
from typing import Any

from flask import request
from gevent.monkey import is_module_patched

from models.errors import Stalled
from web.state import platform


def watch_body() -> None:
    """Put a limit to the time between any two pieces of the body of the request at hand."""
    is_chunked = "Transfer-Encoding" in request.headers
    if (request.content_length or is_chunked) and is_module_patched("socket"):
        environ = request.environ
        seconds = platform().settings.body_timeout
        environ["wsgi.input"] = _PatientBody(environ["wsgi.input"], environ["gunicorn.socket"], seconds)


class _PatientBody:
    """The server's reader of a body, with patience of so many seconds with a line on which nothing comes."""

    def __init__(self, inner: Any, line: socket, seconds: int) -> None:
        self._inner, self._line, self._seconds = inner, line, seconds

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all.

        Raises:
            Stalled: when they do not come.
        """
        return self._patiently(self._inner.read, size)

    def readline(self, size: int = -1) -> bytes:
        """Read a line; raises as `read`."""
        return self._patiently(self._inner.readline, size)

    def _patiently(self, read: Any, size: int) -> bytes:
        # The line's own limit counts from byte to byte, however much is read at once; answers are sent without it.
        self._line.settimeout(self._seconds)
        try:
            data: bytes = read(size)
        except TimeoutError:
            raise Stalled(f"No byte of the body has come in for {self._seconds} seconds") from None
        finally:
            self._line.settimeout(None)
        return data
