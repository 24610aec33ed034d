"""What the fuzzer needs: an application with something in it, and how much to try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from models.search import IndexHome
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.documents import Silent
from tests.support.settings import PASSWORD
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
def sign_in(counting: Counting) -> Callable[[], dict[str, str]]:
    """Gives the headers of a request by the first user."""

    def sign() -> dict[str, str]:
        answer = ApiClient(counting.app).post("/auth/login", {"username": "admin", "password": PASSWORD})
        return {"Authorization": f"Bearer {answer['token']}"}

    return sign
