"""The trace id: one word that finds a request again in answers, logs and tasks."""

from __future__ import annotations

import re

from flask import Response, request

from models.ids import new_id
from models.logs import current_trace, set_trace

HEADER = "X-Trace-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def begin_trace() -> None:
    """Take over the caller's id if it is harmless, else make one."""
    given = request.headers.get(HEADER)
    set_trace(given if given and _SANE.fullmatch(given) else new_id().hex)


def trace_id() -> str:
    """Give the id of the request at hand."""
    return current_trace() or ""


def add_trace(answer: Response) -> Response:
    """Tell the caller which id the request has."""
    answer.headers[HEADER] = trace_id()
    return answer
