"""Reading events in the order of their commits, each exactly once, from where a reader left off.

A position is `(xid, id)`. Rows of transactions at or above the oldest one still running are not shown yet: what lies
below can no longer change, so no reader can step over an event that commits late.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from models.unit_of_work import UnitOfWork

# Queries order by `event.xid`: a bare `xid` would mean the number that is cast from it, of which there is no index.
# Most events have no data, and reading `{}` as JSON takes as long as reading the rest of the row.
_COLUMNS = """CAST(CAST(xid AS text) AS bigint), id, type, space_id, subject_id, actor_id, occurred, NULLIF(data, '{}'),
    trace_id"""

NEXT_EVENTS = f"""
    SELECT {_COLUMNS} FROM event
    WHERE (xid, id) > (CAST(CAST(%(xid)s AS text) AS xid8), %(id)s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY event.xid, event.id LIMIT %(limit)s
"""  # noqa: S608 - only a constant is put in


class Position(NamedTuple):
    """A place in the log: behind all events up to and including this one."""

    xid: int = 0
    id: int = 0


class LoggedEvent(NamedTuple):
    """An event that has happened for good."""

    position: Position
    type: str
    space_id: UUID
    subject_id: UUID
    actor_id: UUID | None
    occurred: datetime
    data: dict[str, Any]
    trace_id: str | None = None


def read_events(uow: UnitOfWork, after: Position, limit: int) -> Sequence[LoggedEvent]:
    """Give the next events after a position, oldest first."""
    rows = uow.fetch(NEXT_EVENTS, xid=after.xid, id=after.id, limit=limit)
    return [
        LoggedEvent(Position(xid, key), kind, space_id, subject_id, actor_id, occurred, data or {}, trace_id)
        for xid, key, kind, space_id, subject_id, actor_id, occurred, data, trace_id in rows
    ]


def reach(uow: UnitOfWork, after: Position, limit: int) -> Position:
    """Give the position behind up to so many more events, read off the index; the same if there are none."""
    row: Any = uow.execute(
        """SELECT CAST(CAST(xid AS text) AS bigint), id FROM (
               SELECT xid, id FROM event WHERE (xid, id) > (CAST(CAST(:xid AS text) AS xid8), :id)
               AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT :limit) AS following
           ORDER BY following.xid DESC, following.id DESC LIMIT 1""",
        xid=after.xid,
        id=after.id,
        limit=limit,
    ).one_or_none()
    return after if row is None else Position(*row)


def last_position(uow: UnitOfWork) -> Position:
    """Give the position behind all events that a reader could be shown now."""
    row: Any = uow.execute(
        """SELECT CAST(CAST(xid AS text) AS bigint), id FROM event
           WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY event.xid DESC, event.id DESC LIMIT 1"""
    ).one_or_none()
    return Position() if row is None else Position(*row)


def position_of(uow: UnitOfWork, event_id: int) -> Position | None:
    """Find the event with that id; None when it was removed or never was."""
    row: Any = uow.execute(
        "SELECT CAST(CAST(xid AS text) AS bigint), id FROM event WHERE id = :id", id=event_id
    ).one_or_none()
    return None if row is None else Position(*row)


def reader_position(uow: UnitOfWork, reader: str) -> Position:
    """Give where a reader left off, locking its row; a new reader begins behind what is there now.

    In another PostgreSQL cluster (after a dump and restore, say) the log is moved first.
    """
    row: Any = uow.execute(
        """SELECT CAST(CAST(xid AS text) AS bigint), id, system = system_identifier
           FROM relay_position, pg_control_system() WHERE reader = :reader FOR UPDATE OF relay_position""",
        reader=reader,
    ).one_or_none()
    if row is not None and row[2]:
        return Position(row[0], row[1])
    if row is not None:
        move_log(uow)
        return reader_position(uow, reader)
    position = last_position(uow)
    begin_reader(uow, reader, position)
    return position


def move_log(uow: UnitOfWork) -> None:
    """Let the log go on in another PostgreSQL cluster than it was written in; nothing, where that is not so.

    The numbers of transactions mean nothing there: all kept events are moved to the beginning of time, in the order of
    their ids. Each reader goes on before the first event that it has not read, so it may read some twice.
    """
    moved = uow.execute(
        """UPDATE relay_position p SET system = system_identifier, xid = '1', id = coalesce(
               (SELECT min(e.id) - 1 FROM event e WHERE (e.xid, e.id) > (p.xid, p.id)), p.id)
           FROM pg_control_system() WHERE system <> system_identifier"""
    ).rowcount
    if moved:
        uow.execute("UPDATE event SET xid = '1'")


def has_position(uow: UnitOfWork, reader: str) -> bool:
    """Tell whether a reader has begun."""
    return bool(uow.fetch("SELECT 1 FROM relay_position WHERE reader = %(reader)s", reader=reader))


def forget_reader(uow: UnitOfWork, reader: str) -> None:
    """Forget a reader, for which events would be kept else."""
    uow.execute("DELETE FROM relay_position WHERE reader = :reader", reader=reader)


def store_position(uow: UnitOfWork, reader: str, position: Position) -> None:
    """Remember how far a reader has come."""
    uow.execute(
        """UPDATE relay_position SET xid = CAST(CAST(:xid AS text) AS xid8), id = :id WHERE reader = :reader""",
        reader=reader,
        xid=position.xid,
        id=position.id,
    )


def begin_reader(uow: UnitOfWork, reader: str, position: Position) -> None:
    """Let a reader begin, or begin again, at a position."""
    uow.execute(
        """INSERT INTO relay_position (reader, xid, id, system)
           SELECT :reader, CAST(CAST(:xid AS text) AS xid8), :id, system_identifier FROM pg_control_system()
           ON CONFLICT (reader) DO UPDATE SET xid = excluded.xid, id = excluded.id, system = excluded.system""",
        reader=reader,
        xid=position.xid,
        id=position.id,
    )
