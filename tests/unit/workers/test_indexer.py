"""The indexer as a whole: leading, following, rebuilding on demand, and surviving its engines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from threading import Event, Thread

import pytest
from sqlalchemy import text

from models.errors import Unavailable
from models.events import ASSET_CREATED, NewEvent
from models.ids import new_id
from models.leadership import Leadership
from models.messages import REINDEX
from models.payloads import Reindex
from models.permissions import Actor
from models.search import IndexHome, SearchQuery
from models.services import tasks
from models.services.ingest import NewAsset, ensure_assets
from models.wiring import Platform, build
from tests.support.waiting import seconds_until, wait_until
from workers.indexer import LOCK, run

_SEARCHABLE_SECONDS = 2.0


class _Running:
    """An indexer in a thread of its own, with connections of its own."""

    def __init__(self, platform: Platform) -> None:
        self.platform = build(platform.settings)
        self.stopping = Event()
        self.thread = Thread(target=run, args=(self.platform, self.stopping))
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(15)
        assert not self.thread.is_alive()
        self.platform.close()


@contextmanager
def _running(platform: Platform) -> Iterator[_Running]:
    indexer = _Running(platform)
    try:
        yield indexer
    finally:
        indexer.stop()


@pytest.fixture
def indexer(platform: Platform) -> Iterator[_Running]:
    with _running(platform) as indexer:
        wait_until(lambda: platform.search.document_count() is not None)
        yield indexer


def _add(platform: Platform, actor: Actor, name: str) -> None:
    with platform.unit_of_work() as uow:
        new = NewAsset(new_id().hex * 4, 10, "image/jpeg", name)
        ids, _ = ensure_assets(uow, actor.space_id, actor.user_id, "test", [new])
        uow.publish(NewEvent(ASSET_CREATED, actor.space_id, ids[new.sha512]))
        uow.commit()


def _is_found(platform: Platform, actor: Actor, terms: str) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return platform.search.search(SearchQuery(actor.space_id, terms)).total == 1
        except Unavailable:
            return False

    return look


def _terminate_sessions(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        connection.execute(
            text(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()"""
            )
        )


@pytest.mark.usefixtures("indexer")
def test_new_assets_are_findable_within_two_seconds(platform: Platform, actor: Actor) -> None:
    taken = []
    for number in range(5):
        _add(platform, actor, f"fresh{number}.jpg")
        taken.append(seconds_until(_is_found(platform, actor, f"fresh{number}")))
    assert median(taken) < _SEARCHABLE_SECONDS, taken


@pytest.mark.usefixtures("indexer")
def test_indexer_survives_the_loss_of_its_sessions(platform: Platform, actor: Actor) -> None:
    for number in range(2):
        _terminate_sessions(platform)
        _add(platform, actor, f"after{number}.jpg")
        wait_until(_is_found(platform, actor, f"after{number}"))


@pytest.mark.usefixtures("indexer")
def test_reindex_task_is_run_by_the_indexer(platform: Platform, actor: Actor) -> None:
    _add(platform, actor, "one.jpg")
    wait_until(_is_found(platform, actor, "one"))
    before = IndexHome(platform.settings.loom_home.index).current()
    with platform.unit_of_work() as uow:
        task = tasks.submit(
            uow, REINDEX, Reindex(), space_id=actor.space_id, title="reindex", max_attempts=3, actor=actor
        )
        uow.commit()

    def has_ended() -> bool:
        with platform.unit_of_work() as uow:
            return tasks.get_task(uow, actor, task.id).state == "SUCCEEDED"

    wait_until(has_ended)
    assert IndexHome(platform.settings.loom_home.index).current() != before
    _add(platform, actor, "two.jpg")
    wait_until(_is_found(platform, actor, "two"))


def test_second_indexer_takes_over(platform: Platform, actor: Actor, indexer: _Running) -> None:
    with _running(platform):
        _add(platform, actor, "one.jpg")
        wait_until(_is_found(platform, actor, "one"))
        indexer.stop()
        _add(platform, actor, "two.jpg")
        wait_until(_is_found(platform, actor, "two"))


def test_indexer_stops_quickly_while_waiting_and_while_leading(platform: Platform) -> None:
    with Leadership(platform.engine, LOCK) as leadership:
        assert leadership.acquire(Event())
        waiting = _Running(platform)
        started = time.monotonic()
        waiting.stop()
        assert time.monotonic() - started < 5
    leading = _Running(platform)
    wait_until(lambda: platform.search.document_count() is not None)
    started = time.monotonic()
    leading.stop()
    assert time.monotonic() - started < 5


def test_leadership_is_exclusive_and_its_loss_is_noticed(platform: Platform) -> None:
    with Leadership(platform.engine, "job") as first, Leadership(platform.engine, "job") as second:
        assert first.acquire(Event())
        assert first.is_held()
        assert second._try() == "another process leads"
        assert not second.is_held()
        _terminate_sessions(platform)
        assert not first.is_held()
        assert second.acquire(Event())
        second.release()
        assert first.acquire(Event())
