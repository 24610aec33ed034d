from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from models.errors import InvalidInput
from models.fetching import FetchFailed, TryAgain, check_url, fetch
from models.guarded_net import Network, Refused, is_reachable
from tests.support.web_servers import send, web_server

HERE: tuple[Network, ...] = (ip_network("127.0.0.1/32"),)
NOT_PUBLIC = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::",
    "2001:0:7f00:1::", "fec0::1",
)  # fmt: skip


def load(url: str, allowed: tuple[Network, ...] = HERE, seconds: float = 20) -> bytes:
    with fetch(url, allowed, seconds) as fetched:
        return b"".join(fetched.chunks)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_reachable(ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are(address: str) -> None:
    assert is_reachable(ip_address(address), ())


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "//host/x", "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "http://",
        "http:///x", "http://a:99999/", "http://a:0/", "http://user@example.org/", "http://user:pass@example.org/",
        "http://exämple.org/", "http://example.org/ x", "http://example.org/\r\nX: y", "http://[::1/",
    ],
)  # fmt: skip
def test_what_is_no_address_to_fetch_from(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "0"]
)
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    asked = []
    with web_server(lambda handler: asked.append(handler.path)) as url:
        port = url.rpartition(":")[2]
        with pytest.raises((Refused, TryAgain)):
            load(f"http://{host}:{port}/secret", ())
    assert not asked


def test_a_redirect_to_this_machine_is_not_followed() -> None:
    asked = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        send(handler, status=302, Location=f"http://127.0.0.2:{handler.server.server_address[1]}/secret")  # type: ignore[index]

    with web_server(answer) as url, pytest.raises(Refused):
        load(f"{url}/open")
    assert asked == ["/open"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://u:p@127.0.0.1/", "gopher://x/"])
def test_redirects_to_what_is_no_address(location: str) -> None:
    redirect = web_server(lambda handler: send(handler, status=301, Location=location))
    with redirect as url, pytest.raises((InvalidInput, FetchFailed)):
        load(url)


def test_a_name_that_means_something_else_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when it is looked at, this machine when it is connected to."""
    asked: list[Any] = []
    public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", 80))]
    connected: list[Any] = []

    def resolve(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        answer = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(*public[0][:4], (answer, 80))]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(TryAgain):
        load("http://rebinding.example/", ())
    assert (asked, connected) == (["rebinding.example"], ["8.8.8.8"])


def test_one_bad_address_among_good_ones_spoils_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    with pytest.raises(Refused):
        load("http://both.example/", ())


def test_redirects_are_followed_to_a_bound() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        number = int(handler.path.strip("/") or 0)
        if number < 5:
            send(handler, status=307, Location=f"/{number + 1}")
        else:
            send(handler, b"there")

    with web_server(answer) as url:
        assert load(url) == b"there"
    with web_server(lambda handler: send(handler, status=302, Location="/")) as url, pytest.raises(FetchFailed):
        load(url)


@pytest.mark.parametrize(
    ("status", "error"), [(404, FetchFailed), (206, FetchFailed), (503, TryAgain), (500, TryAgain)]
)
def test_answers_that_are_none(status: int, error: type[Exception]) -> None:
    with web_server(lambda handler: send(handler, b"x", status)) as url, pytest.raises(error):
        load(url)


def test_what_is_compressed_is_refused() -> None:
    with web_server(lambda handler: send(handler, b"x", Content_Encoding="gzip")) as url, pytest.raises(FetchFailed):
        load(url)


def test_an_answer_that_breaks_off_may_be_tried_again() -> None:
    with web_server(lambda handler: send(handler, b"x", Content_Length="5")) as url, pytest.raises(TryAgain):
        load(url)


def test_a_server_that_drips_is_given_up() -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 1000)

    with web_server(drip) as url, pytest.raises(FetchFailed, match="too long"):
        load(url, seconds=0.2)


def test_a_name_without_a_host() -> None:
    with pytest.raises(TryAgain):
        load("http://nobody.invalid/")
