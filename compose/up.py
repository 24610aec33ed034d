"""What `loom up` runs: the engines that no URL replaces, the migrations, then every process of Loom.

```
engines ─▶ migrate ─▶ web, worker-*, indexer, scheduler
```
"""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from compose.children import Program
from compose.console import Console
from compose.postgres import EmbeddedPostgres
from compose.supervisor import Supervisor
from compose.valkey import EmbeddedRedis
from models.errors import ConfigurationError
from models.home import Home
from models.messages import Queue
from models.settings import Settings

_PORT_PATIENCE_SECONDS = 8
_GENERAL_NICENESS = 5
_HASH_NICENESS = 10
_INDEXER_NICENESS = 19
"""Where cores are short, requests go first, then the scan; the index catches up right after it."""
_POLL_SECONDS = 0.2
_MOST_GENERAL = 8
_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


@dataclass(frozen=True)
class WorkerPool:
    """Workers that share queues. Waiting work wants threads, computing work wants processes."""

    name: str
    queues: tuple[Queue, ...]
    processes: int
    threads: int
    niceness: int = 0


def worker_pools(settings: Settings) -> tuple[WorkerPool, ...]:
    """The workers of one machine: each kind of load has its own, so that none waits behind another."""
    cores = _usable_cores()
    hashing = WorkerPool(
        "worker-hash", (Queue.HASH,), settings.hash_processes or cores, threads=1, niceness=_HASH_NICENESS
    )
    # Runs compute between two decodings: a process for each core, though each has its children besides.
    running = min(cores, _MOST_GENERAL)
    return (
        WorkerPool("worker-interactive", (Queue.INTERACTIVE,), processes=1, threads=4),
        # They wait for other servers, some of which never answer: nothing else may wait with them.
        # Two of them, so that one may die without anybody hearing late of what happens.
        WorkerPool("worker-webhooks-1", (Queue.WEBHOOKS,), processes=1, threads=8),
        WorkerPool("worker-webhooks-2", (Queue.WEBHOOKS,), processes=1, threads=8),
        hashing,
        WorkerPool(
            "worker-general",
            (Queue.BULK, Queue.MEDIA, Queue.MAINTENANCE),
            running,
            max(2, 4 // running),
            _GENERAL_NICENESS,
        ),
    )


def run(settings: Settings) -> int:
    """Run everything until it is stopped; gives the exit code.

    Raises:
        ConfigurationError: Loom already runs on this home, its port is taken, or a setting is missing.
    """
    with only_one(settings.loom_home):
        _ = settings.signing_key  # generated before many processes ask for it, or refused before any starts
        _await_free_port(settings.server_rest_host, settings.server_rest_port)
        stages = _stages(settings)
        console = Console(tuple(program.name for stage in stages for program in stage))
        try:
            return Supervisor(stages, console).run(lambda: f"Loom is ready: {_url(settings)}   (Ctrl-C stops it)")
        finally:
            console.close()


def _stages(settings: Settings) -> list[list[Program]]:
    return [_engines(settings), [_loom("migrate", "migrate", one_shot=True)], _processes(settings)]


def _engines(settings: Settings) -> list[Program]:
    programs = []
    if settings.database_url is None:
        programs.append(EmbeddedPostgres(settings.loom_home).program())
    if settings.redis_url is None:
        programs.append(EmbeddedRedis(settings.loom_home).program())
    return programs


def _processes(settings: Settings) -> list[Program]:
    web = Program(name="web", command=_command("web"), is_ready=lambda: _answers(settings))
    workers = [_worker(pool) for pool in worker_pools(settings)]
    return [
        web,
        *workers,
        _loom("indexer", "indexer", "--nice", str(_INDEXER_NICENESS)),
        _loom("scheduler", "scheduler"),
    ]


def _worker(pool: WorkerPool) -> Program:
    sizes = {"processes": pool.processes, "threads": pool.threads, "nice": pool.niceness}
    options = [part for name, value in sizes.items() for part in (f"--{name}", str(value))]
    return _loom(pool.name, "worker", "--queues", ",".join(pool.queues), *options)


def _loom(name: str, *arguments: str, one_shot: bool = False) -> Program:
    return Program(name=name, command=_command(*arguments), one_shot=one_shot)


def _command(*arguments: str) -> tuple[str, ...]:
    """Loom itself. `-P`: a folder called `web` where the user stands must not be taken for ours; `-u`: logs at once."""
    return (sys.executable, "-P", "-u", "-m", "compose.cli", *arguments)


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the home. The lock belongs to this process, so it cannot outlive it, however that ends."""
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home.path / "up.lock").open("a+")
    except OSError as error:
        raise ConfigurationError(f"LOOM_HOME: {home.path} cannot be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise ConfigurationError(f"Loom already runs on {home.path} (process {lock.read().strip()})") from None
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        yield


def _await_free_port(host: str, port: int) -> None:
    """Wait a moment for the port: the web tier of a killed Loom may still be ending."""
    deadline = time.monotonic() + _PORT_PATIENCE_SECONDS
    while (problem := _port_problem(host, port)) is not None:
        if time.monotonic() > deadline:
            raise ConfigurationError(f"LOOM_SERVER_REST_HOST, LOOM_SERVER_REST_PORT: {host}:{port}: {problem}")
        time.sleep(_POLL_SECONDS)


def _port_problem(host: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _answers(settings: Settings) -> bool:
    """Whether a web process answers at all; what it says does not matter."""
    host = _ANY_ADDRESS.get(settings.server_rest_host, settings.server_rest_host)
    connection = http.client.HTTPConnection(host, settings.server_rest_port, timeout=1)
    with suppress(OSError, http.client.HTTPException), closing(connection):
        connection.request("GET", "/")
        connection.getresponse().close()
        return True
    return False


def _url(settings: Settings) -> str:
    host = _ANY_ADDRESS.get(settings.server_rest_host, settings.server_rest_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server_rest_port}"


def _usable_cores() -> int:
    """Cores that this process may use: a container often gets fewer than there are."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
