"""A whole Loom for tests: `loom up` on a home and a port of its own, its processes to be killed by real signals."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
import psycopg
from sqlalchemy import text

from compose.engines import destroy
from models.db import connect
from models.home import Home
from models.settings import child_environment
from tests.support.settings import PASSWORD, make_settings
from tests.support.waiting import wait_until

_START_SECONDS = 90
_STOP_SECONDS = 12
_SHOWN_OF_LOG = 6_000
_FINAL = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class RunningLoom:
    """`loom up` as a child process, without the default pipeline. Leaving the block stops it and removes its data."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.home = Home(folder / "home")
        self.port = free_port()
        self.log = folder / "loom.log"
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=30)

    def __enter__(self) -> Self:
        self.start()
        self.sign_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()
        # Shown by pytest when the test has failed.
        print(self.log.read_text(errors="replace")[-_SHOWN_OF_LOG:])
        self.stop(signal.SIGTERM)
        destroy(self.home)

    def start(self) -> None:
        """Start, and wait until it answers."""
        environment = child_environment(
            LOOM_HOME=str(self.home.path), LOOM_SERVER_REST_PORT=str(self.port), LOOM_INITIAL_PASSWORD=PASSWORD,
            LOOM_STORAGE_MIN_FREE_SPACE="0", **{"LOOM_DEFAULT_PIPELINE": "0", **self._variables},
        )  # fmt: skip
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "compose.cli", "up"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._answers, _START_SECONDS)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(errors="replace")[-4000:]
        try:
            return self.api.get("/health").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals) -> int:
        """Ask it to stop and wait; gives the exit code. Nothing may be left running."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children(recursive=True) if self._process.poll() is None else []
        self._process.send_signal(how)
        code = self._process.wait(_STOP_SECONDS)
        left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        assert not left, left
        return code

    def sign_in(self) -> None:
        """Log in as the first user."""
        answer = self.api.post("/auth/login", json={"username": "admin", "password": PASSWORD})
        assert answer.status_code == httpx.codes.OK, answer.text
        self.api.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def processes(self, *words: str) -> list[psutil.Process]:
        """All processes of this Loom whose command line holds each of the words."""
        assert self._process is not None
        found = psutil.Process(self._process.pid).children(recursive=True)
        return [process for process in found if all(word in _command_line(process) for word in words)]

    def kill(self, *words: str) -> psutil.Process:
        """SIGKILL the first process whose command line holds each of the words."""
        wait_until(lambda: self.processes(*words))
        victim = self.processes(*words)[0]
        victim.kill()
        return victim

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request until a server answers it: for times when processes are being killed."""
        answers: list[httpx.Response] = []

        def attempt() -> bool:
            try:
                answers.append(self.api.request(method, path, **options))
            except httpx.TransportError:
                return False
            return answers[-1].status_code < httpx.codes.INTERNAL_SERVER_ERROR

        wait_until(attempt, 60)
        return answers[-1]

    def make_pool(self, root: Path, name: str = "media") -> str:
        """Create a pool; gives its uuid."""
        answer = self.api.post("/asset-pools", json={"name": name, "fsPath": str(root)})
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

    def peak_memory(self) -> dict[str, float]:
        """Give the largest resident size so far, in MiB, of each kind of Loom process."""
        kinds = {"web": "gunicorn", "hash": "dramatiq hash", "general": "dramatiq bulk", "indexer": "indexer",
                 "scheduler": "scheduler"}  # fmt: skip
        return {name: max(map(_peak, self.processes(*words.split())), default=0.0) for name, words in kinds.items()}


def _peak(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
