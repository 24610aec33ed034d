"""GET of one asset against a bare Flask route that reads one row, under the same gunicorn configuration.

One web process each, so that on two cores the client has one to itself. Keep-alive connections, all requests the same.
"""

from __future__ import annotations

import statistics
import time
from socket import create_connection
from threading import Thread

import httpx

from tests.support.serving import fresh_platform, served
from tests.support.settings import PASSWORD

CONNECTIONS = 4
SECONDS = 4.0
ROUNDS = 5


def main() -> None:
    """Print the rates and their ratio."""
    with fresh_platform() as (platform, log):
        settings = platform.settings
        with served("web.wsgi:app", settings, log) as loom, served("tests.bench._bare:app", settings, log) as bare:
            _compare(loom, bare)


def _compare(loom: int, bare: int) -> None:
    token, uuid, sha512 = _prepare(loom)
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, port, path in (
            ("bare Flask, one row", bare, f"/one/{uuid}"),
            ("GET /assets/{uuid}", loom, f"/api/v1/assets/{uuid}"),
            ("GET /assets/sha512/…", loom, f"/api/v1/assets/sha512/{sha512}"),
        ):
            rates.setdefault(name, []).append(_rate(port, path, token))
    floor = statistics.median(rates["bare Flask, one row"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:22} {rate:8,.0f} requests/s   ratio {rate / floor:.2f}", flush=True)


def _prepare(port: int) -> tuple[str, str, str]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60) as api:
        token = api.post("/auth/login", json={"username": "admin", "password": PASSWORD}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"sha512": "ab" * 64, "filename": "a.txt"}
        asset = api.post("/assets", json=body, headers=headers).json()
    return token, asset["uuid"], body["sha512"]


def _rate(port: int, path: str, token: str) -> float:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    counts = [0] * CONNECTIONS
    deadline = time.monotonic() + SECONDS
    threads = [Thread(target=_ask, args=(port, request, deadline, counts, place)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def _ask(port: int, request: bytes, deadline: float, counts: list[int], place: int) -> None:
    """Ask one thing again and again; every answer has the same length."""
    with create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        length = _first_length(connection.recv(65536))
        while time.monotonic() < deadline:
            connection.sendall(request)
            received = 0
            while received < length:
                received += len(connection.recv(65536))
            counts[place] += 1


def _first_length(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
    return len(answer)


if __name__ == "__main__":
    main()
