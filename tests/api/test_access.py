"""Every route, asked by everybody: what each is answered follows from the permissions of its view, by one rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from models.home import Home
from models.services.bootstrap import bootstrap
from models.wiring import Platform, build
from tests.support.access import Outcome, Reach, Row, expected, fill
from tests.support.access_rows import ROWS
from tests.support.access_world import Caller, World
from tests.support.client import Answer
from tests.support.engines import empty_redis, empty_tables
from tests.support.settings import PASSWORD, make_settings
from web.aliases import ALIASES
from web.app import close_app, create_app
from web.auth import permissions_of
from web.blueprints import PREFIX

_NOT_WALKED = {"HEAD", "OPTIONS"}
"""Nor are WebSockets: test_live_rights.py is about those."""


@pytest.fixture(scope="module")
def platform(engines: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = build(make_settings(tmp_path_factory.mktemp("home"), engines))
    yield platform
    platform.close()


@pytest.fixture(scope="module")
def app(platform: Platform) -> Iterator[Flask]:
    app = create_app(platform)
    yield app
    close_app(app)


Begin = Callable[[Row], World]


@pytest.fixture(scope="module")
def begin(platform: Platform, app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Begin:
    """Give the world that a row is asked in: one without anything in it where something is counted, else the last."""
    worlds: list[World] = []

    def find(row: Row) -> World:
        if not worlds or row.reach is Reach.LIST:
            empty_tables(platform.engine)
            empty_redis(platform.settings.broker_url)
            with platform.unit_of_work() as uow:
                bootstrap(uow, PASSWORD)
                uow.commit()
            worlds.append(World(platform, app, tmp_path_factory.mktemp("world")))
        return worlds[-1]

    return find


def _spellings(row: Row) -> list[str]:
    """Give the path of a route and its aliases."""
    found = [PREFIX + row.path]
    for alias, canonical in ALIASES.items():
        rest = found[0].removeprefix(canonical)
        if found[0].startswith(canonical) and rest[:1] in {"", "/"}:
            found.append(alias + rest)
    return found


_WALKS = [
    pytest.param(row, path.removeprefix(PREFIX), id=f"{row.method} {path}") for row in ROWS for path in _spellings(row)
]


def test_every_route_has_its_row(app: Flask) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX) and not rule.websocket
        for method in (rule.methods or set()) - _NOT_WALKED
    }
    known = [f"{row.method} {path}" for row in ROWS for path in _spellings(row)]
    rows = {name for name in known if name.partition(" ")[2].startswith(PREFIX)}
    assert len(known) == len(set(known)), "a route has two rows"
    assert not routes - rows, (
        f"add a row() to a list of tests/support/access_rows_*.py for each of: {', '.join(sorted(routes - rows))}"
    )
    assert not rows - routes, (
        f"rows of tests/support/access_rows_*.py without a route: {', '.join(sorted(rows - routes))}"
    )


@pytest.mark.parametrize(("row", "path"), _WALKS)
def test_everybody_is_answered_by_the_rule(app: Flask, begin: Begin, row: Row, path: str) -> None:
    world = begin(row)
    needed = permissions_of(app.view_functions[_endpoint(app, row)])
    wrong = []
    for caller in Caller:
        answer = _ask(world, row, path, caller)
        outcome, status = expected(row, world, caller, needed)
        if answer.status_code != status:
            said = answer.get_data(as_text=True)[:300]
            wrong.append(f"{caller} ({outcome}): {answer.status_code} instead of {status}: {said}")
        elif row.reach is Reach.LIST and outcome in {Outcome.SUCCESS, Outcome.UNSEEN}:
            wrong += _miscounted(row, caller, answer, is_seen=outcome is Outcome.SUCCESS)
    assert not wrong, f"{row.name}\n" + "\n".join(wrong)


def _endpoint(app: Flask, row: Row) -> str:
    endpoints: Iterator[str] = (
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule == PREFIX + row.path and row.method in (rule.methods or ()) and not rule.websocket
    )
    return next(endpoints)


def _ask(world: World, row: Row, path: str, caller: Caller) -> Answer:
    made = {"word": world.word(), "sha512": world.sha512(), **row.make(world)}
    body, query = row.given(made)
    answer = world.clients[caller].request(
        row.method, fill(path, made), body, query_string=query, headers=dict(row.headers)
    )
    answer.get_data()
    return answer


def _miscounted(row: Row, caller: Caller, answer: Answer, *, is_seen: bool) -> list[str]:
    about = answer.json["_metainfo"]
    total = about.get("totalCount", about.get("totalHits"))
    if is_seen:
        return [] if total else [f"{caller}: does not see what was made"]
    own = row.own.get(caller, 0)
    return [] if total == own == len(answer.json["data"]) else [f"{caller}: {total} elements instead of {own}"]
