"""The embedded PostgreSQL: made on first use, told how to run, asked whether it does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg

from compose.binaries import POSTGRES, find_program
from compose.children import Program
from compose.folders import engine_account, ensure_engine_folders, ensure_private_folder
from compose.leftovers import stop_leftovers
from models.errors import Unavailable
from models.home import Home

ENGINE_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""Of both engines: no secret of Loom, and no PGPORT or LC_ALL of the person who starts it."""

_PORT = "5432"
_OPTIONS = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # Statements and details hold values that people entered; those are not for the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "[%p] ",
}


class EmbeddedPostgres:
    """PostgreSQL of a home, reached through a unix socket that only its user may open."""

    def __init__(self, home: Home, options: Mapping[str, str] | None = None) -> None:
        self._home = home
        self._options = _OPTIONS | dict(options or {})
        self._account = engine_account(home)
        self._data = home.engines / "postgres"

    def program(self) -> Program:
        """How to run it."""
        return Program(
            name="postgres",
            command=tuple(self.command()),
            stop_signal=signal.SIGINT,  # the fast shutdown: the default one waits for clients to go
            account=self._account,
            environment=ENGINE_ENVIRONMENT,
            prepare=self.prepare,
            is_ready=self.is_ready,
        )

    def command(self) -> list[str]:
        """The server in the foreground."""
        options = self._options | {"unix_socket_directories": str(self._home.run)}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self._binary("postgres")), "-D", str(self._data), *settings]

    def prepare(self) -> None:
        """Make the database if there is none, and clear away what a killed predecessor left."""
        ensure_engine_folders(self._home, self._account)
        stop_leftovers("postgres", self._data, signal.SIGINT)
        # The server refuses to start if one of these names a living process, whatever that process is.
        for stale in (self._data / "postmaster.pid", *self._home.run.glob(f".s.PGSQL.{_PORT}*")):
            stale.unlink(missing_ok=True)
        if not self._data.exists():
            self._create()

    def is_ready(self) -> bool:
        """Whether it answers."""
        with suppress(psycopg.Error), psycopg.connect(self._home.database_url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
            return True
        return False

    def _binary(self, name: str) -> Path:
        return find_program(POSTGRES, self._account).with_name(name)

    def _create(self) -> None:
        """Make the cluster and its database aside, then move it into place: an interrupted first start heals."""
        for abandoned in self._data.parent.glob("postgres-draft-*"):
            shutil.rmtree(abandoned)
        draft = self._data.with_name(f"postgres-draft-{uuid4().hex}")
        ensure_private_folder(draft, self._account)
        sync = ["--no-sync"] if self._options.get("fsync") == "off" else []
        names = ["--username=loom", "--auth-local=trust", "--auth-host=reject"]
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run("initdb", "--data-checksums", *names, *locale, *sync, f"--pgdata={draft}")
        self._run("postgres", "--single", "-D", str(draft), "postgres", given="CREATE DATABASE loom\n")
        draft.rename(self._data)

    def _run(self, name: str, *arguments: str, given: str = "") -> None:
        user, group = (self._account.uid, self._account.gid) if self._account else (None, None)
        result = subprocess.run(  # noqa: S603
            [self._binary(name), *arguments],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            env=ENGINE_ENVIRONMENT,
            cwd="/",
            user=user,
            group=group,
            extra_groups=[] if self._account else None,
            start_new_session=True,  # Ctrl-C must not reach it; the draft is thrown away if this process dies
        )
        if result.returncode:
            raise Unavailable(f"{name} failed with code {result.returncode}:\n{result.stdout.strip()}")
