"""A platform as it is before anybody has used it."""

from __future__ import annotations

from typing import Any

from models.services.bootstrap import bootstrap
from models.wiring import Platform
from tests.support.engines import empty_redis, empty_tables
from tests.support.settings import PASSWORD


def begin_anew(platform: Platform) -> None:
    """Empty the tables, but for what a first start makes, and Redis."""
    empty_tables(platform.engine)
    empty_redis(platform.settings.broker_url)
    with platform.unit_of_work() as uow:
        bootstrap(uow, PASSWORD)
        uow.commit()


def rows(platform: Platform, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Read rows by SQL."""
    with platform.reading() as uow:
        return uow.fetch(statement, **parameters)


def execute(platform: Platform, statement: str) -> None:
    """Change rows by SQL."""
    with platform.unit_of_work() as uow:
        uow.execute(statement)
        uow.commit()
