"""One transaction with all that belongs to it: rows, events, tasks, and the wake-ups to send after the commit.

Commits are explicit: leaving the block without `commit()` rolls everything back. Services never commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any, NoReturn, Self
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import CursorResult, Engine, PoolProxiedConnection, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from models.bus import Bus
from models.entities.conflicts import CONFLICTS
from models.errors import Conflict, InvalidInput, LoomError
from models.events import NewEvent, NewEvents
from models.tracing import current_trace

_INSERT_EVENTS = """
    INSERT INTO event (type, space_id, subject_id, actor_id, data, trace_id)
    SELECT type, space_id, subject_id, actor_id, data, CAST(:trace AS text)
    FROM json_to_recordset(CAST(:rows AS json))
         AS new (type text, space_id uuid, subject_id uuid, actor_id uuid, data jsonb)
"""
_INSERT_ALIKE = """
    INSERT INTO event (type, space_id, subject_id, actor_id, data, trace_id)
    SELECT :type, CAST(:space AS uuid), subject_id, CAST(:actor AS uuid), '{}', CAST(:trace AS text)
    FROM unnest(CAST(:subjects AS uuid[])) AS new (subject_id)
"""

_parsed = lru_cache(maxsize=1024)(text)
"""Statements are constants, and finding their parameters takes as long as running some of them."""


class UnitOfWork:
    """A transaction. Not to be shared between threads."""

    def __init__(self, sessions: sessionmaker[Session], bus: Bus) -> None:
        self._sessions = sessions
        self._session: Session | None = None
        self._bus = bus
        self._events: list[NewEvent | NewEvents] = []
        self._wakes: Counter[str] = Counter()
        self._last: list[tuple[str, dict[str, object]]] = []

    @property
    def session(self) -> Session:
        """SQLAlchemy's session, begun when it is first needed."""
        if self._session is None:
            self._session = self._sessions()
        return self._session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        if isinstance(error, IntegrityError):
            raise _conflict(error) from error

    def publish(self, event: NewEvent) -> None:
        """Record an event: it exists exactly if this transaction commits."""
        self._events.append(event)

    def publish_each(self, kind: str, space_id: UUID, subject_ids: Sequence[UUID], actor_id: UUID | None) -> None:
        """Record the same event about each of these."""
        if subject_ids:
            self._events.append(NewEvents(kind, space_id, subject_ids, actor_id))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done in the block, and nothing else, when it fails."""
        events, last, wakes = len(self._events), len(self._last), Counter(self._wakes)
        try:
            with self.session.begin_nested():
                yield
        except BaseException as error:
            del self._events[events:], self._last[last:]
            self._wakes = wakes
            if isinstance(error, IntegrityError):
                raise _conflict(error) from error
            raise

    def wake(self, queue: str, count: int = 1) -> None:
        """Wake workers once this transaction has committed."""
        self._wakes[queue] += count

    def execute(self, statement: str, **parameters: object) -> CursorResult[tuple[object, ...]]:
        """Run one SQL statement that the mapped classes cannot say well or fast enough."""
        result = self.session.execute(_parsed(statement), parameters)
        assert isinstance(result, CursorResult)
        return result

    def before_commit(self, statement: str, **parameters: object) -> None:
        """Run a statement at the end of every transaction of this unit of work that commits.

        It must change its row: where that is gone, or somebody else's by now, the transaction ends with `Conflict`.
        """
        self._last.append((statement, parameters))

    def fetch(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Read rows where microseconds count: straight through the driver, which spells parameters `%(name)s`."""
        with self._driver() as driver:
            return driver.execute(statement, parameters).fetchall()

    def fetch_binary(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Read rows as `fetch` does, in PostgreSQL's binary format: for very many of them."""
        with self._driver() as driver:
            return driver.execute(statement, parameters, binary=True).fetchall()

    def copy(self, table: str, types: Mapping[str, str], rows: Iterable[Sequence[object]]) -> None:
        """Insert rows as `COPY` does, which is the fastest way; `types` are PostgreSQL's, by column.

        Neither table nor columns may come from outside.
        """
        statement = f"COPY {table} ({', '.join(types)}) FROM STDIN WITH (FORMAT BINARY)"
        with self._driver() as driver, driver.cursor() as cursor, cursor.copy(statement.encode()) as copying:
            copying.set_types(list(types.values()))
            for row in rows:
                copying.write_row(row)

    @contextmanager
    def _driver(self) -> Iterator[psycopg.Connection]:
        """Lend the connection that the session uses; what it raises is told as SQLAlchemy would have told it."""
        connection = self.session.connection()
        driver = _driver_of(connection.connection)
        try:
            yield driver
        except psycopg.Error as error:
            if driver.closed:
                connection.invalidate(error)
            raise _told(error) from error

    def lock(self, name: str) -> None:
        """Take the advisory lock of that name until the transaction ends."""
        self.execute("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=name)

    def try_lock(self, name: str) -> bool:
        """Take the advisory lock of that name until the transaction ends, unless somebody else has it."""
        found = self.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))", name=name)
        return bool(found.scalar_one())

    def release(self) -> None:
        """Give the connection back before something slow; what was not committed is undone. The next use takes one."""
        if self._session is not None:
            self._session.close()
        self._events.clear()
        self._wakes.clear()

    def commit(self) -> None:
        """Make it all true, then send the wake-ups (at worst late: the relay sends what was lost)."""
        self.session.flush()
        self._write_events()
        for statement, parameters in self._last:
            if self.execute(statement, **parameters).rowcount != 1:
                raise Conflict("Somebody else has taken this over", code="taken-over")
        self.session.commit()
        if self._events:
            self._bus.ring()
        for queue, count in self._wakes.items():
            self._bus.wake(queue, count)
        self._events.clear()
        self._wakes.clear()

    def _write_events(self) -> None:
        """In their order, in as few statements as that allows."""
        single: list[NewEvent] = []
        for event in self._events:
            if isinstance(event, NewEvents):
                self._write_single(single)
                self._write_alike(event)
                single = []
            else:
                single.append(event)
        self._write_single(single)

    def _write_single(self, events: Sequence[NewEvent]) -> None:
        if events:
            self.execute(_INSERT_EVENTS, rows=as_rows([vars(event) for event in events]), trace=current_trace())

    def _write_alike(self, events: NewEvents) -> None:
        self.execute(
            _INSERT_ALIKE, type=events.type, space=events.space_id, actor=events.actor_id,
            subjects=as_array(events.subject_ids), trace=current_trace(),
        )  # fmt: skip


