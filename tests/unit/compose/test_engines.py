"""The embedded engines, started for real, after all that can go wrong before a start."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from compose.children import Child, Program
from compose.engines import EmbeddedPostgres, EmbeddedRedis, destroy, running_engines, wait_ready
from models.errors import Unavailable
from models.home import Home
from tests.support.waiting import wait_until
from tests.unit.compose.conftest import UP, StartSupervisor, is_gone

QUICK = {"fsync": "off"}


@pytest.fixture
def fresh_home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    destroy(home)


def query(home: Home, sql: str) -> object:
    with psycopg.connect(home.database_url) as connection:
        return (connection.execute(sql).fetchone() or [None])[0]


def start(program: Program) -> Child:
    child = Child(program, lambda _name, _line: None)
    child.start()
    wait_ready(child)
    return child


def test_engines_keep_their_data(home: Home) -> None:
    with running_engines(home, QUICK), redis.Redis.from_url(home.redis_url) as client:
        client.set("kept", "yes")
        with psycopg.connect(home.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with running_engines(home, QUICK), redis.Redis.from_url(home.redis_url) as client:
        assert client.get("kept") == b"yes"
        assert query(home, "SELECT number FROM kept") == 7


def test_only_their_own_user_reaches_them(home: Home) -> None:
    with running_engines(home, QUICK):
        assert home.run.stat().st_mode & 0o077 == 0
        assert query(home, "SHOW listen_addresses") == ""
        assert query(home, "SHOW data_checksums") == "on"
        assert query(home, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'loom'") == "UTF8"


def test_a_long_or_odd_home_works(tmp_path: Path) -> None:
    home = Home(tmp_path / "a b,c&host=%2f'\N{SNOWMAN}" / ("long" * 40))
    try:
        with running_engines(home, QUICK), redis.Redis.from_url(home.redis_url) as client:
            assert client.ping()
            assert query(home, "SELECT 1") == 1
    finally:
        destroy(home)
    assert not home.engines.exists()
    assert not home.run.exists()


@pytest.mark.parametrize(
    "content", ["", "12", "{pid}\n", "{pid}\n{data}\n1700000000\n5432\n{run}\n\n  5432001    0\nready\n"]
)
def test_a_stale_pid_file_does_not_block(home: Home, content: str) -> None:
    """After a power cut: torn, or naming what is by now another process."""
    with running_engines(home, QUICK):
        pass
    data = home.engines / "postgres"
    stale = content.format(pid=os.getpid(), data=data, run=home.run)
    (data / "postmaster.pid").write_text(stale)
    (home.run / ".s.PGSQL.5432.lock").write_text(stale)
    with running_engines(home, QUICK):
        assert query(home, "SELECT 1") == 1


def test_stale_sockets_do_not_block(home: Home) -> None:
    with running_engines(home, QUICK):
        pass
    for name in (".s.PGSQL.5432", "redis.sock"):
        with socket.socket(socket.AF_UNIX) as abandoned:
            abandoned.bind(str(home.run / name))
    with running_engines(home, QUICK):
        assert query(home, "SELECT 1") == 1


def test_engines_that_outlived_their_loom_are_ended_first(home: Home) -> None:
    orphans = [start(EmbeddedPostgres(home, QUICK).program()), start(EmbeddedRedis(home).program())]
    (home.engines / "postgres" / "postmaster.pid").unlink()
    with running_engines(home, QUICK):
        assert query(home, "SELECT 1") == 1
        assert all(child.wait(0) for child in orphans)


def test_an_interrupted_first_start_heals(fresh_home: Home) -> None:
    EmbeddedRedis(fresh_home).prepare()
    torn = fresh_home.engines / "postgres-draft-0"
    torn.mkdir()
    (torn / "PG_VERSION").write_text("18")
    with running_engines(fresh_home, QUICK):
        assert query(fresh_home, "SELECT 1") == 1
    assert not torn.exists()


def test_a_torn_log_of_redis_keeps_what_is_whole(home: Home) -> None:
    child = start(EmbeddedRedis(home).program())
    with redis.Redis.from_url(home.redis_url) as client:
        client.set("whole", "yes")
    child.stop()
    assert child.wait(10)
    with redis_log(home, "incr").open("ab") as stream:
        stream.write(b"*3\r\n$3\r\nSE" + bytes(4096))
    with running_engines(home, QUICK), redis.Redis.from_url(home.redis_url) as client:
        assert client.get("whole") == b"yes"


def test_a_broken_log_of_redis_is_set_aside(fresh_home: Home) -> None:
    with running_engines(fresh_home, QUICK):
        pass
    redis_log(fresh_home, "base").write_bytes(bytes(100))
    with running_engines(fresh_home, QUICK), redis.Redis.from_url(fresh_home.redis_url) as client:
        assert client.ping()
    assert list((fresh_home.engines / "redis").glob("broken-*"))


def redis_log(home: Home, part: str) -> Path:
    return max((home.engines / "redis" / "appendonlydir").glob(f"*.{part}.aof"))


def test_an_engine_that_cannot_start_says_why(home: Home) -> None:
    with (
        pytest.raises(Unavailable, match=r"postgres ended with code 1:(.|\n)*shared_buffers"),
        running_engines(home, {"shared_buffers": "a lot"}),
    ):
        pass


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_killed_engine_is_started_again(supervise: StartSupervisor, home: Home, name: str) -> None:
    run = supervise([], home=home)
    run.wait_for(UP)
    victim = next(child for child in psutil.Process(run.process.pid).children() if engine_of(child) == name)
    backends = victim.children()
    os.kill(victim.pid, signal.SIGKILL)
    run.wait_for(f"{name} was killed by SIGKILL; it starts again")
    wait_until(lambda: query_is_answered(home))
    assert is_gone(victim.pid)
    assert all(is_gone(backend.pid) for backend in backends)
    assert run.stop() == 0
    assert not list(home.run.iterdir())


def engine_of(process: psutil.Process) -> str:
    return {"postgres": "postgres", "valkey-server": "redis"}.get(process.name(), "")


def query_is_answered(home: Home) -> bool:
    try:
        with redis.Redis.from_url(home.redis_url) as client:
            return query(home, "SELECT 1") == 1 and bool(client.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="the kernel tells children only on Linux")
def test_engines_end_with_a_killed_supervisor(supervise: StartSupervisor, home: Home) -> None:
    run = supervise([], home=home)
    run.wait_for(UP)
    below = psutil.Process(run.process.pid).children(recursive=True)
    run.process.kill()
    run.process.wait(10)
    wait_until(lambda: all(is_gone(process.pid) for process in below))


def test_destroy_ends_running_engines(fresh_home: Home) -> None:
    children = [start(EmbeddedPostgres(fresh_home, QUICK).program()), start(EmbeddedRedis(fresh_home).program())]
    destroy(fresh_home)
    assert all(child.wait(5) for child in children)
    assert not fresh_home.engines.exists()
