"""A larger installation on one machine: two webs, two schedulers, four workers and an indexer on shared engines.

Each is a process of its own, as under systemd or in containers: nothing restarts it but the test.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

from compose.children import Child
from compose.engines import EmbeddedPostgres, EmbeddedRedis, destroy, wait_ready
from models.home import Home
from models.settings import child_environment
from tests.support.hosts import FarHost, succeeds
from tests.support.loom_user import LoomUser
from tests.support.running_loom import free_port
from tests.support.settings import PASSWORD
from tests.support.waiting import wait_until

_START_SECONDS = 90
STOP_SECONDS = 30
_LOOM = (sys.executable, "-P", "-u", "-m", "compose.cli")
WORKERS = {
    "worker-1": ("worker", "--queues", "interactive,bulk,media,maintenance", "--threads", "2"),
    "worker-2": ("worker", "--queues", "interactive,bulk,media,maintenance", "--threads", "2"),
    "worker-3": ("worker", "--queues", "hash,webhooks", "--threads", "2"),
    "worker-4": ("worker", "--queues", "hash,webhooks", "--threads", "2"),
}
PROCESSES = {
    "web-1": ("web",), "web-2": ("web",), "scheduler-1": ("scheduler",), "scheduler-2": ("scheduler",), **WORKERS,
    "indexer": ("indexer",),
}  # fmt: skip
WEBS, SCHEDULERS = ("web-1", "web-2"), ("scheduler-1", "scheduler-2")
FAR = frozenset({"web-2", "scheduler-2", "worker-2"})
"""Those that run on the other host, where there is one."""


class Topology(LoomUser):
    """All processes of the installation, to be stopped, killed and started again one by one."""

    def __init__(self, folder: Path, *, disk_megabytes: int = 0, hosts: int = 1, **variables: str) -> None:
        super().__init__(Home(folder / "home"), free_port())
        self.folder = folder
        self.ports = dict(zip(WEBS, (self.port, free_port()), strict=True))
        self.gone_over = 0
        """Requests that the first web asked could not take, so that the other one got them."""
        self._variables = {
            "LOOM_DEFAULT_PIPELINE": "0", "LOOM_STORAGE_MIN_FREE_SPACE": "0", "LOOM_SECRET_KEY": PASSWORD * 2,
            **variables,
        }  # fmt: skip
        self._hosts = hosts
        self.far: FarHost | None = None
        """The second host, where one was asked for and may be made."""
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._disk_megabytes = disk_megabytes
        self.has_small_disk = False
        """Whether blobs lie on a disk of their own of `disk_megabytes`: where this may be mounted."""
        self._engines = {
            engine.program().name: Child(engine.program(), lambda *_: None)
            for engine in (EmbeddedPostgres(self.home), EmbeddedRedis(self.home))
        }
        self.code: Path | None = None
        """Where the Loom lies that processes are started of; None: this one."""
        self._turn = 0

    def open(self) -> None:
        """Start everything."""
        self.home.path.mkdir(exist_ok=True)
        if self._disk_megabytes:
            self.home.blobs.mkdir()
            options = ["-o", f"size={self._disk_megabytes}m,mode=0700"]
            self.has_small_disk = succeeds("mount", "-t", "tmpfs", *options, "tmpfs", str(self.home.blobs))
        for engine in self._engines.values():
            engine.start()
            wait_ready(engine)
        if self._hosts > 1:
            far = FarHost(self.home)
            self.far = far if far.exists else None
        self.migrate()
        for name in PROCESSES:
            self.start(name)
        for name in PROCESSES:
            self.wait_ready(name)

    def migrate(self) -> None:
        """Bring the tables up to date."""
        with self._log("migrate") as log:
            subprocess.run([*_LOOM, "migrate"], env=self._environment("migrate"), stdout=log, stderr=log, check=True)

    def close(self) -> None:
        """Kill everything, and remove the data."""
        for name in list(self._running):
            self._running[name].send_signal(signal.SIGCONT)
            self.end(name, signal.SIGKILL)
        for engine in self._engines.values():
            engine.kill()
            engine.wait(STOP_SECONDS)
        if self.far:
            self.far.close()
        destroy(self.home)
        if self.has_small_disk:
            succeeds("umount", str(self.home.blobs))

    def start(self, name: str) -> None:
        """Start one process."""
        command, environment = [*_LOOM, *PROCESSES[name]], self._environment(name)
        if self.far and name in FAR:
            command = self.far.command(*command)
        with self._log(name) as log:
            self._running[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill_engine(self, name: str) -> None:
        """Kill `postgres` or `redis`, and start it again. From the main thread, see `Child`."""
        engine = self._engines[name]
        engine.kill()
        engine.wait(STOP_SECONDS)
        engine.start()
        wait_ready(engine)

    def engine_process(self, name: str) -> psutil.Process:
        """The process of `postgres` or `redis`."""
        return psutil.Process(self._engines[name].pid)

    def revive(self) -> None:
        """Start each process again that has ended."""
        for name in [name for name, process in self._running.items() if process.poll() is not None]:
            self.start(name)

    def wait_ready(self, name: str) -> None:
        """Wait until a process does what it is for: a web answers, a worker is heard of, others have written a line."""
        if name in WEBS:
            wait_until(lambda: self._answers(name), _START_SECONDS)
        elif name in WORKERS:
            wait_until(lambda: self._is_heard_of(name), _START_SECONDS)
        else:
            wait_until(lambda: "lead" in self.log_of(name), _START_SECONDS)

    def end(self, name: str, how: signal.Signals) -> int:
        """End a process and wait; gives its exit code. All that it has started ends with it."""
        process = self._running.pop(name)
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        if how is signal.SIGKILL:
            for child in children:
                child.kill()
        process.send_signal(how)
        code = process.wait(STOP_SECONDS)
        wait_until(lambda: not [child for child in children if _is_alive(child)], STOP_SECONDS)
        return code

    def processes(self, name: str) -> list[psutil.Process]:
        """A process and all that it has started."""
        first = psutil.Process(self._running[name].pid)
        return [first, *first.children(recursive=True)]

    def leader(self) -> str:
        """The scheduler that leads: the one that has got the lead last."""
        times = {name: self._led_since(name) for name in SCHEDULERS if name in self._running}
        return max(times, key=lambda name: times[name])

    def _led_since(self, name: str) -> str:
        lines = [line for line in self.log_of(name).splitlines() if " leading " in line]
        return lines[-1] if lines else ""

    def log_of(self, name: str) -> str:
        """What a process has written."""
        return self._log_path(name).read_text(errors="replace")

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request as a proxy would: to each web in turn, and to the other one if that has gone away.

        A request that changes something is sent again only if it has a key.
        """
        self._turn += 1
        webs = WEBS if self._turn % 2 else WEBS[::-1]
        may_repeat = method == "GET" or "Idempotency-Key" in options.get("headers", {})
        try:
            return self._ask(webs[0], method, path, **options)
        except httpx.ConnectError:
            self.gone_over += 1
        except httpx.TransportError:
            if not may_repeat:
                raise
            self.gone_over += 1
        return self._ask(webs[1], method, path, **options)

    def _ask(self, web: str, method: str, path: str, **options: Any) -> httpx.Response:
        url = f"{self.address(web)}{path}"
        options["headers"] = {**self.api.headers, "Connection": "close", **options.get("headers", {})}
        return httpx.request(method, url, **{"timeout": 30, **options})

    def address(self, web: str) -> str:
        """Where the API of a web is."""
        host = self.far.far if self.far and web in FAR else "127.0.0.1"
        return f"http://{host}:{self.ports[web]}/api/v1"

    def _answers(self, name: str) -> bool:
        assert self._running[name].poll() is None, self.log_of(name)[-4000:]
        try:
            return self._ask(name, "GET", "/health/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _is_heard_of(self, name: str) -> bool:
        assert self._running[name].poll() is None, self.log_of(name)[-4000:]
        if "Authorization" not in self.api.headers:
            self.sign_in()
        pids = {str(process.pid) for process in self.processes(name)}
        heard = self.ask("GET", "/processors").json()["data"]
        return any(each["name"].split(":")[1] in pids for each in heard)

    def _environment(self, name: str) -> dict[str, str]:
        return child_environment(
            LOOM_HOME=str(self.home.path), LOOM_SERVER_REST_PORT=str(self.ports.get(name, self.port)),
            LOOM_INITIAL_PASSWORD=PASSWORD, **({"PYTHONPATH": str(self.code)} if self.code else {}), **self._variables,
            **(self.far.variables if self.far and name in FAR else {}),
        )  # fmt: skip

    def _log_path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _log(self, name: str) -> Any:
        return self._log_path(name).open("ab")


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
