"""Schedules: when they fire, that they fire once, and that they do not pile up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

from models.entities import Pool, Schedule
from models.errors import InvalidInput
from models.ids import new_id
from models.permissions import Actor
from models.services.schedules import next_run, parse_trigger, set_pool_schedule, submit_due
from models.wiring import Platform

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["*/15 * * * *", "0 3 * * mon", "10s", "15m", "2h", "366d"])
def test_triggers_that_are_understood(text: str) -> None:
    assert next_run(text, NOON) > NOON


@pytest.mark.parametrize(
    "text", ["", "now", "5s", "400d", "61 * * * *", "* * * *", "0m", "-5m", "1.5h", "* * * * * *", "9999999999m"]
)
def test_triggers_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"schedule|interval"):
        parse_trigger(text)


def test_a_cron_expression_is_utc() -> None:
    assert next_run("30 14 * * *", NOON) == NOON.replace(hour=14, minute=30)


def test_an_interval_is_spread_by_at_most_a_tenth() -> None:
    for _ in range(50):
        gap = next_run("10m", NOON) - NOON
        assert timedelta(minutes=9) <= gap <= timedelta(minutes=11)


@pytest.fixture
def pool(platform: Platform, actor: Actor, tmp_path: Path) -> UUID:
    pool = Pool(id=new_id(), space_id=actor.space_id, name="media", fs_path=str(tmp_path), schedule="10m")
    with platform.unit_of_work() as uow:
        uow.session.add(pool)
        uow.session.flush()
        set_pool_schedule(uow, pool)
        uow.commit()
    return pool.id


def _make_due(platform: Platform, ago: str = "1 s") -> None:
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE schedule SET next_run = now() - CAST(:ago AS interval) WHERE pool_id IS NOT NULL", ago=ago)
        uow.commit()


def _submit_due(platform: Platform) -> int:
    with platform.unit_of_work() as uow:
        count = submit_due(uow, max_attempts=3)
        uow.commit()
    return count


def _scans(platform: Platform) -> list[Any]:
    with platform.unit_of_work() as uow:
        return list(uow.execute("SELECT state, subject_id, schedule_id FROM task WHERE kind = 'pools.scan'").all())


def test_a_schedule_that_is_not_due_waits(platform: Platform, pool: UUID) -> None:
    assert _submit_due(platform) == 0


def test_a_missed_schedule_fires_once_and_goes_on_from_now(platform: Platform, pool: UUID) -> None:
    _make_due(platform, "3 days")
    assert _submit_due(platform) == 1
    assert _submit_due(platform) == 0
    assert [scan.subject_id for scan in _scans(platform)] == [pool]
    with platform.unit_of_work() as uow:
        schedule = uow.session.query(Schedule).filter_by(pool_id=pool).one()
        assert schedule.next_run > datetime.now(UTC)
        assert schedule.last_run is not None


def test_a_tick_is_skipped_while_the_last_scan_goes_on(platform: Platform, pool: UUID) -> None:
    _make_due(platform)
    assert _submit_due(platform) == 1
    _make_due(platform)
    assert _submit_due(platform) == 0
    assert len(_scans(platform)) == 1
    with platform.unit_of_work() as uow:
        assert uow.session.query(Schedule).filter_by(pool_id=pool).one().skipped == 1


def test_two_schedulers_at_the_same_moment_submit_one_task(platform: Platform, pool: UUID) -> None:
    _make_due(platform)
    threads = [Thread(target=_submit_due, args=(platform,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_scans(platform)) == 1


def test_a_pool_without_schedule_has_none(platform: Platform, pool: UUID) -> None:
    with platform.unit_of_work() as uow:
        found = uow.session.get_one(Pool, pool)
        found.schedule = None
        set_pool_schedule(uow, found)
        uow.commit()
    with platform.unit_of_work() as uow:
        assert uow.session.query(Schedule).filter_by(pool_id=pool).count() == 0
