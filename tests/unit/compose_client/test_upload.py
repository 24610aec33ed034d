from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from compose.client.api import Api
from compose.client.sending import Transfer, send_file
from models.errors import InvalidInput, LoomError
from tests.unit.compose_client.conftest import Run
from tests.unit.compose_client.server import Answer, FakeLoom, Request


def _accept(loom: FakeLoom, state: str = "SUCCEEDED") -> None:
    loom.answers("POST /assets/upload", {"uuid": "t1", "state": "PENDING"}, 202)
    result = {"assetUuid": "a1", "status": "EXISTING"} if state == "SUCCEEDED" else None
    loom.answers("GET /tasks/t1", {"uuid": "t1", "state": state, "result": result, "error": {"message": "no space"}})


def test_the_bytes_arrive_as_they_are(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _accept(loom)
    file = tmp_path / "Grüße & co?.bin"
    file.write_bytes(os.urandom(700_000))
    answer = run("upload", str(file))
    assert answer.exit_code == 0
    assert answer.stdout.endswith(": asset a1 (these bytes were known already)\n")
    request = loom.asked("POST /assets/upload")[0]
    assert request.body == file.read_bytes()
    assert request.query == {"filename": ["Grüße & co?.bin"]}
    assert request.headers["Content-Length"] == "700000"


def test_a_name_that_is_no_text_is_made_one(loom: FakeLoom, tmp_path: Path) -> None:
    loom.answers("POST /assets/upload", {"uuid": "a1"}, 201)
    file = tmp_path / os.fsdecode(b"caf\xe9\n.txt")
    file.write_bytes(b"")
    with Api(loom.url) as api:
        send_file(Transfer(api), file)
    assert loom.requests[0].query == {"filename": ["caf\ufffd\ufffd.txt"]}


def test_one_bad_file_does_not_stop_the_others(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _accept(loom)
    (tmp_path / "good").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    answer = run("upload", *(str(tmp_path / name) for name in ("missing", "good", "pipe")), "--json")
    assert answer.exit_code == 3
    states = [(one["state"], one.get("assetUuid")) for one in json.loads(answer.stdout)["data"]]
    assert states == [("FAILED", None), ("DONE", "a1"), ("FAILED", None)]


def test_a_server_that_is_away_is_told_by_the_exit_code(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    file = str(tmp_path / "file")
    assert run("upload", file, file, server="http://127.0.0.1:1").exit_code == 6
    assert run("upload", file, str(tmp_path / "missing"), server="http://127.0.0.1:1").exit_code == 1


def test_a_task_that_fails_fails_the_upload(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    _accept(loom, "FAILED")
    (tmp_path / "file").write_bytes(b"x")
    answer = run("upload", str(tmp_path / "file"))
    assert answer.exit_code == 1
    assert "FAILED: no space" in answer.stdout


def test_without_permission_nothing_more_is_sent(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    loom.answers("POST /assets/upload", {"message": "No"}, 403)
    (tmp_path / "file").write_bytes(b"x")
    assert run("upload", "--parallel", "1", *[str(tmp_path / "file")] * 9).exit_code == 4
    assert len(loom.asked("POST /assets/upload")) <= 2


def test_a_file_that_grows_is_sent_as_it_was(loom: FakeLoom, tmp_path: Path) -> None:
    loom.answers("POST /assets/upload", {"uuid": "a1"}, 201)
    file = tmp_path / "log"
    file.write_bytes(b"a" * 300_000)

    def grow(_count: int) -> None:
        with file.open("ab") as stream:
            stream.write(b"b" * 100_000)

    with Api(loom.url) as api:
        send_file(Transfer(api, grow), file)
    assert loom.requests[0].body == b"a" * 300_000


def test_a_file_that_shrinks_is_an_error_and_not_an_upload(tmp_path: Path, loom: FakeLoom) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"a" * 600_000)
    with Api(loom.url) as api, pytest.raises((InvalidInput, LoomError), match="shorter"):
        send_file(Transfer(api, lambda _count: os.truncate(file, 300_000)), file)


def test_it_can_return_before_the_tasks_end(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    loom.routes["POST /assets/upload"] = _pending
    (tmp_path / "file").write_bytes(b"x")
    assert run("upload", "--no-wait", str(tmp_path / "file")).stdout.endswith(": sent, task t1\n")
    answer = run("upload", "--no-wait", "--json", str(tmp_path / "file"))
    assert json.loads(answer.stdout)["data"][0]["task"]["uuid"] == "t1"
    assert not loom.asked("GET /tasks/t1")


def _pending(_: Request) -> Answer:
    return Answer(202, {"uuid": "t1", "state": "PENDING"})
