"""Telling other servers: a body is posted, and the answer is what it is. Nothing is raised for a status.

Connections are as guarded as those of `models.fetching`. Of redirects, those are followed that keep the method and the
body (307, 308), with all the same checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urljoin

import httpcore

from models.errors import InvalidInput, LoomError
from models.fetching import check_url
from models.guarded_net import Guarded, Network

_MOST_REDIRECTS = 3
_KEPT = frozenset({307, 308})
_MOST_READ = 64 * 1024
_USER_AGENT = "loom-webhooks"


class Answered(NamedTuple):
    """What the other side said: its status, the header Retry-After, and the beginning of the body."""

    status: int
    retry_after: str | None
    text: str


class Unreachable(LoomError):
    """There was no answer."""

    code = "no-answer"


class Poster:
    """Posts to the servers of one webhook, over connections that are kept between one post and the next."""

    def __init__(self, allowed: Sequence[Network], total_seconds: float, shown: int) -> None:
        """Post to public addresses and those `allowed`; of answers, `shown` characters are given."""
        self._seconds = total_seconds
        self._shown = shown
        self._guard = Guarded(allowed, monotonic())
        self._pool = httpcore.ConnectionPool(network_backend=self._guard, max_connections=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Post, in the time that there is for all of it.

        Raises:
            Refused: when the URL, or a redirect, leads to an address that is neither public nor allowed.
            Unreachable: when there is no answer, saying why.
        """
        self._guard.deadline = monotonic() + self._seconds
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                answered, location = self._once(url, body, headers)
                if location is None:
                    return answered
                url = urljoin(url, location)
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, InvalidInput) as error:
            raise Unreachable("The address, or what it redirects to, is none that can be posted to") from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError) as error:
            raise Unreachable(_said(error)) from error
        raise Unreachable("There are too many redirects")

    def _once(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[Answered, str | None]:
        check_url(url)
        told: dict[bytes | str, bytes | str] = {
            "User-Agent": _USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity",
        }  # fmt: skip
        told.update(headers)
        with self._pool.stream("POST", url, headers=told, content=body) as answer:
            found = {name.lower(): value.decode("latin-1") for name, value in answer.headers}
            location = found.get(b"location") if answer.status in _KEPT else None
            text = self._beginning(answer)
            return Answered(answer.status, found.get(b"retry-after"), text), location

    def _beginning(self, answer: httpcore.Response) -> str:
        """Read so much that a short answer ends, and the connection can be used again; of a long one no more."""
        read = bytearray()
        try:
            for chunk in answer.iter_stream():
                read += chunk
                if len(read) > _MOST_READ:
                    break
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError):
            pass  # the status has come, and says all that matters
        return bytes(read[: 4 * self._shown]).decode("utf-8", "replace").replace("\x00", "")[: self._shown]


def _said(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "There was no answer in time"
    return f"The server cannot be reached: {str(error) or type(error).__name__}"[:300]
