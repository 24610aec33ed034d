"""gunicorn's worker with one change: what it refuses by itself looks like every other error of ours.

A request that gunicorn cannot parse never reaches the application, and would be answered with a page of HTML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.ggevent import GeventWorker

_REFUSALS: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    errors.LimitRequestLine: (HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is longer than allowed"),
    errors.LimitRequestHeaders: (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are larger than allowed"),
    errors.ExpectationFailed: (HTTPStatus.EXPECTATION_FAILED, "Only 100-continue can be expected"),
    errors.ParseException: (HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request"),
}
_OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
"""Headers that the application tried to send; to gunicorn they are kinds of bad headers too."""


class JsonErrorWorker(GeventWorker):  # type: ignore[misc]  # gunicorn publishes no types
    """Serves as gunicorn's worker for gevent does."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that did not come to the application, or not back from it."""
        status, message = _refusal(exc)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("Error handling request %s", getattr(req, "path", ""), exc_info=exc)
        else:
            self.log.debug("Invalid request from %s: %s", addr, exc)
        with suppress(Exception):
            write_nonblock(client, _spell(status, message))


def _refusal(error: BaseException) -> tuple[HTTPStatus, str]:
    if not isinstance(error, _OURS):
        for kind, refusal in _REFUSALS.items():
            if isinstance(error, kind):
                return refusal
    return HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error"


def _spell(status: HTTPStatus, message: str) -> bytes:
    code = status.name.lower().replace("_", "-")
    body = json.dumps({"message": message, "statusCode": status.value, "code": code})
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("ascii")
