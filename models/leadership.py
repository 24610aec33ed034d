"""One of several processes does a job: who holds PostgreSQL's advisory lock.

The lock belongs to a database session, so it goes with the holder's process or connection, and the next one gets it.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Event
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from models.logs import get_logger

_RETRY_SECONDS = 0.5

logger = get_logger(__name__)


class Leadership:
    """The lock of that name, and the connection that holds it: one of its own, not of the pool."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self, stopping: Event) -> bool:
        """Wait until this process leads; False when it is to stop instead."""
        reason = ""
        while not stopping.is_set():
            found = self._try()
            if not found:
                logger.info("leading", job=self._name)
                return True
            if found != reason:
                logger.info("waiting to lead", job=self._name, reason=found)
                reason = found
            stopping.wait(_RETRY_SECONDS)
        return False

    def is_held(self) -> bool:
        """Ask the session that holds the lock whether it is still there."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            logger.warning("no longer leading", job=self._name, reason=type(error).__name__)
            self.release()
            return False
        return True

    def release(self) -> None:
        """Lead no more; harmless when this process does not."""
        if self._connection is not None:
            # Detached from the pool, so this ends the session and the lock with it.
            with suppress(SQLAlchemyError):
                self._connection.close()
            self._connection = None

    def _try(self) -> str:
        """Try once; empty on success, else the reason."""
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except SQLAlchemyError as error:
            return f"the database is away ({type(error).__name__})"
        try:
            connection.detach()
            held = connection.execute(
                text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), {"name": self._name}
            ).scalar_one()
        except SQLAlchemyError as error:
            connection.close()
            return f"the database is away ({type(error).__name__})"
        if not held:
            connection.close()
            return "another process leads"
        self._connection = connection
        return ""
