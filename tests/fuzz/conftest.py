"""What the fuzzer needs: an application with something in it, and how much to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from models.search import IndexHome
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.documents import Silent
from web.app import close_app, create_app
from workers.indexing.rebuild import rebuild


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--requests", type=int, default=1_500, help="How many requests the fuzzer sends, about")


@dataclass
class Counting:
    """The application, with a count of the requests that it has answered."""

    app: Any
    requests: int = 0

    def __call__(self, environ: Any, start: Any) -> Any:
        self.requests += 1
        return self.app(environ, start)


@pytest.fixture
def counting(platform: Platform) -> Iterator[Counting]:
    rebuild(platform, IndexHome(platform.settings.loom_home.index), Silent())
    app = create_app(platform)
    yield Counting(app)
    close_app(app)


@pytest.fixture
def signed_in(counting: Counting, client: ApiClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token}"}
