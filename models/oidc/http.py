"""Requests to the identity provider: bounded in time and size, to no other place than the one that was named.

Redirections are not followed, and no compressed answers taken: what comes is what counts against the bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import httpx
import orjson

from models.errors import Unavailable
from models.logs import get_logger

STEP_SECONDS = 5.0
"""Longest wait to connect, and for the next byte."""
TOTAL_SECONDS = 10.0
"""Longest time that an answer may take to come in."""
LARGEST_ANSWER = 1024**2

logger = get_logger(__name__)


class ProviderHttp:
    """Makes clients that share connections. Used by many threads or greenlets at once."""

    def __init__(self) -> None:
        self._transport = _Bounded(httpx.HTTPTransport())

    def client(self) -> httpx.Client:
        """Give a client for a few requests, to be closed; the connections stay."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        return httpx.Client(transport=self._transport, timeout=STEP_SECONDS, headers=headers, trust_env=False)

    def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Load a JSON object.

        Raises:
            Unavailable: when there is none to be had.
        """
        with provider_trouble(url), self.client() as client:
            answer = client.get(url, headers=headers)
            if answer.status_code != httpx.codes.OK:
                raise unusable(f"answers with status {answer.status_code}", url)
            try:
                content = orjson.loads(answer.content)
            except ValueError:
                raise unusable("answers with something that is not JSON", url) from None
        if not isinstance(content, dict):
            raise unusable("answers with something that is not a JSON object", url)
        return content


@contextmanager
def provider_trouble(url: str) -> Iterator[None]:
    """Turn what happens on the network into an error of Loom's."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        logger.warning("the identity provider cannot be reached", url=url, reason=repr(error))
        raise Unavailable("The identity provider cannot be reached now", code="oauth2-unreachable") from error


def unusable(what: str, url: str) -> Unavailable:
    """Say what the provider does that it should not, to its operator in the log as well."""
    logger.error("the identity provider cannot be used", url=url, reason=what)
    return Unavailable(f"The identity provider cannot be used: it {what}", code="oauth2-unusable")


class _Bounded(httpx.BaseTransport):
    """Closing it closes nothing: it outlives the clients that use it."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = monotonic() + TOTAL_SECONDS
        answer = self._inner.handle_request(request)
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            answer.close()
            raise httpx.DecodingError("the answer is compressed", request=request)
        assert isinstance(answer.stream, httpx.SyncByteStream)
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_BoundedStream(answer.stream, deadline),
            extensions=answer.extensions,
        )


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise httpx.ReadError("the answer is too large")
            if monotonic() > self._deadline:
                raise httpx.ReadTimeout("the answer takes too long")
            yield chunk

    def close(self) -> None:
        self._inner.close()
