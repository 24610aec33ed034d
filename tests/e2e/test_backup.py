"""A backup of a Loom that works meanwhile, put back on another machine: all is there, and life goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.settings import child_environment
from tests.support.running_loom import RunningLoom
from tests.support.trees import make_tree
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

_FILES, _UPLOADS = 2_000, 20
_RAW = {"Content-Type": "application/octet-stream"}


def _loom(home: Path, *arguments: str) -> str:
    environment = child_environment(LOOM_HOME=str(home), LOOM_STORAGE_MIN_FREE_SPACE="0", LOOM_DEFAULT_PIPELINE="0")
    command = [sys.executable, "-m", "compose.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_backup_of_a_loom_at_work_comes_back(tmp_path: Path) -> None:
    make_tree(tmp_path / "media", _FILES, 1_000, 20_000)
    (first := tmp_path / "first").mkdir()
    (second := tmp_path / "second").mkdir()
    with RunningLoom(first) as loom:
        for number in range(_UPLOADS):
            answer = loom.ask("POST", f"/assets/upload?filename={number}", content=b"%d" % number, headers=_RAW)
            assert answer.status_code == 202, answer.text
        wait_until(lambda: len(loom.query("SELECT 1 FROM asset")) == _UPLOADS, 60)
        pool = loom.make_pool(tmp_path / "media")
        scan = loom.start_scan(pool)
        told = _loom(loom.home.path, "backup", str(tmp_path / "backup"))
        assert f"{_UPLOADS:,} stored files" in told
    loom = RunningLoom(second)
    _loom(loom.home.path, "restore", str(tmp_path / "backup"))
    with loom:
        # The scan that was under way comes to its end here, whatever of it the backup has seen.
        ended = loom.wait_for_task(scan)
        assert (ended["state"], ended["progress"]["done"]) == ("SUCCEEDED", _FILES)
        for number in range(_UPLOADS):
            ((asset,),) = loom.query(f"SELECT id FROM asset WHERE filename = '{number}'")
            assert loom.ask("GET", f"/assets/{asset}/binary/data").content == b"%d" % number
        tag = loom.ask("POST", "/tags", json={"name": "new", "collection": "a"}).json()["uuid"]
        wait_until(lambda: _has_heard(loom, tag))
        wait_until(lambda: loom.ask("GET", "/search/status").json().get("documentCount") == _FILES + _UPLOADS, 60)


def _has_heard(loom: RunningLoom, subject: str) -> bool:
    """Tell whether the log goes on: what happens now comes behind what has come along."""
    events = loom.ask("GET", "/events", params={"uuid": subject}).json()["data"]
    return [event["type"] for event in events] == ["tag.created"]
