"""What some tests of the API work with: an identity provider, and a server that webhooks call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.identity import Person, Provider, running_provider
from tests.support.receivers import Receiver, deliver_all
from tests.support.web_servers import fetching_from_here, web_server

PEOPLE = (
    Person("subject-of-jane", "jane", "jane@example.com", is_verified=True),
    Person("subject-of-impostor", "admin", "boss@example.com", given_name="Eve"),
    Person("subject-of-nameless", None, "no.name@example.com", is_verified=True, given_name=None),
    Person("subject-of-nobody", None, None),
)


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running_provider(tmp_path_factory.mktemp("provider"), *PEOPLE) as provider:
        yield provider


@pytest.fixture
def open_platform(platform: Platform) -> Platform:
    """A platform that may call this machine. What has happened so far, no webhook hears of."""
    platform = fetching_from_here(platform)
    deliver_all(platform)
    return platform


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def receiver_url(receiver: Receiver) -> Iterator[str]:
    with web_server(receiver) as address:
        yield address


@pytest.fixture
def webhook(client: ApiClient, receiver: Receiver, receiver_url: str) -> dict[str, Any]:
    """A webhook that tells the receiver of new tags."""
    body = {"url": receiver_url, "triggers": ["TAG_CREATED"]}
    made: dict[str, Any] = client.post("/webhooks", body, expect=201)
    receiver.secret = made["secretToken"]
    return made