class Reading(UnitOfWork):
    """Reads only, each statement of which sees what is committed when it runs: no transaction.

    That is what a transaction of ours would see too (READ COMMITTED), for two round trips more. What is fetched before
    the session is used costs nothing of SQLAlchemy but its pool.
    """

    def __init__(self, engine: Engine, sessions: sessionmaker[Session], bus: Bus) -> None:
        super().__init__(sessions, bus)
        self._engine = engine
        self._lent: PoolProxiedConnection | None = None

    @property
    def session(self) -> Session:
        """SQLAlchemy's session; it takes a connection of its own, so the lent one is given back before."""
        self._give_back()
        return super().session

    def fetch(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Read rows straight through the driver."""
        if self._session is not None:
            return super().fetch(statement, **parameters)
        try:
            if self._lent is None:
                self._lent = self._engine.raw_connection()
                _driver_of(self._lent).autocommit = True
            return _driver_of(self._lent).execute(statement, parameters).fetchall()
        except psycopg.Error as error:
            raise _told(error) from error

    def release(self) -> None:
        """Give the connection back."""
        self._give_back()
        super().release()

    def commit(self) -> NoReturn:
        """There is nothing that could be made true."""
        raise AssertionError("a reading unit of work cannot change anything")

    def _give_back(self) -> None:
        if self._lent is None:
            return
        lent, self._lent = self._lent, None
        if not _driver_of(lent).closed:
            _driver_of(lent).autocommit = False
        lent.close()


def _told(error: psycopg.Error) -> Exception:
    """Give what SQLAlchemy would have raised: callers know one family of errors."""
    told: Exception = DBAPIError.instance(None, None, error, psycopg.Error)
    return told


def _driver_of(lent: PoolProxiedConnection) -> psycopg.Connection:
    driver = lent.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def as_rows(rows: Sequence[Any]) -> str:
    """Pack many rows, mappings or dataclasses, into one parameter for `json_to_recordset`.

    That is an order faster than arrays of each column.
    """
    return orjson.dumps(rows).decode()


def as_array(ids: Sequence[UUID]) -> str:
    """Pack many ids into one parameter for `unnest(CAST(… AS uuid[]))`: psycopg would spell each in Python."""
    return f"{{{orjson.dumps(ids).decode()[1:-1]}}}"


def _conflict(error: IntegrityError) -> LoomError:
    """Say what a violated constraint means, by its name and never by the driver's text."""
    name = error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None
    if isinstance(error.orig, psycopg.errors.UniqueViolation):
        return Conflict(CONFLICTS.get(name or "", "An element with the same key exists already"))
    if isinstance(error.orig, psycopg.errors.ForeignKeyViolation):
        return Conflict("The element refers to, or is needed by, another element")
    return InvalidInput("A value breaks a rule of the catalogue")
