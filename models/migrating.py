"""Bringing a database up to date: the schema, and what every Loom has in it.

Apart from the wiring, because only one process ever needs Alembic and all would pay for its import.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from alembic import command
from alembic.config import Config
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from models.errors import Unavailable
from models.pipelines.descriptors import NodeDescriptor
from models.services.bootstrap import bootstrap
from models.services.node_kinds import know_kinds
from models.services.vector_keys import install as install_vectors
from models.settings import Settings
from models.wiring import build

_ATTEMPTS, _PAUSE_SECONDS = 30, 1.0


def migrate(settings: Settings, kinds: Iterable[NodeDescriptor]) -> str | None:
    """Bring the database up to date and make what every Loom has; several processes may do so at once.

    `kinds` are the kinds of node that all workers have.

    Returns:
        The password of the first user, if it was generated just now.

    Raises:
        Unavailable: if the database cannot be used.
    """
    try:
        upgrade_schema(settings)
    except OperationalError as error:
        raise Unavailable(f"The database cannot be used: {' '.join(str(error.orig).split())}") from error
    platform = build(settings, connections=2)
    try:
        install_vectors(platform.engine)
        with platform.unit_of_work() as uow:
            know_kinds(uow, kinds, are_builtin=True)
            password = bootstrap(uow, settings.initial_password, has_pipeline=settings.default_pipeline)
            uow.commit()
        return password
    finally:
        platform.close()


def upgrade_schema(settings: Settings) -> None:
    """Run the migrations that the database has not seen yet; again and again where somebody works with the tables."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = settings.sqlalchemy_url
    for attempt in range(_ATTEMPTS):
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            if attempt + 1 == _ATTEMPTS or not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
