"""Watched pools: what changes is scanned soon, the right folder of the right pool, and only once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models.permissions import Actor
from models.settings import Settings
from models.wiring import Platform
from scheduler.watching import Watcher, changed_folders, common_folder
from tests.support.platforms import execute, rows
from tests.support.scanner import Scanner, make_scanner
from tests.support.waiting import wait_until
from workers.inline import run_all

_SCANS = "SELECT payload ->> 'path', state FROM task WHERE kind = 'pools.scan' ORDER BY id"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"watch_delay": 0.2})


@pytest.fixture
def pool(platform: Platform, actor: Actor, tmp_path: Path) -> Scanner:
    scanner = make_scanner(platform, actor, tmp_path / "media")
    execute(platform, "UPDATE pool SET is_watched = true")
    return scanner


@pytest.fixture
def watcher(platform: Platform, pool: Scanner) -> Iterator[Watcher]:
    watcher = Watcher(platform)
    watcher.start()
    yield watcher
    watcher.stop()


def _scans(platform: Platform) -> list[Any]:
    return rows(platform, _SCANS)


def _write_until(pool: Scanner, name: str, condition: Callable[[], object]) -> None:
    """Write once a second: the watch begins some time after it was asked for, and wants some rest."""
    written = 0.0

    def is_so() -> object:
        nonlocal written
        if time.monotonic() > written + 1:
            pool.write(name, b"content")
            written = time.monotonic()
        return condition()

    wait_until(is_so, 30)


def test_a_change_is_scanned_in_its_folder(platform: Platform, pool: Scanner, watcher: Watcher) -> None:
    pool.write("a/b/known", b"known")
    _write_until(pool, "a/b/c", lambda: _scans(platform))
    run_all(platform)
    assert set(pool.catalogue()) >= {b"a/b/c"}
    (pool.root / "a/b/c").rename(pool.root / "a/d")
    wait_until(lambda: any(state == "PENDING" for _, state in _scans(platform)), 30)
    run_all(platform)
    assert b"a/d" in pool.catalogue()


def test_what_changes_during_a_scan_is_scanned_after_it(platform: Platform, pool: Scanner, watcher: Watcher) -> None:
    pool.start()
    for number in range(3):
        pool.write(f"{number}/x", b"content")
    shutil.rmtree(pool.root / "0")
    _write_until(pool, "1/x", lambda: watcher.waiting)
    assert len(_scans(platform)) == 1
    run_all(platform)
    wait_until(lambda: len(_scans(platform)) == 2, 30)
    run_all(platform)
    assert pool.catalogue() == pool.folder()


def test_a_pool_that_is_watched_no_more(platform: Platform, pool: Scanner, watcher: Watcher) -> None:
    _write_until(pool, "a", lambda: _scans(platform))
    run_all(platform)
    execute(platform, "UPDATE pool SET is_watched = false")
    wait_until(lambda: not watcher.roots, 30)
    before = _scans(platform)
    pool.write("b", b"content")
    assert _scans(platform) == before


def test_which_folders_have_changed() -> None:
    first, second = uuid4(), uuid4()
    roots = {first: "/media", second: "/media2"}
    paths = ["/media/a/x", "/media/a/y", "/media/b", "/media2/c/d/e", "/elsewhere/x", "/media"]
    assert changed_folders(roots, paths) == {first: {"a", ""}, second: {"c/d"}}


@pytest.mark.parametrize(
    ("folders", "common"),
    [({"a"}, "a"), ({"a/b", "a/c"}, "a"), ({"a", "a/b"}, "a"), ({"a", "b"}, ""), ({"", "a"}, ""), ({"ab", "a"}, "")],
)
def test_the_folder_that_holds_all_changes(folders: set[str], common: str) -> None:
    assert common_folder(folders) == common
