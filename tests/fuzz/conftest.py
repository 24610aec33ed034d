"""What the fuzzer needs: an application with something in it, and how much to try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from schemathesis.transport.wsgi import WSGITransport

from models.search import IndexHome
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.documents import Silent
from tests.support.settings import PASSWORD
from tests.support.spaces import key_of
from web.app import close_app, create_app
from web.tus import PIECE_TYPE
from workers.indexing.rebuild import rebuild

schemathesis.serializer.alias(PIECE_TYPE, "application/octet-stream")
SignIn = Callable[[], dict[str, str]]
_SOCKET_OPTIONS = frozenset({"max_redirects", "verify", "cert", "proxies"})


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what only sockets know from the application, to which the check of signing in would hand it."""
    send = WSGITransport.send

    def send_plainly(transport: WSGITransport, case: Any, **options: Any) -> Any:
        return send(transport, case, **{name: value for name, value in options.items() if name not in _SOCKET_OPTIONS})

    monkeypatch.setattr(WSGITransport, "send", send_plainly)


@dataclass
class Counting:
    """The application, with a count of the answers that it has given, by status, and to whom it knows."""

    app: Any
    answers: Counter[int] = field(default_factory=Counter)
    answers_to_user: Counter[int] = field(default_factory=Counter)
    user: str = "nobody yet"

    def __call__(self, environ: Any, start: Any) -> Any:
        def counted(status: str, *more: Any) -> Any:
            self.answers[int(status[:3])] += 1
            self.answers_to_user[int(status[:3])] += environ.get("HTTP_AUTHORIZATION") == self.user
            return start(status, *more)

        return self.app(environ, counted)

    def report(self, phase: str) -> None:
        """Show what was tried; who signed in must have been let in, or all of it says little."""
        print(f"{phase}: {self.answers.total()} requests; {dict(sorted(self.answers.items()))}")
        assert self.answers_to_user[401] < self.answers_to_user.total() / 10


@pytest.fixture
def counting(platform: Platform) -> Iterator[Counting]:
    rebuild(platform, IndexHome(platform.settings.loom_home.index), Silent())
    app = create_app(platform)
    yield Counting(app)
    close_app(app)


@pytest.fixture
def sign_in(counting: Counting) -> SignIn:
    """Gives the headers of a request by the first user, with a key: to sign out is among what is tried."""

    def sign() -> dict[str, str]:
        anonymous = ApiClient(counting.app)
        login = anonymous.post("/auth/login", {"username": "admin", "password": PASSWORD})["token"]
        counting.user = f"Bearer {key_of(ApiClient(counting.app, login), 'fuzzer').token}"
        return {"Authorization": counting.user}

    return sign
