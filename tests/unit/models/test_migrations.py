"""Migrations on a database with something in it: nothing that was there before is lost, and Loom goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import models.migrating
from models.errors import LoomError
from models.home import Home
from models.migrating import upgrade_schema
from models.services.bootstrap import bootstrap
from models.services.node_kinds import know_kinds
from models.services.vector_keys import install
from models.settings import Settings
from models.wiring import Platform, build
from tests.support.access_rows import ROWS
from tests.support.access_world import Caller, World
from tests.support.settings import PASSWORD, make_settings
from web.app import close_app, create_app
from workers.nodes import DESCRIPTORS

_OLDEST = "0009"
"""The first tables that a Loom which somebody may have used had."""


@pytest.fixture
def settings(engines: Home, tmp_path: Path) -> Iterator[Settings]:
    """A database of its own."""
    shared = make_settings(tmp_path / "home", engines)
    own = shared.model_copy(update={"database_url": engines.database_url.replace("/loom?", "/migrations?")})
    platform = build(shared)
    with platform.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE migrations"))
        yield own
        connection.execute(text("DROP DATABASE migrations WITH (FORCE)"))
    platform.close()


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    upgrade_schema(settings)
    platform = build(settings)
    install(platform.engine)
    with platform.unit_of_work() as uow:
        know_kinds(uow, DESCRIPTORS.values(), are_builtin=True)
        bootstrap(uow, PASSWORD)
        uow.commit()
    yield platform
    platform.close()


def _config(settings: Settings) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(models.migrating.__file__).parent / "migrations"))
    config.attributes["url"] = settings.sqlalchemy_url
    return config


def _counts(platform: Platform) -> dict[str, int]:
    """Count the rows of each table."""
    with platform.reading() as uow:
        tables = uow.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name: uow.fetch(f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in tables}


def _fill(world: World) -> None:
    """Make one of everything that the table of access knows how to make."""
    for row in ROWS:
        if not row.path.startswith("/search"):
            with suppress(LoomError):  # of what may exist once only
                row.make(world)


def test_all_that_was_there_before_is_there_after(platform: Platform, settings: Settings, tmp_path: Path) -> None:
    app = create_app(platform)
    world = World(platform, app, tmp_path)
    _fill(world)
    command.downgrade(_config(settings), _OLDEST)
    before = _counts(platform)
    assert sum(count > 0 for count in before.values()) > 40
    command.upgrade(_config(settings), "head")
    after = _counts(platform)
    assert {name: (count, after.get(name)) for name, count in before.items() if after.get(name) != count} == {}
    admin = world.clients[Caller.ADMIN]
    for path in ("/assets", "/tags", "/tasks", "/webhooks", "/pipelines", "/sessions", "/tokens", "/events"):
        admin.get(path)
    admin.post("/tags", {"name": "new", "collection": "after"}, expect=201)
    close_app(app)
