"""Throw-away PostgreSQL and Redis for a test session: fast because nothing has to survive a power cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from sqlalchemy import Engine

from compose.engines import destroy, running_engines
from models.db import Base
from models.home import Home

_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def throw_away_engines(folder: Path) -> Iterator[Home]:
    """Run both engines on a new home meanwhile; nothing of them is left afterwards."""
    home = Home(folder)
    try:
        with running_engines(home, _CARELESS):
            yield home
    finally:
        destroy(home)


def empty_tables(engine: Engine) -> None:
    """Remove every row of every table but the kinds of node. TRUNCATE would make hundreds of files anew, each time."""
    emptied = (table.name for table in Base.metadata.tables.values() if table.name != "node_kind")
    deletes = "; ".join(f'DELETE FROM "{name}"' for name in emptied)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica; {deletes}")


def empty_redis(url: str) -> None:
    """Remove every key."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
