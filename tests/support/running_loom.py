"""A whole Loom for tests: `loom up` on a home and a port of its own, its processes to be killed by real signals."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil

from compose.engines import destroy
from models.home import Home
from models.settings import child_environment
from tests.support.loom_user import LoomUser
from tests.support.settings import PASSWORD
from tests.support.waiting import wait_until

_START_SECONDS = 90
_STOP_SECONDS = 12


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class RunningLoom(LoomUser):
    """`loom up` as a child process, without the default pipeline. Leaving the block stops it and removes its data."""

    def __init__(self, folder: Path, **variables: str) -> None:
        super().__init__(Home(folder / "home"), free_port())
        self.log = folder / "loom.log"
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Start, as `start`."""
        self.start()

    def close(self) -> None:
        """Stop, and remove the data."""
        if self._process is not None:
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
