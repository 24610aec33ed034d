"""What tests do with a Loom that runs: ask its API until it answers, and look into its database."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg
from sqlalchemy import text

from models.connections import connect
from models.home import Home
from tests.support.settings import PASSWORD, make_settings
from tests.support.waiting import wait_until

_FINAL = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")


class LoomUser(ABC):
    """Somebody who uses a Loom on this machine through its API, `api`, and may look into its home.

    The block runs while it does; what has been started ends with it, also when not all of it could start.
    """

    def __init__(self, home: Home, port: int) -> None:
        self.home = home
        self.port = port
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30)

    def __enter__(self) -> Self:
        try:
            self.open()
            self.sign_in()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()
        self.close()

    @abstractmethod
    def open(self) -> None:
        """Start what is used."""

    @abstractmethod
    def close(self) -> None:
        """End it, as far as it has started, and remove its data."""

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""
        return self.api.request(method, path, **options)

    def sign_in(self) -> None:
        """Log in as the first user."""
        answer = self.send("POST", "/auth/login", json={"username": "admin", "password": PASSWORD})
        assert answer.status_code == httpx.codes.OK, answer.text
        self.api.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request until a server answers it: for times when processes are being killed."""
        answers: list[httpx.Response] = []

        def attempt() -> bool:
            try:
                answers.append(self.send(method, path, **options))
            except httpx.TransportError:
                return False
            return answers[-1].status_code < httpx.codes.INTERNAL_SERVER_ERROR

        wait_until(attempt, 60)
        return answers[-1]

    def make_pool(self, root: Path, name: str = "media") -> str:
        """Create a pool; gives its uuid."""
        answer = self.send("POST", "/asset-pools", json={"name": name, "fsPath": str(root)})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["uuid"])

    def start_scan(self, pool: str) -> str:
        """Submit a scan; gives the task's uuid."""
        answer = self.ask("POST", f"/asset-pools/{pool}/scan")
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.json()["uuid"])

    def wait_for_task(self, task: str, seconds: float = 120, until: Callable[[Any], bool] | None = None) -> Any:
        """Poll a task until it has ended, or until it looks as wanted; gives it."""
        wanted = until or (lambda found: False)
        deadline = time.monotonic() + seconds
        while True:
            found = self.ask("GET", f"/tasks/{task}", params={"wait": 1}).json()
            if found["state"] in _FINAL or wanted(found):
                return found
            assert time.monotonic() < deadline, found

    def wait_for_index(self, seconds: float = 120) -> None:
        """Wait until the text index has all that has happened."""
        deadline = time.monotonic() + seconds
        while self.ask("GET", "/search/status").json()["dirtyCount"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    @contextmanager
    def driver(self) -> Iterator[psycopg.Connection]:
        """Give a bare connection to the embedded database, which commits each statement."""
        engine = connect(make_settings(self.home.path, self.home), connections=1)
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.autocommit = True
            yield driver
            driver.autocommit = False
        engine.dispose()

    def query(self, statement: str) -> list[Any]:
        """Run SQL on the embedded database."""
        engine = connect(make_settings(self.home.path, self.home), connections=1)
        try:
            with engine.begin() as connection:
                result = connection.execute(text(statement))
                return list(result.all()) if result.returns_rows else []
        finally:
            engine.dispose()

    def forget(self, *tables: str) -> None:
        """Empty these tables. TRUNCATE ... CASCADE would also empty what refers to them: by their pictures, users."""
        for table in tables:
            self.query(f'DELETE FROM "{table}"')
