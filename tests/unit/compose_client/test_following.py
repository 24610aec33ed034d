from __future__ import annotations

import pytest

from compose.client import following
from compose.client.api import Api
from compose.client.exits import Unreachable
from compose.client.following import follow
from models.errors import NotFound
from tests.unit.compose_client.server import Answer, FakeLoom


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_LEAST_INTERVAL_SECONDS", 0.001)


def _script(loom: FakeLoom, *answers: Answer) -> None:
    rest = iter(answers)
    loom.routes["GET /tasks/t1"] = lambda _: next(rest)


def _task(state: str, etag: str) -> Answer:
    return Answer(200, {"uuid": "t1", "state": state}, {"ETag": etag})


def test_it_sends_the_etag_back_and_skips_what_did_not_change(loom: FakeLoom) -> None:
    _script(loom, _task("PENDING", '"a"'), Answer(304), _task("RUNNING", '"b"'), _task("SUCCEEDED", '"c"'))
    with Api(loom.url) as api:
        states = [task["state"] for task in follow(api, "t1", wait_seconds=20)]
    assert states == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert [one.headers.get("If-None-Match") for one in loom.requests] == [None, '"a"', '"a"', '"b"']
    assert all(one.query == {"wait": ["20"]} for one in loom.requests)


def test_it_waits_through_a_restart_of_the_server(loom: FakeLoom) -> None:
    down = [Answer(503, {"message": "Starting"}), Answer(502, b"")]
    _script(loom, _task("RUNNING", '"a"'), *down, _task("PARTIAL", '"b"'))
    with Api(loom.url) as api:
        assert [task["state"] for task in follow(api, "t1", wait_seconds=1)] == ["RUNNING", "PARTIAL"]


def test_patience_ends(loom: FakeLoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_PATIENCE_SECONDS", 0.01)
    answers = iter([_task("RUNNING", '"a"')])
    loom.routes["GET /tasks/t1"] = lambda _: next(answers, Answer(502, b""))
    with Api(loom.url) as api, pytest.raises(Unreachable):
        list(follow(api, "t1", wait_seconds=1))


def test_a_task_that_never_was_is_told_at_once(loom: FakeLoom) -> None:
    with Api(loom.url) as api, pytest.raises(NotFound):
        list(follow(api, "nothing/../here", wait_seconds=1))
    assert loom.requests[0].path == "/tasks/nothing%2F..%2Fhere"


def test_a_server_that_was_never_there_is_not_waited_for(loom: FakeLoom) -> None:
    loom.answers("GET /tasks/t1", b"", 502)
    with Api(loom.url) as api, pytest.raises(Unreachable):
        list(follow(api, "t1", wait_seconds=1))
    assert len(loom.requests) == 1
