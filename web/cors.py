"""Cross-origin requests: pages of allowed origins may read answers, and send what their browser keeps for us.

The cookie is SameSite=Strict, so a page of another site cannot use it, whatever is allowed here.
"""

from __future__ import annotations

from flask import Response, request

from web.state import platform

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_HEADERS = (
    "Content-Type, Authorization, Accept, Content-Disposition, Idempotency-Key, If-Match, If-None-Match, Prefer, Range,"
    " X-Loom-Space, X-Task-Diagnostics, X-Trace-Id, Content-Digest, Repr-Digest, Tus-Resumable, Upload-Checksum,"
    " Upload-Concat, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override"
)
_EXPOSED = (
    "ETag, Location, Retry-After, Preference-Applied, Content-Disposition, Content-Range, Accept-Ranges, X-Trace-Id,"
    " Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Concat, Upload-Expires,"
    " Upload-Length, Upload-Metadata, Upload-Offset, Upload-Task"
)
_PREFLIGHT_SECONDS = "600"


def answer_preflight() -> Response | None:
    """Answer the question that browsers ask before some requests."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }
    return Response(status=204, headers=headers)


def allow_origin(answer: Response) -> Response:
    """Let the page that asked read the answer."""
    allowed = platform().settings.cors_origins
    if (origin := request.headers.get("Origin")) and ("*" in allowed or origin in allowed):
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Allow-Credentials"] = "true"
        answer.headers["Access-Control-Expose-Headers"] = _EXPOSED
        answer.vary.add("Origin")
    return answer
