"""The trace id: one word that finds a request again in answers, logs, tasks, events and what webhooks are told."""

from __future__ import annotations

import re

from flask import Response, request

from models.ids import new_id
from models.tracing import current_trace, set_trace

HEADER = "X-Trace-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*")
"""W3C Trace Context: its trace id is ours."""


def begin_trace() -> None:
    """Take over the caller's id if it is harmless, or that of their `traceparent`, else make one."""
    given = request.headers.get(HEADER)
    if given and _SANE.fullmatch(given):
        set_trace(given)
        return
    parent = _PARENT.fullmatch(request.headers.get("traceparent", "").strip())
    if parent and parent[1].strip("0") and parent[2].strip("0"):
        set_trace(parent[1], parent[2])
    else:
        set_trace(new_id().hex)


def trace_id() -> str:
    """Give the id of the request at hand."""
    return current_trace() or ""


def add_trace(answer: Response) -> Response:
    """Tell the caller which id the request has."""
    answer.headers[HEADER] = trace_id()
    return answer
