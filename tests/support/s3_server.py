"""A server that speaks S3, as a process of its own, and a line to it on which things go wrong."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_connection
from threading import Thread
from typing import Any
from urllib.parse import quote

import httpx

from models.settings import child_environment
from tests.support.running_loom import free_port
from tests.support.waiting import wait_until

BUCKET = "media-of-tests"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}

_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
    "Signature=00"
}
"""The server looks for a signature, not at it."""


class S3:
    """The server, seen through the line that Loom uses. `faults` are met by the next requests, one each.

    A fault is a status to answer with, or a number of bytes of a body after which the connection is cut (below zero).
    """

    def __init__(self, target: int) -> None:
        self.faults: deque[int] = deque()
        self.requests = 0
        self._target = target
        self._direct = httpx.Client(base_url=f"http://127.0.0.1:{target}", headers=_SIGNED, timeout=60)

    def environment(self, port: int) -> dict[str, str]:
        """Give what tells Loom how to reach it."""
        return {**_CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true"}

    def put(self, key: str, data: bytes) -> None:
        self._direct.put(f"/{BUCKET}/{quote(key)}", content=data).raise_for_status()

    def move(self, old: str, new: str) -> None:
        data = self._direct.get(f"/{BUCKET}/{quote(old)}").content
        self.put(new, data)
        self.delete(old)

    def delete(self, key: str) -> None:
        self._direct.delete(f"/{BUCKET}/{quote(key)}").raise_for_status()

    def make_bucket(self) -> None:
        self._direct.put(f"/{BUCKET}").raise_for_status()

    def empty(self) -> None:
        self._direct.post("/moto-api/reset").raise_for_status()
        self.make_bucket()

    def close(self) -> None:
        self._direct.close()

    def forward(self, handler: BaseHTTPRequestHandler) -> None:
        """Carry a request to the server, or meet it with the next fault."""
        self.requests += 1
        fault = self.faults.popleft() if self.faults else 0
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if fault > 0:
            handler.send_response(fault)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        connection = http.client.HTTPConnection("127.0.0.1", self._target, timeout=60)
        connection.request(handler.command, handler.path, body, dict(handler.headers))
        answer = connection.getresponse()
        data = answer.read()
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "date", "server"}:
                handler.send_header(name, value)
        handler.end_headers()
        connection.close()
        handler.wfile.write(data[:-fault] if fault < 0 else data)
        handler.close_connection = fault < 0


@contextmanager
def s3_server(folder: Path) -> Iterator[tuple[S3, int]]:
    """Run one with an empty bucket; gives it and the port of the line to it."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "s3.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=child_environment(**_CREDENTIALS))
    try:
        wait_until(lambda: _answers(port), 30)
        s3 = S3(port)
        s3.make_bucket()
        with _line(s3) as line:
            yield s3, line
        s3.close()
    finally:
        process.terminate()
        process.wait(15)


def _answers(port: int) -> bool:
    with suppress(OSError), create_connection(("127.0.0.1", port), 5):
        return True
    return False


@contextmanager
def _line(s3: S3) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            with suppress(ConnectionError):
                s3.forward(self)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
