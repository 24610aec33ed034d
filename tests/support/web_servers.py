"""Small web servers to fetch from, whose answers a test decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import Any

from models.wiring import Platform

Answer = Callable[[BaseHTTPRequestHandler], None]


def fetching_from_here(platform: Platform) -> Platform:
    """Give a Loom that may fetch from this machine."""
    allowed = {"fetch_allowed_networks": (ip_network("127.0.0.1/32"),)}
    return replace(platform, settings=platform.settings.model_copy(update=allowed))


@contextmanager
def web_server(answer: Answer) -> Iterator[str]:
    """Serve meanwhile; gives the address, without a slash at its end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):
                answer(self)

        do_POST = do_GET  # noqa: N815 - so it is called

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler: BaseHTTPRequestHandler, body: bytes = b"", status: int = 200, **headers: str) -> None:
    """Send a whole answer."""
    handler.send_response(status)
    given = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    for name, value in given.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
