"""Starting Loom for the demo, as `loom up` does, and stopping it again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compose.client.api import Api
from compose.client.exits import Unreachable
from models.errors import LoomError, Unavailable
from models.home import Home
from models.settings import Settings

_START_SECONDS = 300.0
_STOP_SECONDS = 25.0
_POLL_SECONDS = 0.25
_SHOWN_LOG_LINES = 15
_PASSWORD_LENGTH = 16
_PASSWORD_SECRET = "demo-admin"  # noqa: S105  # the name of a secret, not one


@dataclass(frozen=True)
class OwnLoom:
    """A running `loom up` that belongs to the demo."""

    process: subprocess.Popen[bytes]
    log: Path

    def failure(self) -> LoomError:
        """Say that it ended by itself, with the last lines of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-_SHOWN_LOG_LINES:]
        told = " | ".join(line.strip() for line in lines if line.strip())
        return LoomError(f"Loom ended with code {self.process.returncode}; see {self.log}: {told}")

    def stop(self) -> None:
        """Let it drain; the last resort is to kill all that it started.

        Raises:
            LoomError: if it did not end by itself in time.
        """
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except BaseException as error:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise LoomError(f"Loom did not drain within {_STOP_SECONDS:.0f} s; see {self.log}") from error
            raise


@contextmanager
def own_loom(settings: Settings) -> Iterator[OwnLoom]:
    """Start Loom, and stop it at the end of the block."""
    log = settings.home / "demo" / "loom.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = admin_password(settings)
    environment = {"LOOM_INITIAL_PASSWORD": password} if password else {}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            (sys.executable, "-P", "-u", "-m", "compose.cli", "up"),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},  # noqa: TID251  # handed on to the child, not read
            # A session of its own: Ctrl-C reaches Loom through us, when we are done.
            start_new_session=True,
        )
    loom = OwnLoom(process, log)
    try:
        yield loom
    finally:
        loom.stop()


def admin_password(settings: Settings) -> str | None:
    """Give the password of `admin` if it is the demo's to know: on a home that the demo was the first to start.

    It is kept beside the secret that signs tokens, so that an interrupted first start locks nobody out.
    """
    home = settings.loom_home
    if settings.initial_password:
        return settings.initial_password
    if not (home.path / f"secret-{_PASSWORD_SECRET}").exists() and _was_used(home):
        return None
    return home.secret(_PASSWORD_SECRET)[:_PASSWORD_LENGTH]


def _was_used(home: Home) -> bool:
    return (home.path.exists() and any(home.path.glob("secret-*"))) or (home.path / "engines-id").exists()


def wait_until_ready(api: Api, loom: OwnLoom) -> None:
    """Wait for the Loom that was just started until every part of it is well.

    Raises:
        LoomError: if it ends, or is not ready in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not _is_well(api):
        if loom.process.poll() is not None:
            raise loom.failure()
        if time.monotonic() > deadline:
            raise LoomError(f"Loom is not ready after {_START_SECONDS:.0f} s; see {loom.log}")
        time.sleep(_POLL_SECONDS)


def _is_well(api: Api) -> bool:
    try:
        return bool(api.get("/health")["status"] == "UP")
    except (Unreachable, Unavailable):
        return False
