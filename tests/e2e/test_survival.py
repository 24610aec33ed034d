"""Whatever is killed while a pool is scanned, the scan ends by itself with the right catalogue."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis
from sqlalchemy.exc import OperationalError

from tests.support.running_loom import RunningLoom
from tests.support.trees import make_tree
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

FILES = 8_000
TAKEN_UP_SECONDS = 20


@pytest.fixture
def loom(tmp_path: Path) -> Iterator[RunningLoom]:
    with RunningLoom(tmp_path) as running:
        yield running


def _catalogue(loom: RunningLoom) -> dict[str, str]:
    rows = loom.query(
        "SELECT path, encode(sha512, 'hex') FROM location JOIN asset ON asset.id = asset_id WHERE state = 'PRESENT'",
    )
    return {os.fsdecode(bytes(row[0])): row[1] for row in rows}


def _flush_all(loom: RunningLoom) -> None:
    with redis.Redis.from_url(loom.home.redis_url) as client:
        client.flushall()


@pytest.mark.alone
def test_a_scan_survives_the_death_of_every_process(loom: RunningLoom, tmp_path: Path) -> None:
    root = tmp_path / "media"
    expected = make_tree(root, FILES, 40_000, 120_000)
    task = loom.start_scan(loom.make_pool(root))
    deaths: list[Callable[[], object]] = [
        lambda: loom.kill("dramatiq", "hash"),
        lambda: loom.kill("compose.cli", "indexer"),
        lambda: loom.kill("compose.cli", "scheduler"),
        lambda: loom.kill("gunicorn"),
        lambda: loom.kill("valkey-server"),
        lambda: loom.kill("bin/postgres"),
        lambda: _flush_all(loom),
    ]
    for number, death in enumerate(deaths):
        # All in the first half: an engine that comes back must not find the scan at its end.
        _wait_for_progress(loom, task, FILES * number // (2 * len(deaths)))
        death()
    ended = loom.wait_for_task(task, 180)
    assert (ended["state"], ended["progress"]["done"], ended["progress"]["percent"]) == ("SUCCEEDED", FILES, 100)
    assert _catalogue(loom) == expected
    assert loom.query("SELECT count(*) FROM asset")[0][0] == len(set(expected.values()))
    assert loom.wait_for_task(loom.start_scan(_pool(loom)))["result"]["unchanged"] == FILES
    _expect_everything_searchable(loom)


def _wait_for_progress(loom: RunningLoom, task: str, least: int) -> None:
    """Wait until more files are done, by the database: the web tier may be the one that was killed."""

    def has_moved() -> bool:
        try:
            ((state, done),) = loom.query(f"SELECT state, done FROM task WHERE id = '{task}'")
        except OperationalError:
            return False
        assert state in {"PENDING", "RUNNING"}, "the scan ended before the last death: make the tree larger"
        return bool(done > least)

    wait_until(has_moved, 60)


def _pool(loom: RunningLoom) -> str:
    return str(loom.ask("GET", "/asset-pools").json()["data"][0]["uuid"])


def _expect_everything_searchable(loom: RunningLoom) -> None:
    def indexed() -> bool:
        return bool(loom.ask("GET", "/search/status").json().get("documentCount") == FILES)

    wait_until(indexed, 60)


def _owner(loom: RunningLoom, task: str) -> int | None:
    rows = loom.query(
        f"""SELECT lease_owner FROM task_part
            WHERE task_id = '{task}' AND state = 'RUNNING' AND payload::text LIKE '%.bin%'"""
    )
    return int(rows[0][0].split(":")[1]) if rows and rows[0][0] else None


def _wait_for_other_owner(loom: RunningLoom, task: str, gone: int) -> None:
    """Wait until the dead one has the task no more, be it that nobody has."""
    wait_until(lambda: _owner(loom, task) != gone, 60)


def _wait_for_owner(loom: RunningLoom, task: str, other_than: int | None = None, seconds: float = 60) -> int:
    wait_until(lambda: _owner(loom, task) not in (None, other_than), seconds)
    owner = _owner(loom, task)
    assert owner is not None
    return owner


@pytest.mark.alone
def test_the_work_of_a_killed_worker_is_taken_up_within_20_seconds(loom: RunningLoom, tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    _make_sparse(root / "large.bin", 8 << 30)
    task = loom.start_scan(loom.make_pool(root))
    first = _wait_for_owner(loom, task)
    psutil.Process(first).send_signal(signal.SIGKILL)
    second = _wait_for_owner(loom, task, other_than=first, seconds=TAKEN_UP_SECONDS)
    assert second != first
    assert loom.ask("POST", f"/tasks/{task}/cancel").status_code == 202
    assert loom.wait_for_task(task)["state"] == "CANCELLED"


def _make_sparse(place: Path, size: int) -> None:
    """A file that takes long to hash and no room on the disk."""
    with place.open("wb") as stream:
        stream.truncate(size)


def test_work_that_kills_its_workers_is_given_up_and_the_rest_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    _make_sparse(root / "deadly.bin", 64 << 30)
    (root / "harmless.txt").write_text("harmless")
    with RunningLoom(tmp_path, LOOM_TASK_LEASE_SECONDS="2") as loom:
        task = loom.start_scan(loom.make_pool(root))
        for _ in range(3):
            victim = _wait_for_owner(loom, task)
            psutil.Process(victim).send_signal(signal.SIGKILL)
            _wait_for_other_owner(loom, task, victim)
        ended = loom.wait_for_task(task, 60)
        assert (ended["state"], ended["progress"]["done"], ended["progress"]["failed"]) == ("PARTIAL", 1, 1)
        items = loom.ask("GET", f"/tasks/{task}/items", params={"state": "FAILED"}).json()["data"]
        assert [(item["subject"], item["code"]) for item in items] == [("deadly.bin", "worker-died")]
        assert set(_catalogue(loom)) == {"harmless.txt"}
