"""Uploads over real connections to a real gunicorn: cut off, without an announced length, too large."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from models.wiring import Platform
from tests.support.assets import run_uploads, staged
from tests.support.client import ApiClient
from tests.support.serving import served
from tests.support.waiting import wait_until

LIMIT = 4_000_000
FORM = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
TYPES = {"raw": "application/octet-stream", "form": "multipart/form-data; boundary=XX"}


@dataclass
class Server:
    port: int
    token: str

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 60)

    def head(self, kind: str, *headers: str) -> bytes:
        lines = [
            "POST /api/v1/assets/upload?filename=a HTTP/1.1", "Host: loom", f"Authorization: Bearer {self.token}",
            f"Content-Type: {TYPES[kind]}", *headers, "", "",
        ]  # fmt: skip
        return "\r\n".join(lines).encode()


@pytest.fixture
def server(platform: Platform, client: ApiClient, tmp_path: Path) -> Iterator[Server]:
    limit = {"LOOM_STORAGE_MAX_UPLOAD_SIZE": str(LIMIT)}
    with served("web.wsgi:app", platform.settings, tmp_path / "log", **limit) as port:
        assert client.token
        yield Server(port, client.token)


def answer_of(connection: socket.socket) -> bytes:
    """Read a JSON answer; head and body may come apart."""
    answer = b""
    while not answer.endswith(b"}") and (more := connection.recv(65536)):
        answer += more
    return answer


def test_a_client_that_goes_away_leaves_nothing(server: Server, platform: Platform) -> None:
    cases = (
        ("raw", "Content-Length: 3000000", b""), ("form", "Content-Length: 3000000", FORM),
        ("raw", "Transfer-Encoding: chunked", b"200000\r\n"),
        ("form", "Transfer-Encoding: chunked", b"200000\r\n" + FORM),
    )  # fmt: skip
    for kind, length, start in cases:
        with server.connect() as connection:
            connection.sendall(server.head(kind, length) + start + b"x" * 1_500_000)
            wait_until(lambda: staged(platform))
        wait_until(lambda: not staged(platform))


def test_a_body_that_ends_early_is_a_bad_request(server: Server, platform: Platform) -> None:
    cases = (
        ("raw", "Content-Length: 3000000", b""), ("form", "Content-Length: 3000000", FORM),
        ("raw", "Transfer-Encoding: chunked", b"200000\r\n"), ("form", "Transfer-Encoding: chunked", b"10\r\n" + FORM),
    )  # fmt: skip
    for kind, length, start in cases:
        with server.connect() as connection:
            connection.sendall(server.head(kind, length) + start + b"x" * 500_000)
            connection.shutdown(socket.SHUT_WR)
            answer = answer_of(connection)
        assert answer.startswith(b"HTTP/1.1 400"), (kind, length, answer)
        assert b'"statusCode":400' in answer
        assert staged(platform) == []


def test_a_body_of_unknown_length_is_taken(server: Server, platform: Platform) -> None:
    data = [bytes([number]) * 100_000 for number in range(30)]
    headers = {"Authorization": f"Bearer {server.token}"}
    answer = httpx.post(
        f"http://127.0.0.1:{server.port}/api/v1/assets/upload?filename=a",
        content=iter(data),
        headers=headers,
        timeout=60,
    )
    assert answer.status_code == 202
    run_uploads(platform)
    found = httpx.get(f"http://127.0.0.1:{server.port}/api/v1/assets", headers=headers).json()["data"]
    assert found[0]["file"]["size"] == 3_000_000


def test_what_is_too_large_is_refused_without_being_read(server: Server, platform: Platform) -> None:
    for kind in TYPES:
        with server.connect() as connection:
            connection.sendall(server.head(kind, "Content-Length: 900000000000"))
            assert connection.recv(65536).startswith(b"HTTP/1.1 413")
    assert staged(platform) == []


def test_a_body_of_unknown_length_that_becomes_too_large_is_refused(server: Server, platform: Platform) -> None:
    for kind, start in (("raw", b""), ("form", FORM)):
        chunk = start + b"x" * (LIMIT + 2_000_000)
        with server.connect() as connection:
            connection.sendall(server.head(kind, "Transfer-Encoding: chunked") + f"{len(chunk):x}\r\n".encode() + chunk)
            assert answer_of(connection).startswith(b"HTTP/1.1 413")
        assert staged(platform) == []


def test_ranges_over_a_real_connection(server: Server, platform: Platform) -> None:
    data = bytes(range(256)) * 12_000
    with httpx.Client(
        base_url=f"http://127.0.0.1:{server.port}/api/v1",
        headers={"Authorization": f"Bearer {server.token}"},
        timeout=60,
    ) as api:
        api.post("/assets/upload?filename=a", content=data)
        run_uploads(platform)
        path = f"/assets/{api.get('/assets').json()['data'][0]['uuid']}/binary"
        assert api.get(path).content == data
        assert api.get(path, headers={"Range": "bytes=1000000-2500000"}).content == data[1_000_000:2_500_001]
        assert api.head(path).headers["Content-Length"] == str(len(data))
        assert api.get(path, headers={"If-None-Match": api.head(path).headers["ETag"]}).status_code == 304
