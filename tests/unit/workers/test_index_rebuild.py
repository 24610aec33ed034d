"""The text index is built anew beside the live one: on request, and when what was removed takes too much room."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from models.events import ASSET_DELETED
from models.messages import REINDEX, Queue
from models.payloads import Reindex
from models.permissions import Actor
from models.search import IndexBusy, IndexHome, tantivy_writer
from models.services import tasks
from models.wiring import Platform
from tests.support.documents import Silent
from tests.support.indexing import add_assets, change_asset, generations_of, run_until, settle, titles_of
from workers.handlers.reindex import ReindexHandler
from workers.indexing import feed as feeding
from workers.indexing.feed import Feed
from workers.indexing.rebuild import rebuild
from workers.runtime import Runtime


def _submit(platform: Platform, actor: Actor) -> UUID:
    with platform.unit_of_work() as uow:
        task = tasks.submit(
            uow, REINDEX, Reindex(), space_id=actor.space_id, title="reindex", max_attempts=3, actor=actor
        )
        uow.commit()
    return task.id


def test_reindex_task_switches_and_the_feed_goes_on(
    feed: Feed, platform: Platform, actor: Actor, home: IndexHome
) -> None:
    add_assets(platform, actor, "one.jpg", "two.jpg")
    settle(feed, platform, actor, ["one.jpg", "two.jpg"])
    before = home.current()
    for _ in range(2):
        task_id = _submit(platform, actor)
        assert Runtime(platform, (Queue.INDEX,), (ReindexHandler(),)).run_one(Queue.INDEX)
        with platform.unit_of_work() as uow:
            task = tasks.get_task(uow, actor, task_id)
            assert (task.state, task.total, task.done, task.result) == ("SUCCEEDED", 2, 2, {"documents": 2})
    assert home.current() != before
    add_assets(platform, actor, "three.jpg")
    settle(feed, platform, actor, ["one.jpg", "two.jpg", "three.jpg"])
    assert len(generations_of(home)) == 1


class _Stop(Exception):
    pass


class _Cancels(Silent):
    def advance(self, done: int) -> None:
        raise _Stop


def test_rebuild_that_is_ended_leaves_the_live_index(
    feed: Feed, platform: Platform, actor: Actor, home: IndexHome
) -> None:
    add_assets(platform, actor, "one.jpg")
    settle(feed, platform, actor, ["one.jpg"])
    before = home.current()
    with pytest.raises(_Stop):
        rebuild(platform, home, _Cancels())
    assert home.current() == before
    assert len(generations_of(home)) == 1
    assert titles_of(platform, actor) == ["one.jpg"]


class _Meanwhile(Silent):
    """Changes the catalogue while a rebuild runs."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def advance(self, done: int) -> None:
        self._act()


def test_changes_during_a_rebuild_are_not_lost(feed: Feed, platform: Platform, actor: Actor, home: IndexHome) -> None:
    [first] = add_assets(platform, actor, "one.jpg")
    feed.run_once()

    def act() -> None:
        add_assets(platform, actor, "late.jpg")
        change_asset(platform, actor, first, "DELETE FROM asset WHERE id = :id", ASSET_DELETED)
        with pytest.raises(IndexBusy):
            rebuild(platform, home, Silent())

    rebuild(platform, home, _Meanwhile(act))
    run_until(feed, lambda: set(titles_of(platform, actor)) == {"late.jpg"})


def test_an_index_full_of_what_was_removed_is_built_anew(
    feed: Feed, platform: Platform, actor: Actor, home: IndexHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tantivy_writer, "_MOST_REMOVED", 3)
    monkeypatch.setattr(feeding, "_CHECK_SECONDS", 0)
    monkeypatch.setattr(feeding, "COMMIT_SECONDS", 0)
    names = [f"{number}.jpg" for number in range(10)]
    assets = add_assets(platform, actor, *names)
    settle(feed, platform, actor, names)
    before = home.current()
    for each in assets[:6]:
        change_asset(platform, actor, each, "DELETE FROM asset WHERE id = :id", ASSET_DELETED)
    run_until(feed, lambda: home.current() != before)
    settle(feed, platform, actor, names[6:])
    assert len(generations_of(home)) == 1
