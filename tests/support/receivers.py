"""A server that is told of events: it keeps what it hears, checks the signature, and answers as it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from standardwebhooks import Webhook

from models.services.webhook_claims import count_due
from models.services.webhook_fanout import Turn, fan_out
from models.wiring import Platform
from tests.support.client import ApiClient
from workers.inline import run_one

Answer = tuple[int, dict[str, str], bytes]
_OK: Answer = (200, {}, b"thanks")


class Heard(NamedTuple):
    """A post: the header `webhook-id`, and the body."""

    id: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def type(self) -> str:
        """Of the event."""
        return str(self.body["type"])


class Receiver:
    """Listens for one webhook. `answer` is asked how to answer each post."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.secret: str | None = None
        self.answer: Callable[[Heard], Answer] = lambda _: _OK

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        """Hear a post."""
        data = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        if self.secret is not None:
            Webhook(self.secret).verify(data, headers)
        heard = Heard(headers["webhook-id"], json.loads(data), headers)
        self.heard.append(heard)
        status, more, body = self.answer(heard)
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **more}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    @property
    def types(self) -> list[str]:
        """Of the events, in the order in which they came."""
        return [heard.type for heard in self.heard]


def answering(status: int = 500, **headers: str) -> Callable[[Heard], Answer]:
    """Give an `answer` that is always the same, and no success unless that is said."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (status, told, b"no")


def deliveries_of(client: ApiClient, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    """List the deliveries of a webhook, the newest first."""
    found: list[dict[str, Any]] = client.get(f"/webhooks/{webhook['uuid']}/deliveries", query_string=query)["data"]
    return found


def deliver_all(platform: Platform) -> None:
    """Do what the scheduler and the workers do, until nothing is due."""
    turn = Turn.MORE
    while turn is Turn.MORE:
        with platform.unit_of_work() as uow:
            turn = fan_out(uow, platform.reading)
            uow.commit()
    while run_one(platform, "webhooks"):
        pass
    with platform.unit_of_work() as uow:
        assert count_due(uow, 1) == 0


def make_due(platform: Platform) -> None:
    """Let the time pass until everything that waits is tried again."""
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE webhook_delivery SET due = now() WHERE state = 'PENDING'")
        uow.execute("UPDATE webhook SET open_until = NULL")
        uow.commit()
