from __future__ import annotations

import socket

import pytest

from compose.client.api import Api
from compose.client.exits import ExitCode, Unreachable, exit_code_of
from models.errors import ConfigurationError, LoomError
from tests.unit.compose_client.server import FakeLoom


def _numbered(count: int) -> list[dict[str, str]]:
    return [{"uuid": f"0000-{number}"} for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_the_iterator_gives_each_element_once(loom: FakeLoom, count: int) -> None:
    loom.lists("/assets", _numbered(count))
    with Api(loom.url) as api:
        assert list(api.elements("/assets")) == _numbered(count)


def test_the_iterator_stops_when_the_cursor_does_not_move(loom: FakeLoom) -> None:
    loom.answers("GET /assets", {"data": [{"uuid": "1"}], "_metainfo": {"lastUuid": "1"}})
    with Api(loom.url) as api:
        assert list(api.elements("/assets")) == [{"uuid": "1"}] * 2


def test_the_iterator_loads_no_page_that_nobody_asks_for(loom: FakeLoom) -> None:
    loom.lists("/assets", _numbered(10))
    with Api(loom.url) as api:
        elements = api.elements("/assets", sort="name")
        assert [next(elements), next(elements)] == _numbered(2)
    assert len(loom.requests) == 1
    assert loom.requests[0].query == {"limit": ["100"], "sort": ["name"]}


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (401, 4), (403, 4), (404, 5), (409, 1), (413, 1), (429, 1), (500, 1), (502, 6), (503, 1), (507, 1)],
)
def test_each_refusal_has_its_exit_code(loom: FakeLoom, status: int, code: int) -> None:
    loom.answers("GET /me", {"message": "Said so.", "statusCode": status}, status)
    with Api(loom.url, "token") as api, pytest.raises(LoomError, match="Said so") as caught:
        api.get("/me")
    assert exit_code_of(caught.value) == code


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (200, b"[]"), (418, b"<html>"), (301, b"")])
def test_another_server_than_loom_is_recognised(loom: FakeLoom, status: int, body: bytes) -> None:
    loom.answers("GET /me", body, status)
    with Api(loom.url) as api, pytest.raises(LoomError, match="is it a Loom server"):
        api.get("/me")


def test_a_server_that_is_down_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with Api(f"http://127.0.0.1:{unused.getsockname()[1]}") as api, pytest.raises(Unreachable) as caught:
            api.get("/health")
    assert exit_code_of(caught.value) == ExitCode.UNREACHABLE


@pytest.mark.parametrize("text", ["", "localhost:8092", "ftp://x", "http://", "http://[::1", "http://x:99999"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Api(text)


@pytest.mark.parametrize("token", ["new\nline", "caf\xe9", "\x00"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError):
        Api("http://localhost", token)
