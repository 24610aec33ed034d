"""How a process connects to PostgreSQL: a bounded pool of connections, before which people may wait."""

from __future__ import annotations

from threading import Lock

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from models.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
"""Longest wait for the server, and for a free connection of the process's pool."""
MOST_WAITING = 32
"""When so many wait for each connection, it is a crowd: they come to it within a second or two."""


class CountingPool(QueuePool):
    """SQLAlchemy's pool, which tells how many wait before it."""

    _waiting, _lock = 0, Lock()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._waiting

    def _do_get(self) -> ConnectionPoolEntry:
        """Give a connection."""
        with self._lock:
            self._waiting += 1
        try:
            return super()._do_get()
        finally:
            with self._lock:
                self._waiting -= 1


def is_crowded(engine: Engine) -> bool:
    """Whether more wait for connections of this process than come to one in good time."""
    pool = engine.pool
    return isinstance(pool, CountingPool) and pool.waiting >= pool.size() * MOST_WAITING


def connect(settings: Settings, *, connections: int | None = None) -> Engine:
    """Make the engine of this process: a bounded pool of psycopg connections, each checked before use."""
    engine = create_engine(
        settings.sqlalchemy_url,
        poolclass=CountingPool,
        pool_size=connections or settings.database_connections,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": "loom",
            # A server that fell silent is noticed within this time, not after the system's quarter of an hour.
            "tcp_user_timeout": 15_000,
            "keepalives_idle": 10,
            # A vanished client must not hold locks; a forgotten transaction must not hold back the event horizon.
            "options": "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    )
    event.listen(engine, "checkout", _check_connection)
    return engine


def _check_connection(connection: psycopg.Connection, _record: object, _proxy: object) -> None:
    """Notice a PostgreSQL that has gone away or was restarted, without the round trip of a ping.

    Nothing may have arrived on an idle connection but the server's farewell: the first look reads its message, the
    second the end of the stream. The pool then replaces all connections and the caller sees no error.
    """
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError as error:
        raise DisconnectionError(str(error)) from error
