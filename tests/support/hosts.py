"""What a test may do to a host, where it may: a second one that is cut off from the first, and a disk that is slow."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import psutil

from models.home import Home

_CGROUPS = Path("/sys/fs/cgroup/blkio")
_WRITES_PER_SECOND = 20


def succeeds(*command: str) -> bool:
    """Run a command; tells whether that went well."""
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


class FarHost:
    """A network of its own, joined to this host's by a line that can be cut; engines are reached over it by TCP.

    `exists` tells whether one may be made here. Nothing of it is left after `close`.
    """

    def __init__(self, home: Home) -> None:
        number = os.getpid() % 250 + 1
        self._name, self._line = f"loom{os.getpid()}", f"lm{os.getpid()}"
        self.near, self.far = f"10.231.{number}.1", f"10.231.{number}.2"
        self._relays: list[_Relay] = []
        self.variables: dict[str, str] = {}
        """Settings of Loom's processes there."""
        self.exists = self._make() and self._join(home)
        if not self.exists:
            self.close()

    def command(self, *command: str) -> list[str]:
        """Give the command that runs one there."""
        return ["ip", "netns", "exec", self._name, *command]

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Let no packet through meanwhile."""
        succeeds("ip", "link", "set", self._line, "down")
        try:
            yield
        finally:
            succeeds("ip", "link", "set", self._line, "up")

    def close(self) -> None:
        """Remove it."""
        for relay in self._relays:
            relay.close()
        succeeds("ip", "link", "del", self._line)
        succeeds("ip", "netns", "del", self._name)

    def _make(self) -> bool:
        there = ("ip", "-n", self._name)
        return all(succeeds(*command) for command in (
            ("ip", "netns", "add", self._name),
            ("ip", "link", "add", self._line, "type", "veth", "peer", "name", "far", "netns", self._name),
            ("ip", "addr", "add", f"{self.near}/24", "dev", self._line), ("ip", "link", "set", self._line, "up"),
            (*there, "addr", "add", f"{self.far}/24", "dev", "far"), (*there, "link", "set", "far", "up"),
            (*there, "link", "set", "lo", "up"),
        ))  # fmt: skip

    def _join(self, home: Home) -> bool:
        """Bring the engines there; tells whether they can be reached."""
        postgres, redis = (_Relay(self.near, path) for path in _sockets(home))
        self._relays = [postgres, redis]
        self.variables = {
            "LOOM_DATABASE_URL": f"postgresql://loom@{self.near}:{postgres.port}/loom",
            "LOOM_REDIS_URL": f"redis://{self.near}:{redis.port}", "LOOM_SERVER_REST_HOST": self.far,
        }  # fmt: skip
        trial = f"import socket; socket.create_connection(('{self.near}', {postgres.port}), 5)"
        return succeeds(*self.command(sys.executable, "-c", trial))


def _sockets(home: Home) -> tuple[Path, Path]:
    return home.run / ".s.PGSQL.5432", Path(home.redis_url.removeprefix("unix://").partition("?")[0])


class _Relay:
    """Takes what comes in by TCP to a socket of this host, and back."""

    def __init__(self, address: str, path: Path) -> None:
        self._path = path
        self._listener = socket.create_server((address, 0))
        self.port = int(self._listener.getsockname()[1])
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                Thread(target=self._join, args=(line,), daemon=True).start()

    def _join(self, line: socket.socket) -> None:
        with line, socket.socket(socket.AF_UNIX) as engine, suppress(OSError), selectors.DefaultSelector() as ready:
            engine.connect(str(self._path))
            ready.register(line, selectors.EVENT_READ, engine)
            ready.register(engine, selectors.EVENT_READ, line)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65_536)  # type: ignore[union-attr]  # both are sockets
                    if not data:
                        return
                    key.data.sendall(data)


class SlowDisk:
    """The disk of a folder, on which some processes may write little while it is slow. `exists`: if that can be had."""

    def __init__(self, folder: Path) -> None:
        device = os.stat(folder).st_dev
        self._group = _CGROUPS / f"loom-{os.getpid()}"
        try:
            self._group.mkdir()
            limit = f"{os.major(device)}:{os.minor(device)} {_WRITES_PER_SECOND}"
            (self._group / "blkio.throttle.write_iops_device").write_text(limit)
        except OSError:
            self.close()
            self.exists = False
        else:
            self.exists = True

    @contextmanager
    def slow_for(self, process: psutil.Process) -> Iterator[None]:
        """Let a process, and all that it starts, write slowly meanwhile."""
        _move([process.pid, *(child.pid for child in process.children(recursive=True))], self._group)
        try:
            yield
        finally:
            self._release()

    def close(self) -> None:
        """Let go of whoever is still held up."""
        self._release()
        with suppress(OSError):
            self._group.rmdir()

    def _release(self) -> None:
        with suppress(OSError):
            while held := (self._group / "cgroup.procs").read_text().split():
                _move(held, _CGROUPS)
                time.sleep(0.01)


def _move(pids: list[int] | list[str], group: Path) -> None:
    for pid in pids:
        with suppress(OSError):  # it has ended
            (group / "cgroup.procs").write_text(str(pid))
