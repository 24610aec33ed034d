"""Live events over real sockets, served by gunicorn: order, resumption, other spaces, slow clients, the end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from models.events import STREAM_JOINED, NewEvent
from models.home import Home
from models.ids import new_id
from models.permissions import Actor
from models.wiring import Platform
from scheduler.relay import EventRelay
from tests.support.serving import served
from tests.support.settings import PASSWORD, make_settings
from tests.support.waiting import wait_until
from web.auth import COOKIE
from web.hub import Hub
from web.subscribers import Subscriber

PATHS = ("/api/v1/pipelines/events/ws", "/api/v1/events/ws")


@pytest.fixture(scope="module")
def server(engines: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("live")
    with served("web.wsgi:app", make_settings(folder / "home", engines), folder / "web.log") as port:
        yield port
    log = (folder / "web.log").read_text()
    assert "Traceback" not in log, log


@pytest.fixture
def port(platform: Platform, server: int) -> int:
    return server


@pytest.fixture
def token(port: int) -> str:
    return _sign_in(port)


def _sign_in(port: int) -> str:
    login = {"username": "admin", "password": PASSWORD}
    answer = httpx.post(f"http://127.0.0.1:{port}/api/v1/auth/login", json=login, timeout=60)
    return str(answer.json()["token"])


@pytest.fixture
def relay(platform: Platform) -> Iterator[None]:
    """The relay, as the scheduler runs it."""
    stopping = Event()

    def run() -> None:
        relay = EventRelay(platform)
        while not stopping.is_set():
            if not relay.run_once():
                platform.bus.wait_for_ring(0.1)

    thread = Thread(target=run)
    thread.start()
    yield
    stopping.set()
    thread.join()


def _connect(port: int, token: str | None, path: str = PATHS[1], **query: object) -> ClientConnection:
    given = "&".join(f"{name}={value}" for name, value in {**({"token": token} if token else {}), **query}.items())
    return connect(f"ws://127.0.0.1:{port}{path}?{given}", open_timeout=20)


def _publish(platform: Platform, space_id: UUID, count: int = 1, **data: object) -> list[str]:
    """Write events, each in a transaction of its own; gives their subjects."""
    subjects = [new_id() for _ in range(count)]
    for subject in subjects:
        with platform.unit_of_work() as uow:
            uow.publish(NewEvent("task.updated", space_id, subject, None, data))
            uow.commit()
    return [str(subject) for subject in subjects]


def _publish_at_once(platform: Platform, space_id: UUID, count: int) -> list[str]:
    subjects = [new_id() for _ in range(count)]
    with platform.unit_of_work() as uow:
        for subject in subjects:
            uow.publish(NewEvent("task.updated", space_id, subject))
        uow.commit()
    return [str(subject) for subject in subjects]


def _receive(connection: ClientConnection, count: int, timeout: float = 20) -> list[dict[str, Any]]:
    """Give the next frames of events."""
    frames: list[dict[str, Any]] = []
    while len(frames) < count:
        frame = json.loads(connection.recv(timeout=timeout))
        if frame["type"] != STREAM_JOINED:
            frames.append(frame)
    return frames


def _join(connection: ClientConnection) -> dict[str, Any]:
    """Wait until a client that missed nothing hears what comes."""
    frame: dict[str, Any] = json.loads(connection.recv(timeout=20))
    assert (frame["channel"], frame["type"]) == ("STREAM", STREAM_JOINED)
    return frame


def _subjects(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["uuid"] for frame in frames]


@pytest.mark.parametrize(
    ("token", "reason"), [(None, "missing token"), ("nonsense", "invalid token"), ("a.b.c", "invalid token")]
)
def test_without_a_good_token_the_socket_closes(port: int, token: str | None, reason: str) -> None:
    with _connect(port, token) as connection, pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, reason)


@pytest.mark.usefixtures("relay")
def test_every_way_to_carry_the_token(platform: Platform, actor: Actor, port: int, token: str) -> None:
    url = f"ws://127.0.0.1:{port}"
    with (
        connect(f"{url}{PATHS[0]}?token={token}") as by_query,
        connect(f"{url}{PATHS[1]}", additional_headers={"Authorization": f"Bearer {token}"}) as by_header,
        connect(f"{url}{PATHS[0]}", additional_headers={"Cookie": f"{COOKIE}={token}"}) as by_cookie,
    ):
        for connection in (by_query, by_header, by_cookie):
            _join(connection)
        (subject,) = _publish(platform, actor.space_id, 1, state="RUNNING")
        frames = [_receive(connection, 1)[0] for connection in (by_query, by_header, by_cookie)]
    assert frames[0] == frames[1] == frames[2]
    assert frames[0]["channel"] == "TASK"
    assert (frames[0]["type"], frames[0]["uuid"], frames[0]["data"]) == ("task.updated", subject, {"state": "RUNNING"})
    assert abs(frames[0]["timestamp"] / 1000 - time.time()) < 60
    assert isinstance(frames[0]["id"], int)


@pytest.mark.usefixtures("relay")
def test_events_come_in_order_and_only_those_of_the_space(
    platform: Platform, actor: Actor, port: int, token: str
) -> None:
    with _connect(port, token) as connection:
        _join(connection)
        expected = []
        for _ in range(50):
            expected += _publish(platform, actor.space_id, 3)
            _publish(platform, new_id(), 1)
        assert _subjects(_receive(connection, 150)) == expected
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.5)


def test_whoever_joins_is_told_where_and_can_come_back_there(
    platform: Platform, actor: Actor, port: int, token: str
) -> None:
    _publish(platform, actor.space_id, 3)
    with _connect(port, token) as connection:
        place = _join(connection)["id"]
    missed = _publish(platform, actor.space_id, 2)
    with _connect(port, token, since=place) as connection:
        assert _subjects(_receive(connection, 2)) == missed
        assert _join(connection)["id"] > place


@pytest.mark.usefixtures("relay")
def test_a_client_goes_on_where_it_left_off(platform: Platform, actor: Actor, port: int, token: str) -> None:
    before = _publish_at_once(platform, actor.space_id, 1200)
    with _connect(port, token, since=0) as connection:
        frames = _receive(connection, 700)
    assert _subjects(frames) == before[:700]

    def keep_publishing() -> None:
        for _ in range(300):
            later.extend(_publish(platform, actor.space_id))

    later: list[str] = []
    thread = Thread(target=keep_publishing)
    thread.start()
    wait_until(lambda: len(later) > 10)
    with _connect(port, token, since=frames[-1]["id"]) as connection:
        received = _subjects(_receive(connection, 800))
    thread.join()
    assert received == before[700:] + later


@pytest.mark.parametrize(
    ("since", "code"), [("x", 4400), ("-1", 4400), ("9" * 30, 4400), ("", 4400), ("123456789", 4410)]
)
def test_a_since_that_means_nothing(port: int, token: str, since: str, code: int) -> None:
    with _connect(port, token, since=since) as connection, pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_what_the_bus_loses_is_read_from_the_log(platform: Platform, actor: Actor, port: int, token: str) -> None:
    """There is no relay here at all."""
    with _connect(port, token) as connection:
        _join(connection)
        expected = _publish(platform, actor.space_id, 20)
        assert _subjects(_receive(connection, 20)) == expected


def test_frames_without_a_position_pass_by(platform: Platform, actor: Actor, port: int, token: str) -> None:
    frame = {"channel": "TASK", "type": "task.progressed", "uuid": "u", "space": str(actor.space_id), "data": {}}
    with _connect(port, token) as connection:
        _join(connection)
        platform.bus.publish({"events": [frame]})
        assert _receive(connection, 1) == [frame]


def test_a_plain_request_is_told_that_this_is_a_socket(port: int, token: str) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}{PATHS[0]}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 400
    assert answer.json()["statusCode"] == 400


@pytest.mark.parametrize(
    "given", [{}, {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "99"}]
)
def test_a_handshake_that_is_none_is_refused(port: int, token: str, given: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Connection": "Upgrade", "Upgrade": "websocket", **given}
    answer = httpx.get(f"http://127.0.0.1:{port}{PATHS[0]}", headers=headers)
    assert (answer.status_code, answer.json()["statusCode"], answer.json()["code"]) == (400, 400, "bad-handshake")


@pytest.mark.usefixtures("relay")
def test_a_client_that_does_not_read_harms_nobody(platform: Platform, actor: Actor, port: int, token: str) -> None:
    with _deaf_client(port, token), _connect(port, token) as connection:
        _join(connection)
        large = "x" * 100_000
        received: list[str] = []
        for _ in range(60):
            _publish(platform, actor.space_id, 1, large=large)
            received += _subjects(_receive(connection, 1))
        assert len(set(received)) == 60


@contextmanager
def _deaf_client(port: int, token: str) -> Iterator[None]:
    with socket.create_connection(("127.0.0.1", port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(
            f"GET {PATHS[0]}?token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert deaf.recv(12) == b"HTTP/1.1 101"
        yield


def test_the_server_says_goodbye(platform: Platform, tmp_path: Path) -> None:
    with ExitStack() as stack:
        with served("web.wsgi:app", platform.settings, tmp_path / "web.log") as port:
            connection = stack.enter_context(_connect(port, _sign_in(port)))
            _join(connection)
            started = time.monotonic()
        # Leaving the block has sent SIGTERM and waited for the end of the process.
        assert time.monotonic() - started < 8
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_the_hub_heals_gaps_and_drops_repetitions(
    platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    hub, listener = Hub(platform), Subscriber(actor)
    assert hub.join(listener, None).count(STREAM_JOINED.encode()) == 1
    frames: list[dict[str, Any]] = []

    expected = []
    relay = EventRelay(platform)
    relay.run_once()
    with monkeypatch.context() as patch:
        patch.setattr(platform.bus, "publish", frames.append)
        for _ in range(6):
            expected += _publish(platform, actor.space_id, 2)
            relay.run_once()
    taken = listener.take(0)
    for index in (0, 0, 3, 2, 1, 5, 4, 5, 0):
        hub._handle(frames[index])
        taken += listener.take(0)
    hub.close()
    positions = [taken.find(subject.encode()) for subject in expected]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert all(taken.count(subject.encode()) == 1 for subject in expected)


def test_of_a_flood_who_listens_misses_nothing(
    platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    heard, deaf, listener = Hub(platform), Hub(platform), Subscriber(actor)
    heard.join(listener, None)
    gone = Subscriber(actor)
    deaf.join(gone, None)
    deaf.leave(gone)
    relay = EventRelay(platform)
    frames: list[dict[str, Any]] = []
    relay.run_once()
    listener.take(0)
    with monkeypatch.context() as patch:
        patch.setattr(platform.bus, "publish", frames.append)
        expected = _publish(platform, actor.space_id, 700)
        relay.run_once()
        expected += _publish(platform, actor.space_id, 1)
        relay.run_once()
    assert [frame["events"] is None for frame in frames] == [True, False]
    taken = b""
    for frame in frames:
        heard._handle(frame)
        deaf._handle(frame)
        taken += listener.take(0)
    positions = [taken.find(subject.encode()) for subject in expected]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert heard._position == deaf._position
    for hub in (heard, deaf):
        hub.close()


def test_a_hub_starts_again_after_trouble(platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, listener = Hub(platform), Subscriber(actor)
    hub.join(listener, None)
    broken = Event()
    original = hub.read_since

    def fail_once(position: Any) -> Any:
        if not broken.is_set():
            broken.set()
            raise OSError("the database is away")
        return original(position)

    monkeypatch.setattr(hub, "read_since", fail_once)
    (subject,) = _publish(platform, actor.space_id)
    wait_until(lambda: subject.encode() in listener.take(0), 10)
    assert broken.is_set()
    hub.close()
