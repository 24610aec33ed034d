from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from compose.client.assets import safe_file_name
from compose.client.credentials import credentials_file, load_credentials
from tests.unit.compose_client.conftest import Run
from tests.unit.compose_client.server import Answer, FakeLoom, Request

_EVIL = "\x1b]0;owned\x07[bold red]x[/]\u202e.jpg"
_POOL = {"uuid": "01890000-0000-7000-8000-000000000001", "name": "photos", "fsPath": "/srv/photos"}


def _task(state: str, **more: Any) -> dict[str, Any]:
    return {"uuid": "t1", "kind": "pools.scan", "title": "Scan photos", "state": state, "runMs": 1500, **more}


def _pool_with_scan(loom: FakeLoom, task: dict[str, Any]) -> None:
    loom.lists("/asset-pools", [_POOL])
    loom.answers(f"POST /asset-pools/{_POOL['uuid']}/scan", _task("PENDING"), 202)
    loom.answers("GET /tasks/t1", task)
    loom.lists("/tasks/t1/items", [{"uuid": "i", "index": 3, "subject": _EVIL, "state": "FAILED", "message": "gone"}])


@pytest.mark.parametrize(("state", "code"), [("SUCCEEDED", 0), ("PARTIAL", 3), ("FAILED", 1), ("CANCELLED", 1)])
def test_a_scan_ends_as_its_task_does(loom: FakeLoom, run: Run, state: str, code: int) -> None:
    result = {"new": 12, "unchanged": 3, "somethingNew": 1}
    _pool_with_scan(loom, _task(state, result=result, progress={"done": 14, "failed": 1, "skipped": 0, "total": 15}))
    answer = run("pools", "scan", "photos")
    assert answer.exit_code == code
    assert f"{state} Scan photos (in 1.5 s)" in answer.stdout
    assert "new 12" in answer.stdout
    assert "something new 1" in answer.stdout
    assert "\\x1b]0;owned\\x07[bold red]x[/]\\u202e.jpg: gone" in answer.stdout


def test_json_is_one_document_and_nothing_else(loom: FakeLoom, run: Run) -> None:
    _pool_with_scan(loom, _task("SUCCEEDED", result={"new": 1}))
    assert json.loads(run("pools", "scan", "photos", "--json").stdout)["result"] == {"new": 1}
    assert json.loads(run("pools", "list", "--json").stdout) == {"data": [_POOL]}
    assert json.loads(run("tasks", "show", "t1", "--json").stdout)["state"] == "SUCCEEDED"


def test_json_is_nothing_when_a_list_fails_at_once(loom: FakeLoom, run: Run) -> None:
    loom.answers("GET /search/assets", {"message": "The quotation mark is not closed", "statusCode": 400}, 400)
    answer = run("search", '"old', "--json")
    assert (answer.exit_code, answer.stdout) == (2, "")
    loom.lists("/assets", [])
    assert json.loads(run("assets", "list", "--json").stdout) == {"data": []}


def test_a_server_that_is_away_says_how_to_name_another(run: Run) -> None:
    answer = run("assets", "list", server="http://127.0.0.1:1")
    assert answer.exit_code == 6
    assert "name another server with --server or LOOM_SERVER" in answer.stderr


def test_watching_with_json_gives_a_document_a_line(loom: FakeLoom, run: Run) -> None:
    states = iter(["PENDING", "RUNNING", "FAILED"])
    loom.routes["GET /tasks/t1"] = lambda _: Answer(200, _task(next(states)))
    answer = run("tasks", "watch", "t1", "--json")
    assert [json.loads(line)["state"] for line in answer.stdout.splitlines()] == ["PENDING", "RUNNING", "FAILED"]
    assert answer.exit_code == 1


