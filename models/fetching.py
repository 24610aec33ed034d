"""Fetching what a caller's URL names, without letting them reach what only this machine can.

Every address is looked at, at each redirect anew (`models.guarded_net`). Nothing but http and https is spoken, no proxy
is used, and time is bounded as a whole and from byte to byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from models.errors import InvalidInput, LoomError, Transient
from models.guarded_net import Guarded, Network

_SCHEMES = {"http": 80, "https": 443}
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _REDIRECT = 200, 300
_SERVER_ERROR = 500
_STEP_SECONDS = 30.0
"""Longest wait to connect, and for the next byte."""


class FetchFailed(LoomError):
    """What the URL names cannot be fetched."""

    code = "fetch-failed"


class TryAgain(Transient):
    """The other server is away, or busy."""

    code = "fetch-failed"


@dataclass(frozen=True)
class Fetched:
    """An answer whose bytes have yet to come. Header names are in lower case."""

    url: str
    headers: dict[str, str]
    chunks: Iterator[bytes]


def check_url(url: str) -> None:
    """See whether a URL is one that may be fetched at all.

    Raises:
        InvalidInput: when it is not, or carries a name or password, which would be stored for all to see.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput("url: must be an http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("url: must not hold a user name or password")


@contextmanager
def fetch(url: str, allowed: Sequence[Network], total_seconds: float) -> Iterator[Fetched]:
    """Open a URL, following redirects. `allowed` are networks that may be reached though they are not public.

    Raises:
        Refused: when it leads, or redirects, to an address that is neither public nor allowed.
        FetchFailed: when the other server refuses, or takes too long altogether.
        TryAgain: when it cannot be reached, or says that it is in trouble.
    """
    deadline = monotonic() + total_seconds
    with httpcore.ConnectionPool(network_backend=Guarded(allowed, deadline)) as pool, _told(deadline):
        for _ in range(_MOST_REDIRECTS + 1):
            check_url(url)
            with _stream(pool, url) as answer:
                following = _location(answer)
                if following is None:
                    _require_usable(answer)
                    yield Fetched(url, _headers(answer), answer.iter_stream())
                    return
            url = urljoin(url, following)
    raise FetchFailed("There are too many redirects")


def post(
    url: str, body: bytes, headers: Mapping[str, str], allowed: Sequence[Network], total_seconds: float, most: int
) -> bytes:
    """Send a body and give the answer's, of `most` bytes at most. Redirects are not followed.

    Raises:
        Refused: when the URL leads to an address that is neither public nor allowed.
        FetchFailed: when the other server refuses, answers too much, or takes too long altogether.
        TryAgain: when it cannot be reached, or says that it is in trouble.
    """
    deadline = monotonic() + total_seconds
    check_url(url)
    with httpcore.ConnectionPool(network_backend=Guarded(allowed, deadline)) as pool, _told(deadline):
        return _exchange(pool, url, body, headers, most)


def _exchange(pool: httpcore.ConnectionPool, url: str, body: bytes, headers: Mapping[str, str], most: int) -> bytes:
    found = bytearray()
    with _stream(pool, url, body, headers) as answer:
        if answer.status >= _SERVER_ERROR:
            raise TryAgain(f"The other server answers {answer.status}")
        if not _OK <= answer.status < _REDIRECT:
            raise FetchFailed(f"The other server answers {answer.status}")
        for chunk in answer.iter_stream():
            found += chunk
            if len(found) > most:
                raise FetchFailed(f"The other server answers more than {most} bytes")
    return bytes(found)


def _stream(
    pool: httpcore.ConnectionPool, url: str, body: bytes | None = None, more: Mapping[str, str] | None = None
) -> Any:
    host = urlsplit(url).netloc
    headers: dict[bytes | str, bytes | str] = {
        "Host": host,
        "User-Agent": "loom",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    headers.update(more or {})
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _STEP_SECONDS)
    method = "GET" if body is None else "POST"
    return pool.stream(method, url, headers=headers, content=body, extensions={"timeout": timeouts})


def _headers(answer: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}


def _location(answer: httpcore.Response) -> str | None:
    return _headers(answer).get("location") if answer.status in _REDIRECTS else None


def _require_usable(answer: httpcore.Response) -> None:
    if answer.status >= _SERVER_ERROR:
        raise TryAgain(f"The other server answers {answer.status}")
    if answer.status != _OK:
        raise FetchFailed(f"The other server answers {answer.status}")
    if _headers(answer).get("content-encoding", "identity") != "identity":
        raise FetchFailed("The other server sends an encoding that was not asked for")


@contextmanager
def _told(deadline: float) -> Iterator[None]:
    """Turn what happens on the network into what it means."""
    try:
        yield
    except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError) as error:
        raise FetchFailed("The other server redirects to what cannot be fetched") from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError) as error:
        if monotonic() > deadline:
            raise FetchFailed("The other server takes too long") from error
        raise TryAgain(f"The other server cannot be reached: {error or type(error).__name__}") from error
