"""What is no proper HTTP: gunicorn refuses it before the application hears of it, in the shape of all our errors."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from models.home import Home
from tests.support.serving import served
from tests.support.settings import make_settings

GET = b"GET /api/v1/health HTTP/1.1\r\nHost: loom\r\n"
POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: loom\r\n"


@pytest.fixture(scope="module")
def port(engines: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("bad-requests")
    with served("web.wsgi:app", make_settings(folder / "home", engines), folder / "web.log") as number:
        yield number
    log = (folder / "web.log").read_text()
    assert "Traceback" not in log, log


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX A: b\r\n\r\n", 400),
        (GET + b"X-A: b\x00c\r\n\r\n", 400),
        (GET + b"X-A: b\r\n folded\r\n\r\n", 400),
        (GET + b"SCRIPT_NAME: /elsewhere\r\n\r\n", 400),
        (GET + b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n", 400),
        (POST + b"Content-Length: abc\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: banana\r\n\r\n", 400),
        (POST + b"Expect: banana\r\nContent-Length: 2\r\n\r\n{}", 417),
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n\r\n", 414),
        (GET + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    ],
)
def test_a_broken_request_gets_an_answer_like_all_errors(port: int, request_bytes: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request_bytes)
        head, _, body = _read(connection).partition(b"\r\n\r\n")
    answer = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/json" in head
    assert answer["statusCode"] == status
    assert answer["message"]


def test_a_long_query_in_another_script_comes_through(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        query = b"%E6%BC%A2" * 800
        connection.sendall(b"GET /api/v1/search/assets?q=" + query + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert _read(connection).startswith(b"HTTP/1.1 401 ")


def _read(connection: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"}"):
        more = connection.recv(65536)
        assert more, answer
        answer += more
    return answer
