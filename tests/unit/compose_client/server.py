"""A small HTTP server that answers as Loom would, for commands that talk to it over a real socket."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return (
            self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        )


Route = Callable[[Request], Answer]


class FakeLoom:
    """Routes by `METHOD /path` under /api/v1; unknown ones are 404; remembers what was asked."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[Request] = []
        self.url = ""

    def answers(self, route: str, body: Any = None, status: int = 200, **headers: str) -> None:
        self.routes[route] = lambda _: Answer(status, body, headers)

    def lists(self, path: str, elements: list[dict[str, Any]]) -> None:
        """Serve a list by keyset, at most two elements a page."""

        def page(request: Request) -> Answer:
            start = 0
            if cursor := request.query.get("from"):
                start = next(index for index, one in enumerate(elements) if one["uuid"] == cursor[0]) + 1
            data = elements[start : start + min(2, int(request.query["limit"][0]))]
            info = {"perPage": 2, "totalCount": len(elements), **({"lastUuid": data[-1]["uuid"]} if data else {})}
            return Answer(200, {"data": data, "_metainfo": info})

        self.routes[f"GET {path}"] = page

    def asked(self, route: str) -> list[Request]:
        return [one for one in self.requests if f"{one.method} {one.path}" == route]

    def handle(self, request: Request) -> Answer:
        self.requests.append(request)
        route = self.routes.get(f"{request.method} {request.path}")
        return route(request) if route else Answer(404, {"message": "There is no such element.", "statusCode": 404})


def _handler_of(loom: FakeLoom) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = parts.path.removeprefix("/api/v1")
            request = Request(self.command, path, parse_qs(parts.query), dict(self.headers), body)
            answer = loom.handle(request)
            content = answer.encoded()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep quiet."""

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients hang up, as the tests make them."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(loom: FakeLoom) -> Iterator[FakeLoom]:
    with _Server(("127.0.0.1", 0), _handler_of(loom)) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        loom.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield loom
        finally:
            server.shutdown()
            thread.join()
