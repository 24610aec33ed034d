"""The embedded Redis: the Valkey server, which speaks the same protocol."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import suppress
from datetime import UTC, datetime

from compose.binaries import VALKEY, find_program
from compose.children import Program
from compose.folders import engine_account, ensure_engine_folders, ensure_private_folder
from compose.leftovers import stop_leftovers
from compose.postgres import ENGINE_ENVIRONMENT
from models.home import Home

_OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # The checker of Valkey 9.1 takes its own binary preamble for a broken log.
    "aof-use-rdb-preamble": "no",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "supervised": "no",
    "loglevel": "warning",
}


class EmbeddedRedis:
    """Redis of a home, reached through a unix socket that only its user may open."""

    def __init__(self, home: Home) -> None:
        self._account = engine_account(home)
        self._home = home
        self._data = home.engines / "redis"
        self._socket = home.run / "redis.sock"

    def program(self) -> Program:
        """How to run it."""
        return Program(
            name="redis",
            command=tuple(self.command()),
            account=self._account,
            environment=ENGINE_ENVIRONMENT,
            prepare=self.prepare,
            is_ready=self.is_ready,
        )

    def command(self) -> list[str]:
        """The server in the foreground."""
        options = _OPTIONS | {"unixsocket": str(self._socket), "dir": str(self._data)}
        settings = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [str(find_program(VALKEY, self._account)), *settings]

    def prepare(self) -> None:
        """Clear away what a killed predecessor left."""
        ensure_engine_folders(self._home, self._account)
        ensure_private_folder(self._data, self._account)
        stop_leftovers("valkey-server", self._data, signal.SIGTERM)
        self._socket.unlink(missing_ok=True)
        self._set_aside_broken_log()

    def is_ready(self) -> bool:
        """Whether it answers, and is not still reading its log."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(self._socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def _set_aside_broken_log(self) -> None:
        """Start empty if a power cut left a log that the server would refuse.

        That loses nothing: Redis holds messages and counters, and whatever a message asks for stands in PostgreSQL.
        """
        log = self._data / "appendonlydir"
        manifest = log / "appendonly.aof.manifest"
        if not manifest.exists() or self._is_intact(str(manifest)):
            return
        log.rename(self._data / f"broken-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")

    def _is_intact(self, manifest: str) -> bool:
        """Check as the server will: called by this name, it is the checker. A torn end is cut off, as it would do."""
        command = ["valkey-check-aof", "--fix", manifest]
        program = find_program(VALKEY, self._account)
        result = subprocess.run(  # noqa: S603
            command, executable=program, input=b"y\n", env=ENGINE_ENVIRONMENT, check=False, capture_output=True
        )
        return result.returncode == 0
