"""What tests of every kind share: engines for the session, an empty platform for each test.

`platform` is a `models.wiring.Platform` on empty tables (but for what `migrate` makes), an empty Redis and an empty
blob store; `actor` is the first user, signed in; `client` speaks to the web tier in that user's name.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

from models.home import Home
from models.migrating import upgrade_schema
from models.permissions import Actor
from models.process import tune_garbage_collection
from models.search import IndexHome
from models.services import passwords
from models.services.node_kinds import know_kinds
from models.services.vector_keys import install
from models.settings import Settings, child_environment
from models.wiring import Platform, build
from tests.support.actors import first_user
from tests.support.assets import run_uploads
from tests.support.client import ApiClient
from tests.support.documents import Silent
from tests.support.engines import throw_away_engines
from tests.support.platforms import begin_anew
from tests.support.settings import PASSWORD, make_settings
from tests.support.working import meanwhile
from web.app import close_app, connect_app, create_app
from workers.indexing.feed import Feed
from workers.nodes import DESCRIPTORS

_SHOWN_OF_LOG = 6_000
"""Characters."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--requests", type=int, default=500, help="How many requests the fuzzer sends, about")
    parser.addoption("--sequences", type=int, default=125, help="How many sequences of changes and scans are tried")
    parser.addoption("--upgrade-from", help="Commit of the Loom that is upgraded; else the last with other tables")
    parser.addoption("--anew", action="store_true", help="Let both try something else than the last time")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the processes of a test that has failed have written at the end."""
    report = yield
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if report.failed and folder is not None:
        for log in sorted(folder.glob("*.log")):
            report.sections.append((log.name, log.read_text(errors="replace")[-_SHOWN_OF_LOG:]))
    return report


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> Iterator[None]:
    """Keep the settings of whoever runs the tests away from them, and from the processes that they start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in child_environment():
            if name.startswith("LOOM_"):
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True, scope="session")
def _open_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let tests that become an ordinary user reach their folders: a worker of xdist has one that is root's alone."""
    base = tmp_path_factory.getbasetemp()
    for folder in (base, *base.parents):
        if "pytest-" in folder.name or "popen-" in folder.name:
            folder.chmod(0o711)


@pytest.fixture(autouse=True, scope="session")
def _seldom_garbage() -> None:
    """Look for garbage as seldom as the processes of Loom do: what pytest has loaded is none."""
    tune_garbage_collection()


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with throw_away_engines(tmp_path_factory.mktemp("engines")) as home:
        settings = make_settings(home.path, home)
        upgrade_schema(settings)
        _prepare(settings)
        yield home


def _prepare(settings: Settings) -> None:
    """Make what no test changes: the kinds of node, and pgvector."""
    platform = build(settings)
    install(platform.engine)
    with platform.unit_of_work() as uow:
        know_kinds(uow, DESCRIPTORS.values(), are_builtin=True)
        uow.commit()
    platform.close()


@pytest.fixture
def settings(engines: Home, tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "home", engines)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    platform = build(settings)
    begin_anew(platform)
    yield platform
    platform.close()


@pytest.fixture
def actor(platform: Platform) -> Actor:
    return first_user(platform)


@pytest.fixture(scope="session")
def _applications() -> list[Flask]:
    return []


@pytest.fixture
def app(platform: Platform, _applications: list[Flask]) -> Iterator[Flask]:
    """The application, made once for the session: what it works with is each test's own."""
    if not _applications:
        _applications.append(create_app(platform))
    (app,) = _applications
    connect_app(app, platform)
    yield app
    close_app(app)


@pytest.fixture
def client(app: Flask) -> ApiClient:
    anonymous = ApiClient(app)
    token = anonymous.post("/auth/login", {"username": "admin", "password": PASSWORD})["token"]
    return ApiClient(app, token)


@pytest.fixture
def working(platform: Platform) -> Iterator[None]:
    """A worker that stores uploads meanwhile."""
    with meanwhile(lambda: run_uploads(platform)):
        yield


@pytest.fixture
def home(platform: Platform) -> IndexHome:
    """The folder of the text index."""
    return IndexHome(platform.settings.loom_home.index)


@pytest.fixture
def feed(platform: Platform, home: IndexHome) -> Iterator[Feed]:
    """An indexer that is led step by step."""
    with Feed(platform, home, Silent()) as feed:
        yield feed
