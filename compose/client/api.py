"""The REST API as the commands see it: requests, errors, lists. Everything goes through `Api`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from compose.client.exits import Unreachable
from compose.client.output import Json
from models.errors import (
    ConfigurationError,
    Conflict,
    Forbidden,
    InvalidInput,
    LoomError,
    NotFound,
    PreconditionFailed,
    StorageFull,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

PAGE_SIZE = 100
# The longest silence of a healthy server: a long poll, or the storing of an upload's last bytes.
_TIMEOUT = httpx.Timeout(120, connect=5, write=60)
_ERRORS: dict[int, type[LoomError]] = {
    400: InvalidInput,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    422: InvalidInput,
    502: Unreachable,
    503: Unavailable,
    504: Unreachable,
    507: StorageFull,
}


def server_url(text: str) -> str:
    """Check the address of a server and give it in its one spelling.

    Raises:
        ConfigurationError: if it is no http or https address.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(f"{text!r} is not the address of a server, such as http://127.0.0.1:8092")
    return text.rstrip("/").removesuffix("/api/v1")


def is_loopback(server: str) -> bool:
    """Whether the server is this machine."""
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Api:
    """One server, signed in to with a token or not."""

    def __init__(self, server: str, token: str | None = None) -> None:
        self.server = server_url(server)
        self.token = token
        headers = {"Accept": "application/json", "User-Agent": "loom-cli"}
        if token:
            headers["Authorization"] = f"Bearer {_checked_token(token)}"
        self._http = httpx.Client(
            base_url=f"{self.server}/api/v1",
            headers=headers,
            timeout=_TIMEOUT,
            # Reading the certificates takes as long as a whole request; a proxy cannot reach this machine.
            verify=self.server.startswith("https:"),
            trust_env=not is_loopback(self.server),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def request(self, method: str, path: str, *, also: int | None = None, **options: Any) -> httpx.Response:
        """Send a request and give the whole answer, which is no error (304 and the status `also` count as none)."""
        with self.stream(method, path, also=also, **options) as answer:
            with self._reachable():
                answer.read()
            return answer

    @contextmanager
    def stream(self, method: str, path: str, *, also: int | None = None, **options: Any) -> Iterator[httpx.Response]:
        """Send a request and give the answer before its body was read."""
        with self._reachable():
            request = self._http.build_request(method, path, **options)
            answer = self._http.send(request, stream=True)
        try:
            if not (answer.is_success or answer.status_code in {HTTPStatus.NOT_MODIFIED, also}):
                with self._reachable():
                    answer.read()
                raise self._error(answer)
            yield answer
        finally:
            answer.close()

    def get(self, path: str, **params: Any) -> Json:
        """Load one JSON object."""
        return json_object(self.request("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> Json:
        """Send a JSON object and give the one that answers it."""
        return json_object(self.request("POST", path, json=body, headers=headers))

    def delete(self, path: str) -> httpx.Response:
        """Delete; the answer is empty or, for a large deletion, a task."""
        return self.request("DELETE", path)

    def elements(self, path: str, **params: Any) -> Iterator[Json]:
        """Iterate over a whole list, page by page, wherever it ends by then."""
        cursor: str | None = None
        while True:
            page = self.get(path, **{"limit": PAGE_SIZE, **params}, **({"from": cursor} if cursor else {}))
            yield from page.get("data", [])
            following = page.get("_metainfo", {}).get("lastUuid")
            if not page.get("data") or not following or following == cursor:
                return
            cursor = following

    def total_count(self, path: str, **params: Any) -> int:
        """Count the elements of a list without loading them."""
        return int(self.get(path, **{**params, "limit": 1}).get("_metainfo", {}).get("totalCount", 0))

    def reading(self) -> AbstractContextManager[None]:
        """Guard the reading of a streamed body, whose connection may break."""
        return self._reachable()

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise ConfigurationError(f"{self.server} is not the address of a server: {error}") from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"{self.server} does not answer in time") from error
        except httpx.LocalProtocolError as error:
            raise LoomError(f"The request could not be sent: {error}") from error
        except httpx.TransportError as error:
            raise Unreachable(f"{self.server} cannot be reached: {error or type(error).__name__}") from error

    def _error(self, answer: httpx.Response) -> LoomError:
        """Turn an error answer into the exception that says the same."""
        message = _message_of(answer) or f"{self.server} answered {answer.status_code}; is it a Loom server?"
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return TooManyRequests(message, retry_after_seconds=_retry_after(answer))
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            message = self._how_to_sign_in(message)
        return _ERRORS.get(answer.status_code, LoomError)(message)

    def _how_to_sign_in(self, message: str) -> str:
        if self.token is None:
            return f"{message}; sign in with `loom login --server {self.server}`"
        return f"{message}; if the token has expired, sign in again with `loom login --server {self.server}`"


def json_object(answer: httpx.Response) -> Json:
    """Parse an answer that has to be a JSON object.

    Raises:
        LoomError: if something else than Loom has answered.
    """
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise LoomError(f"{answer.url.copy_with(query=None)} did not answer with JSON; is it a Loom server?")
    return content


def segment(text: str) -> str:
    """Quote text as one segment of a path."""
    return quote(text, safe="")


def _checked_token(token: str) -> str:
    if not token.isascii() or not token.isprintable():
        raise ConfigurationError("The token holds characters that no token has; check LOOM_TOKEN or run `loom login`")
    return token


def _message_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return ""


def _retry_after(answer: httpx.Response) -> int:
    text = answer.headers.get("Retry-After", "")
    return int(text) if text.isdecimal() else 1
