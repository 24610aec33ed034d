"""What keeps callers from harm, and Loom from callers: headers for browsers, and a limit of requests."""

from __future__ import annotations

from flask import Response, request

from models.errors import TooManyRequests
from models.permissions import Actor
from web.state import platform

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # An answer of the API is data: opened as a page it may do nothing. Pages and downloads say their own.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_WINDOW_SECONDS = 60
_READS = ("GET", "HEAD")
_WHO_ASKS = ("Authorization", "Cookie", "X-Loom-Space")


def add_security_headers(answer: Response) -> Response:
    """Tell browsers and caches what not to do with an answer, unless it says so itself.

    What is kept of a read is asked for again each time (it has an ETag), and is nobody else's.
    """
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Cache-Control", "private, no-cache" if request.method in _READS else "no-store")
    answer.vary.update(_WHO_ASKS)
    return answer


def admit(actor: Actor) -> None:
    """Count a request of a user, or of a key that carries less than its owner may do.

    Raises:
        TooManyRequests: when there were too many within a minute.
    """
    most = platform().settings.rate_limit
    if most and platform().bus.attempts(f"requests:{actor.token_id or actor.user_id}", _WINDOW_SECONDS) > most:
        raise TooManyRequests(f"At most {most} requests a minute", retry_after_seconds=_WINDOW_SECONDS)
