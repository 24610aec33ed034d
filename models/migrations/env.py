"""Alembic's entry: migrations run in one transaction each, one process at a time, and give up waiting for locks."""

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.dialects.postgresql.base import ischema_names

import models.entities  # noqa: F401 - fills the metadata
from models.db import Base
from models.entities.event import Xid8
from models.settings import Settings

_ADVISORY_LOCK = 0x10031


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_type=True, transaction_per_migration=True
    )
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
    # Only now: whoever waits for another process's migrations may have to wait for longer. Whoever comes behind a
    # migration that waits for a lock waits with it, so it gives up soon, and is tried again (`models.migrating`).
    connection.execute(text("SET lock_timeout = '2s'"))
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
    connection.commit()


# SQLAlchemy does not know this type when it reads the tables back.
ischema_names["xid8"] = Xid8

url = context.config.attributes.get("url") or Settings.from_env().sqlalchemy_url
engine = create_engine(url)
with engine.connect() as connection:
    _run(connection)
engine.dispose()
