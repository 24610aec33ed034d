"""The embedded engines together: for `loom up`, and for tests and tools that need them for a while."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from compose.children import Child
from compose.leftovers import stop_leftovers
from compose.postgres import EmbeddedPostgres
from compose.valkey import EmbeddedRedis
from models.errors import Unavailable
from models.home import Home

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "destroy", "running_engines"]

_POLL_SECONDS = 0.02
_STOP_SECONDS = 10


@contextmanager
def running_engines(home: Home, postgres_options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run both engines of the home meanwhile. Call it from the main thread, see `Child`.

    Raises:
        Unavailable: an engine does not start; with the last lines that it wrote.
    """
    engines = (EmbeddedPostgres(home, postgres_options), EmbeddedRedis(home))
    children = [Child(engine.program(), _forget) for engine in engines]
    try:
        for child in children:
            child.start()
        for child in children:
            wait_ready(child)
        yield
    finally:
        _stop(children)


def wait_ready(child: Child, timeout_seconds: float | None = None) -> None:
    """Wait until the program is ready.

    Raises:
        Unavailable: it ended, or takes longer than its own or the given timeout.
    """
    timeout_seconds = child.program.ready_timeout_seconds if timeout_seconds is None else timeout_seconds
    deadline = time.monotonic() + timeout_seconds
    while not child.is_ready:
        if child.has_ended():
            raise Unavailable(f"{child.name} {child.ending}:{child.last_lines}")
        if time.monotonic() > deadline:
            raise Unavailable(f"{child.name} is not ready after {timeout_seconds:g} s:{child.last_lines}")
        time.sleep(_POLL_SECONDS)


def destroy(home: Home) -> None:
    """End the engines of a home if they run, and remove their data for good."""
    if not home.path.exists():
        return
    stop_leftovers("postgres", home.engines / "postgres", signal.SIGQUIT)
    stop_leftovers("valkey-server", home.engines / "redis", signal.SIGKILL)
    for folder in (home.engines, home.run):
        shutil.rmtree(folder, ignore_errors=True)


def _stop(children: list[Child]) -> None:
    for child in children:
        child.stop()
    for child in children:
        if not child.wait(_STOP_SECONDS):
            child.kill()
            child.wait(_STOP_SECONDS)


def _forget(_name: str, _line: str) -> None:
    """The child remembers its last lines; nobody reads the others."""
