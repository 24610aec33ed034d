"""The text index follows the catalogue and heals, on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from models.errors import Unavailable
from models.events import ASSET_DELETED, ASSET_UPDATED, TASK_UPDATED, NewEvent
from models.ids import new_id
from models.permissions import Actor
from models.search import IndexHome
from models.wiring import Platform
from tests.support.documents import Silent
from tests.support.indexing import add_assets, change_asset, generations_of, run_until, settle, titles_of
from tests.support.waiting import wait_until
from workers.indexing.feed import Feed


def test_catalogue_before_the_first_start_is_indexed(feed: Feed, platform: Platform, actor: Actor) -> None:
    add_assets(platform, actor, "one.jpg", "two.jpg")
    settle(feed, platform, actor, ["one.jpg", "two.jpg"])


def test_changes_are_followed(feed: Feed, platform: Platform, actor: Actor) -> None:
    feed.run_once()
    first, second = add_assets(platform, actor, "one.jpg", "two.jpg")
    settle(feed, platform, actor, ["one.jpg", "two.jpg"])
    change_asset(platform, actor, first, "UPDATE asset SET filename = 'new.jpg' WHERE id = :id", ASSET_UPDATED)
    settle(feed, platform, actor, ["new.jpg", "two.jpg"])
    change_asset(platform, actor, second, "DELETE FROM asset WHERE id = :id", ASSET_DELETED)
    settle(feed, platform, actor, ["new.jpg"])


def test_paths_and_own_metadata_are_findable(feed: Feed, platform: Platform, actor: Actor) -> None:
    [asset_id] = add_assets(platform, actor, "one.jpg")
    pool_id = new_id()
    with platform.unit_of_work() as uow:
        uow.execute(
            "INSERT INTO pool (id, space_id, name, fs_path) VALUES (:id, :space, 'p', '/p')",
            id=pool_id,
            space=actor.space_id,
        )
        for number, (path, state) in enumerate([(b"Rome/\xff.jpg", "PRESENT"), (b"Lisbon/x.jpg", "MISSING")]):
            uow.execute(
                """INSERT INTO location (id, pool_id, asset_id, path, device, inode, size, mtime_ns, ctime_ns, state)
                   VALUES (:id, :pool, :asset, :path, 1, :number, 1, 1, 1, :state)""",
                id=new_id(),
                pool=pool_id,
                asset=asset_id,
                path=path,
                number=number,
                state=state,
            )
        uow.execute(
            """UPDATE asset SET meta = '{"a": [{"b": "Sunset: over"}], "c": {"d": "hills"}, "n": 1}' WHERE id = :id""",
            id=asset_id,
        )
        uow.commit()
    settle(feed, platform, actor, ["one.jpg"])
    for terms in ("rome", '"sunset over"', "hills"):
        assert titles_of(platform, actor, terms) == ["one.jpg"]
    for terms in ("lisbon", '"over hills"'):
        assert titles_of(platform, actor, terms) == []


def test_restart_goes_on_where_it_stopped(feed: Feed, platform: Platform, actor: Actor, home: IndexHome) -> None:
    add_assets(platform, actor, "one.jpg")
    settle(feed, platform, actor, ["one.jpg"])
    add_assets(platform, actor, "two.jpg")
    settle(feed, platform, actor, ["one.jpg", "two.jpg"])
    before = home.current()
    feed.abandon()
    add_assets(platform, actor, "three.jpg")
    settle(feed, platform, actor, ["one.jpg", "two.jpg", "three.jpg"])
    assert home.current() == before


def _write_until_some_waits(feed: Feed, platform: Platform, actor: Actor) -> list[str]:
    """Add assets until one is written but not committed, for a commit was a moment ago."""
    names: list[str] = []

    def add() -> bool:
        names.append(f"more-{len(names)}.jpg")
        add_assets(platform, actor, names[-1])
        feed.run_once()
        return feed.wait_seconds(9) < 9

    wait_until(add)
    return names


def test_uncommitted_changes_are_read_again(platform: Platform, actor: Actor, home: IndexHome) -> None:
    with Feed(platform, home, Silent()) as feed:
        add_assets(platform, actor, "one.jpg")
        settle(feed, platform, actor, ["one.jpg"])
        names = _write_until_some_waits(feed, platform, actor)
        feed.abandon()
    with Feed(platform, home, Silent()) as feed:
        settle(feed, platform, actor, ["one.jpg", *names])


def test_leaving_commits_what_waits(platform: Platform, actor: Actor, home: IndexHome) -> None:
    with Feed(platform, home, Silent()) as feed:
        add_assets(platform, actor, "one.jpg")
        settle(feed, platform, actor, ["one.jpg"])
        names = _write_until_some_waits(feed, platform, actor)
    wait_until(lambda: titles_of(platform, actor) == sorted(["one.jpg", *names]))


def _empty_largest(folder: Path) -> None:
    [path] = sorted(folder.glob("generations/*/segments/*.store"))[:1]
    # In place and as long as before: nobody who has it mapped is harmed, but the checksum is wrong.
    with path.open("r+b") as stream:
        stream.write(b"\x00" * 8)


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        lambda path: shutil.rmtree(path / "generations"),
        lambda path: (path / "CURRENT").unlink(),
        lambda path: (path / "CURRENT").write_text("nonsense"),
        lambda path: [file.unlink() for file in path.glob("generations/*/segments/*")],
        lambda path: [file.unlink() for file in path.glob("generations/*/position.json")],
        _empty_largest,
    ],
)
@pytest.mark.parametrize("moment", ["running", "stopped"])
def test_damage_heals(
    feed: Feed, platform: Platform, actor: Actor, home: IndexHome, damage: Callable[[Path], object], moment: str
) -> None:
    add_assets(platform, actor, "one.jpg")
    settle(feed, platform, actor, ["one.jpg"])
    if moment == "stopped":
        feed.abandon()
    damage(home.path)
    add_assets(platform, actor, "two.jpg")

    def is_healed() -> bool:
        try:
            feed.run_once()
            return titles_of(platform, actor) == ["one.jpg", "two.jpg"]
        except Unavailable:
            return False

    wait_until(is_healed)


def test_index_of_another_history_is_not_trusted(feed: Feed, platform: Platform, actor: Actor, home: IndexHome) -> None:
    add_assets(platform, actor, "one.jpg")
    settle(feed, platform, actor, ["one.jpg"])
    add_assets(platform, actor, "two.jpg")
    settle(feed, platform, actor, ["one.jpg", "two.jpg"])
    feed.abandon()
    before = home.current()
    with platform.engine.begin() as connection:
        # As if events were pruned beyond the position, or the database put back to an earlier day.
        connection.execute(text("DELETE FROM event"))
        connection.execute(text("DELETE FROM asset WHERE filename = 'one.jpg'"))
    settle(feed, platform, actor, ["two.jpg"])
    assert home.current() != before
    assert len(generations_of(home)) == 1


def test_long_transaction_of_somebody_else_does_not_hide_new_assets(
    feed: Feed, platform: Platform, actor: Actor
) -> None:
    feed.run_once()
    with platform.engine.begin() as connection:
        connection.execute(text("SELECT pg_current_xact_id()"))
        add_assets(platform, actor, "one.jpg")
        settle(feed, platform, actor, ["one.jpg"])


def test_other_events_move_the_position(
    feed: Feed, platform: Platform, actor: Actor, home: IndexHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.indexing.feed._NOTE_SECONDS", 0.1)
    feed.run_once()
    with platform.unit_of_work() as uow:
        uow.publish(NewEvent(TASK_UPDATED, actor.space_id, new_id()))
        uow.commit()

    def is_noted() -> bool:
        generation = home.current()
        state = generation.read_state() if generation else None
        return state is not None and state.id > 0

    run_until(feed, is_noted)
