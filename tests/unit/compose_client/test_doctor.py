from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from compose.client.findings import (
    Level,
    clock_finding,
    component_findings,
    disk_finding,
    index_finding,
    queue_finding,
    token_finding,
)
from tests.unit.compose_client.conftest import Run
from tests.unit.compose_client.server import FakeLoom

_NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


def _jwt(expires: float) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps({'exp': expires}).encode()).decode().rstrip('=')}.sig"


@pytest.mark.parametrize(("seconds", "level"), [(0, "OK"), (-3, "OK"), (30, "WARN"), (-600, "FAIL")])
def test_clock(seconds: int, level: str) -> None:
    assert clock_finding(format_datetime(_NOW + timedelta(seconds=seconds)), _NOW).level == level


@pytest.mark.parametrize("header", [None, "", "yesterday"])
def test_a_server_without_time(header: str | None) -> None:
    assert clock_finding(header, _NOW).level == Level.WARN


@pytest.mark.parametrize(
    ("token", "level"),
    [
        ("an-api-key", "OK"),
        ("a.b.c", "OK"),
        (_jwt(_NOW.timestamp() + 3000), "OK"),
        (_jwt(_NOW.timestamp() + 60), "WARN"),
        (_jwt(1e300), "OK"),
    ],
)
def test_token(token: str, level: str) -> None:
    assert token_finding(token, "ada", "http://x", _NOW).level == level


def test_parts_that_are_not_well_have_a_remedy() -> None:
    health = {
        "status": "DEGRADED",
        "version": "1",
        "database": "DOWN",
        "redis": {"status": "OK", "latencyMs": 2},
        "storage": {"available": False, "freeBytes": 5_000_000},
        "quux": "BROKEN",
        "checks": {
            "relay": {"status": "DEGRADED", "lagSeconds": {"push": 40.5}},
            "workers": {"status": "DEGRADED", "queues": {"hash": 0, "bulk": 1}},
        },
    }
    found = {finding.check: finding for finding in component_findings(health)}
    assert {name: finding.level for name, finding in found.items()} == {
        "database": Level.FAIL,
        "redis": Level.OK,
        "storage": Level.FAIL,
        "quux": Level.FAIL,
        "relay": Level.WARN,
        "workers": Level.FAIL,
    }
    assert found["relay"].message == "lag seconds push 40.5"
    assert "loom worker --queues hash`" in found["workers"].remedy
    assert "LOOM_DATABASE_URL" in found["database"].remedy
    assert "5.0 MB" in found["storage"].message
    assert all(finding.remedy for finding in found.values() if finding.level is Level.FAIL)


@pytest.mark.parametrize(("free", "level"), [(10, "FAIL"), (15, "WARN"), (100, "OK")])
def test_disk(free: int, level: str) -> None:
    assert disk_finding(free, 10).level == level


@pytest.mark.parametrize(
    ("waits", "running", "level"), [(None, 0, "OK"), (5, 0, "OK"), (500, 3, "OK"), (500, 0, "FAIL")]
)
def test_queue(waits: float | None, running: int, level: str) -> None:
    assert queue_finding(waits, running).level == level


def test_index() -> None:
    assert index_finding({"available": True, "documentCount": 5, "dirtyCount": 0}).level == Level.OK
    assert index_finding({"available": True, "documentCount": 5, "dirtyCount": 99_999}).level == Level.WARN
    assert index_finding({"available": False, "reason": "off"}).message == "off"


def _well(loom: FakeLoom, folder: Path) -> None:
    loom.answers("GET /health", {"status": "OK", "version": "0.1.0", "database": "OK"})
    loom.answers("GET /me", {"username": "ada"})
    loom.answers("GET /search/status", {"available": True, "documentCount": 1, "dirtyCount": 0})
    loom.lists("/tasks", [])
    loom.lists("/asset-pools", [{"uuid": "p1", "name": "photos", "fsPath": str(folder)}])
    loom.answers("GET /processors", {"data": [{"name": "a:1:b", "state": "ONLINE"}]})
    loom.answers("GET /pipeline/node-descriptors", {"availability": {"md5": {"available": True}}})
    loom.answers("GET /search-indices", {"data": [{"id": "text", "lastSync": {"documents": 5, "missing": 0}}]})
    loom.lists("/webhooks", [{"uuid": "w1", "url": "https://example.org/hook"}])


def test_all_is_well(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _well(loom, tmp_path)
    answer = run("doctor", token=_jwt(time.time() + 3000))
    assert answer.exit_code == 0
    assert {line.split()[0] for line in answer.stdout.splitlines()} == {"OK"}


def test_a_lost_folder_is_named_with_a_remedy(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _well(loom, tmp_path / "gone")
    answer = run("doctor", "--json")
    assert answer.exit_code == 1
    report = json.loads(answer.stdout)
    assert report["ok"] is False
    failed = [check for check in report["checks"] if check["level"] == "FAIL"]
    assert [check["check"] for check in failed] == ["pools"]
    assert "loom pools remove p1" in failed[0]["remedy"]


def test_what_does_not_work_though_all_engines_do(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _well(loom, tmp_path)
    loom.answers("GET /processors", {"data": [{"name": "a:1:b", "state": "DRAINED"}]})
    loom.answers("GET /pipeline/node-descriptors", {"availability": {"faces": {"available": False}}})
    loom.answers("GET /search-indices", {"data": [{"id": "text", "lastSync": {"stale": 3}}, {"id": "vectors"}]})
    loom.lists(
        "/webhooks",
        [
            {"uuid": "w1", "url": "https://a", "disabledReason": "no"},
            {"uuid": "w2", "url": "https://b", "failingSince": "x"},
        ],
    )
    answer = run("doctor")
    assert answer.exit_code == 0, "warnings are no failures"
    for told in ("a:1:b (DRAINED)", "the kinds faces", "the index of text", "https://a: no; https://b: fails"):
        assert told in answer.stdout, told
    assert answer.stdout.count("WARN") == 4


def test_a_dead_server_is_a_finding(run: Run) -> None:
    answer = run("doctor", server="http://127.0.0.1:1")
    assert answer.exit_code == 1
    assert "FAIL server: " in answer.stdout
    assert "loom up" in answer.stdout


def test_a_server_without_database_is_examined_all_the_same(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _well(loom, tmp_path)
    loom.answers("GET /health", {"status": "DEGRADED", "checks": {"database": {"status": "DOWN"}}}, 503)
    assert "FAIL database: down\n" in run("doctor").stdout


def test_an_expired_token_is_a_finding(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _well(loom, tmp_path)
    loom.answers("GET /me", {"message": "The token has expired"}, 401)
    answer = run("doctor")
    assert answer.exit_code == 1
    assert "FAIL token: " in answer.stdout


def test_a_wrong_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOM_SERVER_REST_PORT", "many")
    assert "FAIL settings: LOOM_SERVER_REST_PORT" in run("doctor").stdout