def test_ctrl_c_looks_away_and_says_how_to_go_on(loom: FakeLoom, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    loom.answers("GET /tasks/t1", _task("RUNNING"))
    monkeypatch.setattr("compose.client.following.time.sleep", interrupted)
    answer = run("tasks", "watch", "t1")
    assert answer.exit_code == 130
    assert answer.stderr.startswith("loom: the task goes on")
    assert "loom tasks cancel t1" in answer.stderr


def test_names_are_neither_markup_nor_escape_sequences(loom: FakeLoom, run: Run) -> None:
    loom.lists("/assets", [{"uuid": "1", "file": {"filename": _EVIL, "size": 1234, "mimeType": "image/jpeg"}}])
    plain = run("assets", "list").stdout
    assert plain == "1\t1.2 kB\timage/jpeg\t\\x1b]0;owned\\x07[bold red]x[/]\\u202e.jpg\n"
    loom.answers("GET /assets/1", {"uuid": "1", "file": {"filename": _EVIL}, "tags": []})
    shown = run("assets", "show", "1").stdout
    assert "file.filename: \\x1b]0;owned" in shown
    assert "\x1b" not in shown


def test_an_error_of_the_server_cannot_move_the_cursor(loom: FakeLoom, run: Run) -> None:
    loom.answers("GET /assets/1", {"message": _EVIL}, 404)
    answer = run("assets", "show", "1")
    assert answer.exit_code == 5
    assert answer.stderr == "loom: \\x1b]0;owned\\x07[bold red]x[/]\\u202e.jpg\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("tasks", "list", "--state", "DANCING"), 2),
        (("pools", "add", "only-a-name"), 2),
        (("no-such-command",), 2),
        (("pools", "scan", "nobody"), 5),
        (("assets", "show", "nothing"), 5),
    ],
)
def test_usage_errors_are_one_line(loom: FakeLoom, run: Run, arguments: tuple[str, ...], code: int) -> None:
    loom.lists("/asset-pools", [_POOL])
    answer = run(*arguments)
    assert answer.exit_code == code
    if arguments != ("no-such-command",):  # the root group is not ours
        assert answer.stderr.startswith("loom: ")
        assert answer.stderr.count("\n") == 1


def test_an_expired_token_says_how_to_log_in_again(loom: FakeLoom, run: Run) -> None:
    loom.answers("GET /assets", {"message": "The token has expired", "statusCode": 401}, 401)
    answer = run("assets", "list")
    assert answer.exit_code == 4
    assert f"sign in again with `loom login --server {loom.url}`" in answer.stderr


def test_without_a_token_the_way_in_is_told(loom: FakeLoom, run: Run) -> None:
    loom.answers("GET /assets", {"message": "A valid bearer token is required.", "statusCode": 401}, 401)
    assert "sign in with `loom login" in run("assets", "list", token=None).stderr


def test_login_keeps_the_token_from_others(loom: FakeLoom, run: Run) -> None:
    loom.answers("GET /health", {"status": "OK"})
    loom.routes["POST /auth/login"] = lambda request: Answer(200, {"token": f"for-{request.json['username']}"})
    answer = run("login", "-u", "ada", "--password-stdin", text="pass word\n", token=None)
    assert answer.exit_code == 0
    assert "pass word" not in answer.output
    assert loom.asked("POST /auth/login")[0].json == {"username": "ada", "password": "pass word"}
    assert load_credentials().tokens == {loom.url: "for-ada"}
    assert stat.S_IMODE(credentials_file().stat().st_mode) == 0o600


def test_login_with_keep_makes_an_api_key_whose_name_may_be_taken(loom: FakeLoom, run: Run) -> None:
    loom.answers("GET /health", {"status": "OK"})
    loom.answers("POST /auth/login", {"token": "short"})
    keys = iter([Answer(409, {"message": "taken"}), Answer(201, {"token": "long"})])
    loom.routes["POST /tokens"] = lambda _: next(keys)
    assert run("login", "--keep", "--password-stdin", text="secret\n").exit_code == 0
    assert load_credentials().tokens == {loom.url: "long"}
    assert loom.asked("POST /tokens")[1].headers["Authorization"] == "Bearer short"


def test_a_wrong_password_is_told_as_such(loom: FakeLoom, run: Run) -> None:
    loom.answers("GET /health", {"status": "OK"})
    loom.answers("POST /auth/login", {"message": "Login failed"}, 401)
    answer = run("login", "--password-stdin", text="wrong\n", token=None)
    assert (answer.exit_code, answer.stderr) == (4, f"loom: {loom.url} refuses this username and password\n")
    assert not credentials_file().exists()


