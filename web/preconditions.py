"""ETags: an element's is its revision. Who read it may ask for news only, or insist on changing what they read."""

from __future__ import annotations

import zlib

from flask import Response, request

from models.db import Audited
from models.errors import PreconditionFailed


def etag_of(element: Audited) -> str:
    """Name this state of an element: its revision and, if more than its row is shown, what that is."""
    besides = getattr(element, "shown_besides", None)
    return str(element.revision) if besides is None else f"{element.revision}.{zlib.crc32(repr(besides).encode()):08x}"


def not_modified(etag: str) -> Response | None:
    """Answer 304 if the caller has this state already, else None."""
    if "If-None-Match" not in request.headers or not request.if_none_match.contains_weak(etag):
        return None
    return tagged(Response(status=304), etag)


def require_match(element: Audited) -> None:
    """Refuse to change an element that is not as the caller knows it. It must be locked.

    What is shown besides its row does not matter for that.

    Raises:
        PreconditionFailed: when somebody else has changed it.
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return
    # An empty tag is none.
    if str(element.revision) not in {tag.partition(".")[0] for tag in request.if_match.as_set() if tag}:
        raise PreconditionFailed


def require_etag(etag: str) -> None:
    """Refuse to go on if the caller knows another state than this.

    Raises:
        PreconditionFailed: when it is another.
    """
    if "If-Match" in request.headers and not request.if_match.contains(etag):
        raise PreconditionFailed


def tagged(answer: Response, etag: str) -> Response:
    """Tell which state an answer shows."""
    answer.set_etag(etag)
    return answer
