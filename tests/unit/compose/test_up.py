import fcntl
import os
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from compose import up
from compose.cli import main
from models.errors import ConfigurationError
from models.messages import Queue
from models.settings import Settings


def outside_engines(home: Path, port: int = 8092) -> Settings:
    return Settings(
        home=home,
        server_rest_port=port,
        database_url="postgresql://db/loom",
        redis_url="redis://cache",
        secret_key="s" * 32,
    )


def test_a_second_up_is_refused_in_one_line(tmp_path: Path) -> None:
    with (tmp_path / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(4711, file=lock, flush=True)
        command = ["env", f"LOOM_HOME={tmp_path}", sys.executable, "-m", "compose.cli", "up"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == f"loom: Loom already runs on {tmp_path} (process 4711)\n"


def test_a_stale_lock_file_does_not_block(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    (tmp_path / "up.lock").write_text("1\n")
    with up.only_one(settings.loom_home):
        assert (tmp_path / "up.lock").read_text() == f"{os.getpid()}\n"


def test_a_taken_port_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "_PORT_PATIENCE_SECONDS", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = outside_engines(tmp_path, taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match="LOOM_SERVER_REST_PORT"):
            up.run(settings)


def test_an_unusable_home_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="LOOM_HOME"):
        up.run(Settings(home=tmp_path / "file" / "home"))


def test_an_outside_database_demands_a_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LOOM_SECRET_KEY"):
        up.run(Settings(home=tmp_path, database_url="postgresql://db/loom"))


def test_workers_cover_every_queue_but_the_indexers(tmp_path: Path) -> None:
    served = [queue for pool in up.worker_pools(Settings(home=tmp_path)) for queue in pool.queues]
    assert {*served, Queue.INDEX} == set(Queue)


def test_urls_replace_engines(tmp_path: Path) -> None:
    stages = up._stages(outside_engines(tmp_path))
    names = [[program.name for program in stage] for stage in stages]
    assert names[:2] == [[], ["migrate"]]
    workers = ["worker-interactive", "worker-webhooks-1", "worker-webhooks-2", "worker-hash", "worker-general"]
    assert names[2] == ["web", *workers, "indexer", "scheduler"]


class _NotFoundEverywhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def test_the_web_tier_is_ready_when_it_answers_anything(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _NotFoundEverywhere) as server:
        settings = outside_engines(tmp_path, server.server_port)
        thread = Thread(target=server.handle_request)
        thread.start()
        assert up._answers(settings)
        thread.join()
    assert not up._answers(settings)


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:8092"), ("::", "http://[::1]:8092")])
def test_the_url_can_be_opened(tmp_path: Path, host: str, url: str) -> None:
    assert up._url(Settings(home=tmp_path, server_rest_host=host)) == url


def test_a_wrong_setting_is_refused_by_name() -> None:
    result = CliRunner().invoke(main, ["up"], env={"LOOM_SERVER_REST_PORT": "many"})
    assert result.exit_code == 2
    assert result.stderr.startswith("loom: LOOM_SERVER_REST_PORT: ")


def test_an_unknown_queue_is_refused() -> None:
    result = CliRunner().invoke(main, ["worker", "--queues", "hash,nonsense"])
    assert result.exit_code == 2
    assert "no such queue: nonsense" in result.stderr