def test_a_pool_path_is_absolute_and_spelled_reversibly(loom: FakeLoom, run: Run) -> None:
    loom.routes["POST /asset-pools"] = lambda request: Answer(201, {**_POOL, **request.json})
    answer = run("pools", "add", "odd", "/srv/a\nb", "--schedule", "15m")
    assert answer.exit_code == 0
    assert loom.requests[0].json == {"name": "odd", "fsPath": "/srv/a\\x0ab", "schedule": "15m"}


def test_removing_a_pool_may_be_a_task(loom: FakeLoom, run: Run) -> None:
    loom.lists("/asset-pools", [_POOL])
    loom.answers(f"DELETE /asset-pools/{_POOL['uuid']}", None, 204)
    assert run("pools", "remove", "photos").exit_code == 0
    loom.answers(f"DELETE /asset-pools/{_POOL['uuid']}", _task("PENDING"), 202)
    loom.answers("GET /tasks/t1", _task("SUCCEEDED"))
    assert "SUCCEEDED" in run("pools", "remove", "photos").stdout


def test_lists_end_at_their_limit(loom: FakeLoom, run: Run) -> None:
    loom.lists("/assets", [{"uuid": str(number)} for number in range(9)])
    assert len(run("assets", "list", "--limit", "5").stdout.splitlines()) == 5
    assert len(run("assets", "list", "--limit", "0").stdout.splitlines()) == 9


def test_search_follows_the_cursor(loom: FakeLoom, run: Run) -> None:
    def page(request: Request) -> Answer:
        number = int(request.query.get("cursor", ["0"])[0])
        info = {"nextCursor": str(number + 1)} if number < 2 else {}
        return Answer(200, {"data": [{"uuid": f"hit{number}", "title": "x"}], "_metainfo": info})

    loom.routes["GET /search/assets"] = page
    answer = run("search", "old", "tram", "--mime", "image/")
    assert [line.split("\t")[0] for line in answer.stdout.splitlines()] == ["hit0", "hit1", "hit2"]
    assert loom.requests[0].query["q"] == ["old tram"]
    assert loom.requests[0].query["mime"] == ["image/"]


@pytest.mark.parametrize(("flags", "items"), [((), "failed"), (("--failed",), "failed"), (("--all",), "all")])
def test_retry(loom: FakeLoom, run: Run, flags: tuple[str, ...], items: str) -> None:
    loom.answers("POST /tasks/t1/retry", _task("PENDING"), 202)
    assert run("tasks", "retry", "t1", *flags).exit_code == 0
    assert loom.requests[0].json == {"items": items}


def _asset(content: bytes, name: str) -> dict[str, Any]:
    return {"uuid": "1", "file": {"filename": name}, "hashes": {"sha512": hashlib.sha512(content).hexdigest()}}


def test_a_download_is_checked_and_stays_in_the_folder(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    loom.answers("GET /assets/1", _asset(b"content", "../../etc/pass\x1bwd"))
    loom.answers("GET /assets/1/binary", b"content")
    assert run("assets", "download", "1", "-o", str(tmp_path)).exit_code == 0
    assert (tmp_path / "pass_wd").read_bytes() == b"content"
    assert loom.asked("GET /assets/1/binary")[0].headers["Accept"] == "*/*"
    again = run("assets", "download", "1", "-o", str(tmp_path))
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)
    assert run("assets", "download", "1", "-o", str(tmp_path), "--force").exit_code == 0


def test_wrong_bytes_leave_no_file(loom: FakeLoom, run: Run, tmp_path: Path) -> None:
    loom.answers("GET /assets/1", _asset(b"content", "file"))
    loom.answers("GET /assets/1/binary", b"c0ntent")
    folder = tmp_path / "downloads"
    folder.mkdir()
    answer = run("assets", "download", "1", "-o", str(folder))
    assert (answer.exit_code, list(folder.iterdir())) == (1, [])


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.jpg", "a.jpg"),
        ("../../x", "x"),
        ("..", "1"),
        ("", "1"),
        ("C:\\evil.exe", "evil.exe"),
        (".bashrc", "bashrc"),
        ("写" * 200, "写" * 80),
        ("a\x00\nb", "a__b"),
    ],
)
def test_file_names_from_a_server_are_made_safe(name: str, safe: str) -> None:
    assert safe_file_name(name, "1") == safe
