from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compose.client.demo_tour import first_scan_problems, scan_problems, summary
from compose.client.own_loom import admin_password
from compose.demo_files import Survey
from models.settings import Settings
from tests.unit.compose_client.conftest import Run
from tests.unit.compose_client.server import FakeLoom

_FOUND = Survey(files=10, contents=8, bytes=4000)


def _task(state: str = "SUCCEEDED", failed: int = 0, **result: int) -> dict[str, Any]:
    counts = {"bytesHashed": 4000, "new": 10, "missing": 0, "duplicates": 2, **result}
    return {"state": state, "runMs": 2000, "progress": {"failed": failed}, "result": counts}


def test_numbers_that_add_up_are_no_problem() -> None:
    assert scan_problems(_task(), _FOUND) == []
    assert scan_problems(_task(new=0, unchanged=9, touched=1), _FOUND) == []


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        (_task(new=9), "files: 9, expected 10"),
        (_task(missing=1), "missing files: 1, expected 0"),
        (_task(failed=1), "failures: 1, expected 0"),
        (_task("CANCELLED"), "the scan ended CANCELLED: no reason given"),
    ],
)
def test_numbers_that_do_not_are_named(task: dict[str, Any], problem: str) -> None:
    assert problem in scan_problems(task, _FOUND)


def test_a_first_scan_must_find_every_duplicate() -> None:
    assert first_scan_problems(_task(), _FOUND, 8) == []
    assert first_scan_problems(_task(duplicates=1), _FOUND, 9) == [
        "duplicates: 1, expected 2",
        "assets: 9, expected 8",
    ]


def test_the_summary_tells_rates() -> None:
    told = dict(summary(_task(), 8))
    assert told["files"] == "10, of which 4.0 kB had to be read"
    assert told["rate"] == "5 files/s, 2.0 kB/s"
    assert told["duplicates"] == "2"


def _settings(home: Path, **more: Any) -> Settings:
    return Settings(home=home, **more)


def test_the_demo_knows_the_password_of_a_home_that_it_started(tmp_path: Path) -> None:
    first = admin_password(_settings(tmp_path / "fresh"))
    assert first
    assert len(first) == 16
    assert admin_password(_settings(tmp_path / "fresh")) == first


def test_the_demo_knows_no_password_of_a_home_that_somebody_else_started(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    settings.loom_home.secret("signing")
    assert admin_password(settings) is None
    assert admin_password(_settings(tmp_path, initial_password="given by the user")) == "given by the user"


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "harbour.txt").write_text("x")
    return folder


def _running(loom: FakeLoom, folder: Path, hits: list[dict[str, str]]) -> None:
    result = {"new": 1, "bytesHashed": 1, "missing": 0}
    task = {"uuid": "t1", "state": "SUCCEEDED", "title": "Scan", "runMs": 10, "progress": {"done": 1}, "result": result}
    loom.answers("GET /health", {"status": "OK"})
    loom.lists("/asset-pools", [{"uuid": "p1", "name": "demo", "fsPath": "/somewhere/else"}])
    loom.answers("POST /asset-pools", {"uuid": "p2", "name": "demo 2", "fsPath": str(folder)}, 201)
    loom.answers("POST /asset-pools/p2/scan", {"uuid": "t1", "state": "PENDING"}, 202)
    loom.answers("GET /tasks/t1", task)
    loom.lists("/assets", [{"uuid": "a1"}])
    loom.answers("GET /search/assets", {"data": hits, "_metainfo": {}})
    loom.answers("POST /assets/upload", {"uuid": "a1"}, 200)


def test_the_tour_of_a_given_folder(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    _running(loom, folder, [{"uuid": "a1", "title": "harbour.txt"}])
    answer = run("demo", str(folder))
    assert answer.exit_code == 0
    assert loom.asked("POST /asset-pools")[0].json == {"name": "demo 2", "fsPath": str(folder)}
    assert loom.asked("GET /search/assets")[0].query["q"] == ["harbour"]
    assert len(loom.asked("POST /assets/upload")) == 2
    assert "twice: both are asset a1" in answer.stdout
    assert "loom pools scan 'demo 2'" in answer.stdout
    assert "loom search harbour" in answer.stdout


def test_a_search_without_hits_fails_the_demo(
    loom: FakeLoom, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compose.client.demo_tour._SEARCH_SECONDS", 0.0)
    folder = _folder(tmp_path)
    _running(loom, folder, [])
    answer = run("demo", str(folder), "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["problems"] == ["the search for 'harbour' has no hits"]


def test_a_folder_without_files_is_no_failure(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _running(loom, tmp_path / "empty", [])
    answer = run("demo", str(tmp_path / "empty"))
    assert answer.exit_code == 0
    assert "There is no file to search for." in answer.stdout
    assert not loom.asked("GET /search/assets")


def test_a_folder_that_is_none_is_refused_before_anything_starts(run: Run, tmp_path: Path) -> None:
    assert run("demo", str(tmp_path / "missing")).exit_code == 2


def test_a_server_that_was_named_is_not_replaced_by_one_of_our_own(run: Run, tmp_path: Path) -> None:
    assert run("demo", str(tmp_path), server="http://127.0.0.1:1").exit_code == 6


def test_without_a_login_that_works_the_way_in_is_told(
    loom: FakeLoom, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOM_HOME", str(tmp_path))
    _settings(tmp_path).loom_home.secret("signing")
    loom.answers("GET /health", {"status": "UP"})
    loom.answers("POST /auth/login", {"message": "Login failed"}, 401)
    answer = run("demo", str(_folder(tmp_path)), token=None)
    assert answer.exit_code == 4
    assert f"loom login --server {loom.url} --keep" in answer.stderr


def test_a_first_demo_makes_a_key_and_later_ones_use_it(
    loom: FakeLoom, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOM_HOME", str(tmp_path / "home"))
    folder = _folder(tmp_path)
    _running(loom, folder, [{"uuid": "a1", "title": "harbour.txt"}])
    loom.answers("POST /auth/login", {"token": "short"})
    loom.answers("POST /tokens", {"token": "long"}, 201)
    loom.answers("GET /me", {"username": "admin"})
    first = run("demo", str(folder), token=None)
    password = loom.asked("POST /auth/login")[0].json["password"]
    assert f"user admin, password {password}" in first.stdout
    again = run("demo", str(folder), token=None)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert password not in again.stdout
    assert len(loom.asked("POST /auth/login")) == 1
    assert loom.asked("POST /asset-pools/p2/scan")[1].headers["Authorization"] == "Bearer long"
