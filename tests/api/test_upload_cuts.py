"""Uploads that resume over real connections that are cut, hang or stall; and a client that somebody else wrote."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from tusclient.client import TusClient

from models.permissions import Actor
from models.wiring import Platform
from tests.support.assets import DATA, find_asset, is_kept, run_uploads, staged
from tests.support.client import ApiClient
from tests.support.platforms import rows
from tests.support.serving import served
from tests.support.waiting import wait_until

PIECE = "application/offset+octet-stream"
PATIENCE = 5
_LITTLE = 1_000


class Server:
    """A Loom that is served, and one who has signed in there."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=self.headers, timeout=60)

    def begin(self, size: int) -> str:
        return self.http.post("/api/v1/uploads", headers={"Upload-Length": str(size)}).headers["Location"]

    def offset(self, path: str) -> int:
        return int(self.http.head(path).headers["Upload-Offset"])

    def send(self, path: str, offset: int, data: bytes) -> httpx.Response:
        return self.http.patch(path, content=data, headers={"Upload-Offset": str(offset), "Content-Type": PIECE})

    def open(self, method: str, path: str, length: int, **headers: str) -> socket.socket:
        """Send the head of a request."""
        connection = socket.create_connection(("127.0.0.1", self.port), 60)
        given = {**self.headers, "Host": "loom", "Content-Type": PIECE, "Content-Length": str(length), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
        connection.sendall("\r\n".join(lines).encode())
        return connection


@pytest.fixture
def server(platform: Platform, client: ApiClient, tmp_path: Path) -> Iterator[Server]:
    limits = {"LOOM_BODY_TIMEOUT": str(PATIENCE), "LOOM_MAX_BODY_SIZE": "65536"}
    with served("web.wsgi:app", platform.settings, tmp_path / "log", **limits) as port:
        assert client.token
        server = Server(port, client.token)
        yield server
        server.http.close()


def require_stored(platform: Platform, actor: Actor) -> None:
    run_uploads(platform)
    assert find_asset(platform, DATA, actor)
    assert is_kept(platform, DATA)
    assert staged(platform) == []


def test_a_cut_costs_nothing_of_what_has_come_in(server: Server, platform: Platform, actor: Actor) -> None:
    path = server.begin(len(DATA))
    for part in (300_000, 1_200_000):
        offset = server.offset(path)
        with server.open("PATCH", path, len(DATA) - offset, **{"Upload-Offset": str(offset)}) as connection:
            connection.sendall(DATA[offset : offset + part])
        wait_until(partial(_has_come_to, server, path, offset + part))
    assert server.send(path, 1_500_000, DATA[1_500_000:]).status_code == 204
    require_stored(platform, actor)


def _has_come_to(server: Server, path: str, offset: int) -> bool:
    return _state(server, path) == offset


def _state(server: Server, path: str) -> int:
    """Look how far an upload is without ending what goes on."""
    return int(server.http.get(path).json()["offset"])


def test_a_request_that_hangs_is_taken_over_at_once(server: Server, platform: Platform, actor: Actor) -> None:
    path = server.begin(len(DATA))
    with server.open("PATCH", path, len(DATA), **{"Upload-Offset": "0"}) as stale:
        stale.sendall(b"x" * 1_200_000)
        wait_until(lambda: staged(platform))
        offset = server.offset(path)
        assert server.send(path, offset, DATA[offset:]).status_code == 204
        stale.sendall(b"x" * (len(DATA) - 1_200_000))
        answer = stale.recv(65536)
    assert answer.startswith(b"HTTP/1.1 409"), answer
    require_stored(platform, actor)


def test_what_was_safe_of_a_request_stays_when_it_is_taken_over(
    server: Server, platform: Platform, actor: Actor
) -> None:
    path, start, offset = server.begin(len(DATA)), 1_600_000, 0
    with server.open("PATCH", path, len(DATA), **{"Upload-Offset": "0"}) as stale:
        stale.sendall(DATA[:start])

        def send_more() -> int:
            """The line is slow, not silent: what is read at once takes longer than the patience with silence."""
            nonlocal start, offset
            stale.sendall(DATA[start : start + _LITTLE])
            start += _LITTLE
            offset = _state(server, path)
            return offset

        wait_until(send_more, 60)
        writer = rows(platform, "SELECT writer FROM upload")
        with server.open("PATCH", path, 1, **{"Upload-Offset": str(offset)}):
            wait_until(lambda: rows(platform, "SELECT writer FROM upload") != writer)
            stale.sendall(b"x" * (len(DATA) - start))
            assert stale.recv(65536).startswith(b"HTTP/1.1 409")
    assert server.offset(path) == offset
    assert server.send(path, offset, DATA[offset:]).status_code == 204
    require_stored(platform, actor)


def test_a_body_that_stalls_is_given_up(server: Server, platform: Platform) -> None:
    path = server.begin(len(DATA))
    requests = (
        (server.open("PATCH", path, len(DATA), **{"Upload-Offset": "0"}), DATA[:700_000]),
        (server.open("POST", "/api/v1/assets/upload?filename=a", len(DATA)), DATA[:1_500_000]),
        (server.open("POST", "/api/v1/tags", 20, **{"Content-Type": "application/json"}), b"{"),
    )
    for connection, start in requests:
        connection.sendall(start)
    for connection, _ in requests:
        with connection:
            assert connection.recv(65536).startswith(b"HTTP/1.1 408")
    assert 700_000 - 256 * 1024 <= server.offset(path) <= 700_000  # what a read had not got together is lost
    server.http.delete(path)
    assert staged(platform) == []


def test_a_published_client(server: Server, platform: Platform, actor: Actor) -> None:
    client = TusClient(f"http://127.0.0.1:{server.port}/api/v1/uploads", headers=server.headers)
    uploader = client.uploader(
        file_stream=io.BytesIO(DATA), chunk_size=700_000, metadata={"filename": "a.bin"}, upload_checksum=True
    )
    uploader.upload(stop_at=1_400_000)
    resumed = client.uploader(file_stream=io.BytesIO(DATA), url=uploader.url, chunk_size=400_000)
    assert resumed.offset == 1_400_000
    resumed.upload()
    require_stored(platform, actor)
    asset = find_asset(platform, DATA, actor)
    assert asset
    assert asset.filename == "a.bin"
