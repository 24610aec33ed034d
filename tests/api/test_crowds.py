"""More requests at once than can be served: those that would wait too long are told at once to come later."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from models.connections import MOST_WAITING, CountingPool
from models.settings import Settings
from models.wiring import Platform, build
from tests.support.client import ApiClient
from tests.support.waiting import wait_until
from web.app import close_app, connect_app

_CONNECTIONS = 2
_CROWD = _CONNECTIONS * MOST_WAITING


@pytest.fixture
def small(client: ApiClient, settings: Settings) -> Iterator[Platform]:
    """What serves the client: a process with two connections."""
    platform = build(settings, connections=_CONNECTIONS)
    close_app(client.app)
    connect_app(client.app, platform)
    yield platform
    platform.close()


def test_a_crowd_is_served_and_who_comes_on_top_is_sent_away(client: ApiClient, small: Platform) -> None:
    pool = small.engine.pool
    assert isinstance(pool, CountingPool)
    with ThreadPoolExecutor(_CROWD) as crowd, ExitStack() as busy:
        for _ in range(_CONNECTIONS):
            busy.enter_context(small.engine.connect())
        waiting = [crowd.submit(client.get, "/me") for _ in range(_CROWD)]
        wait_until(lambda: pool.waiting == _CROWD)
        refused = client.request("GET", "/me", expect=503)
        assert (refused.json["code"], int(refused.headers["Retry-After"]) >= 1) == ("crowded", True)
        busy.close()
        assert {each.result()["username"] for each in waiting} == {"admin"}
    assert pool.waiting == 0
    client.get("/me")


def test_who_is_let_in_already_is_not_sent_away(client: ApiClient, small: Platform) -> None:
    """Listeners all look again who they are when somebody's rights change."""
    pool = small.engine.pool
    assert isinstance(pool, CountingPool)

    def look_again() -> int:
        with small.reading() as uow:
            return len(uow.fetch("SELECT 1"))

    with ThreadPoolExecutor(2 * _CROWD) as crowd, ExitStack() as busy:
        for _ in range(_CONNECTIONS):
            busy.enter_context(small.engine.connect())
        waiting = [crowd.submit(look_again) for _ in range(2 * _CROWD)]
        wait_until(lambda: pool.waiting == 2 * _CROWD)
        busy.close()
        assert sum(each.result() for each in waiting) == 2 * _CROWD
