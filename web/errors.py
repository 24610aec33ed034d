"""From errors to answers: one table from class to status, one JSON shape for everything that goes wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Flask, Response, jsonify, request
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from models import errors
from models.logs import get_logger
from web.trace import trace_id

STATUS: Mapping[type[errors.LoomError], int] = {
    errors.InvalidInput: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Conflict: 409,
    errors.TaskCancelled: 409,
    errors.TaskFailed: 422,
    errors.Mismatch: 422,
    errors.Stalled: 408,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.TooManyRequests: 429,
    errors.ChecksumMismatch: 460,  # as tus 1.0 has it
    errors.Unavailable: 503,
    errors.StorageFull: 507,
}
_INTERNAL = 500
_ENGINE_TROUBLE = (OperationalError, InterfaceError, PoolTimeout)
_RETRY_AFTER_SECONDS = 2
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_PLAIN_WORDS = {
    404: "There is no such route",
    405: "This method is not allowed here",
    413: "The body is larger than allowed",
}

logger = get_logger(__name__)


def register_error_handlers(app: Flask) -> None:
    """Answer every error of the application in Loom's shape."""
    app.register_error_handler(errors.LoomError, _loom_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unknown_error)
    for trouble in _ENGINE_TROUBLE:
        app.register_error_handler(trouble, _engine_trouble)
    app.register_error_handler(DataError, _unforeseen_value)


def status_of(error: errors.LoomError) -> int:
    """Give the status that tells of an error of this class, or of the nearest one above it in the table."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), _INTERNAL)


def error_answer(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> Response:
    """Spell an error."""
    answer = jsonify(message=message, statusCode=status, code=code, traceId=trace_id())
    answer.status_code = status
    answer.headers.update(headers or {})
    return answer


def _loom_error(error: errors.LoomError) -> Response:
    status = status_of(error)
    if status == _INTERNAL:
        return _unknown_error(error)
    return error_answer(status, error.message, error.code, _headers_of(error))


def _headers_of(error: errors.LoomError) -> dict[str, str]:
    if isinstance(error, errors.Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.TooManyRequests):
        return {"Retry-After": str(error.retry_after_seconds)}
    if isinstance(error, errors.Unavailable):
        return {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    return {}


def _http_error(error: HTTPException) -> Response | HTTPException:
    """Reword what Flask and Werkzeug refuse by themselves, keeping headers such as Allow."""
    status = error.code or _INTERNAL
    if status < 400:  # noqa: PLR2004 - a redirection is no error
        return error
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    message = _PLAIN_WORDS.get(status) or error.description or error.name
    return error_answer(status, message, _CAPITAL.sub("-", type(error).__name__).lower(), headers)


def _engine_trouble(error: Exception) -> Response:
    logger.warning("the database is not available", reason=str(error), path=request.path)
    return _loom_error(errors.Unavailable("The database is not available now"))


def _unforeseen_value(error: Exception) -> Response:
    """A value that no schema refused and no column can hold; the schema should be mended."""
    logger.error("the database refused a value", reason=str(getattr(error, "orig", error)), path=request.path)
    return _loom_error(errors.InvalidInput("A value is outside of what can be stored"))


def _unknown_error(error: Exception) -> Response:
    logger.error("a request failed", path=request.path, method=request.method, exc_info=error)
    return error_answer(_INTERNAL, "Internal Server Error", "internal")
