"""`loom upload` against a served Loom: folders, what is known already, and a command that is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.settings import child_environment
from models.wiring import Platform
from tests.support.assets import run_uploads, sha512_of, staged
from tests.support.client import ApiClient
from tests.support.cutting import cutting_line
from tests.support.platforms import rows
from tests.support.serving import served
from tests.support.waiting import wait_until

LARGE = 60_000_000


class Shell:
    """Somebody who types commands."""

    def __init__(self, port: int, token: str, home: Path) -> None:
        self._environment = child_environment(
            LOOM_SERVER=f"http://127.0.0.1:{port}", LOOM_TOKEN=token, XDG_STATE_HOME=str(home)
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "compose.cli", "upload", "--json", "--no-wait", *arguments]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str) -> Any:
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, (output, errors)
        return json.loads(output)["data"]


@pytest.fixture
def shell(platform: Platform, client: ApiClient, tmp_path: Path) -> Iterator[Shell]:
    with served("web.wsgi:app", platform.settings, tmp_path / "log") as port:
        assert client.token
        yield Shell(port, client.token, tmp_path / "state")


def test_a_folder_is_sent_once(shell: Shell, platform: Platform, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    contents = {"a.txt": b"a", "deep/b.txt": b"b", "deep/er/c.bin": os.urandom(17_000_000), "empty": b""}
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "deep" / "loop").symlink_to(folder)
    sent = shell.run(str(folder))
    assert [Path(each["file"]).relative_to(folder).as_posix() for each in sent] == [
        "a.txt", "empty", "deep/b.txt", "deep/er/c.bin",
    ]  # fmt: skip
    run_uploads(platform)
    assert {row[0] for row in rows(platform, "SELECT encode(sha512, 'hex') FROM asset")} == {
        sha512_of(data) for data in contents.values()
    }
    again = shell.run(str(folder))
    assert all("assetUuid" in each and "task" not in each for each in again)
    assert rows(platform, "SELECT count(*) FROM task") == [(4,)]
    assert staged(platform) == []


def test_a_killed_command_goes_on_when_it_is_run_again(shell: Shell, platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    data = os.urandom(LARGE)
    file.write_bytes(data)
    with shell.start(str(file)) as process:
        wait_until(lambda: staged(platform))
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: rows(platform, "SELECT writer FROM upload") == [(None,)])
    before = rows(platform, 'SELECT id, "offset" FROM upload')
    assert 0 < before[0][1] < LARGE
    shell.run(str(file))
    assert rows(platform, "SELECT id FROM upload") == [(before[0][0],)]
    run_uploads(platform)
    assert rows(platform, "SELECT encode(sha512, 'hex') FROM asset") == [(sha512_of(data),)]
    assert not json.loads((tmp_path / "state" / "loom" / "uploads.json").read_text())


def test_a_line_that_breaks_again_and_again(platform: Platform, client: ApiClient, tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    data = os.urandom(LARGE)
    file.write_bytes(data)
    assert client.token
    with (
        served("web.wsgi:app", platform.settings, tmp_path / "log") as port,
        cutting_line(port, LARGE // 4, cuts=3) as line,
    ):
        Shell(line.port, client.token, tmp_path / "state").run(str(file))
    assert line.cuts == 0
    run_uploads(platform)
    assert rows(platform, "SELECT encode(sha512, 'hex') FROM asset") == [(sha512_of(data),)]
    assert rows(platform, "SELECT count(*) FROM upload") == [(1,)]
