"""Any WSGI application under the gunicorn configuration that Loom is served with, for tests and benchmarks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import create_connection

from models.migrating import upgrade_schema
from models.services.bootstrap import bootstrap
from models.settings import Settings, child_environment
from models.wiring import Platform, build
from tests.support.engines import throw_away_engines
from tests.support.running_loom import free_port
from tests.support.settings import PASSWORD, make_settings
from tests.support.waiting import wait_until

_ROOT = Path(__file__).parents[2]


@contextmanager
def fresh_platform() -> Iterator[tuple[Platform, Path]]:
    """A migrated Loom without processes, and a folder for its logs; nothing is left of it."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as name, throw_away_engines(Path(name) / "engines") as home:
        settings = make_settings(Path(name) / "home", home)
        settings.home.mkdir()
        upgrade_schema(settings)
        platform = build(settings)
        with platform.unit_of_work() as uow:
            bootstrap(uow, PASSWORD)
            uow.commit()
        yield platform, Path(name) / "log"
        platform.close()


@contextmanager
def served(application: str, settings: Settings, log: Path, **variables: str) -> Iterator[int]:
    """Serve `module:name` meanwhile, by one process unless told otherwise; gives the port."""
    port = free_port()
    given = {
        "LOOM_HOME": str(settings.home), "LOOM_DATABASE_URL": settings.database_url,
        "LOOM_REDIS_URL": settings.redis_url, "LOOM_SECRET_KEY": settings.secret_key,
        "LOOM_SERVER_REST_PORT": str(port), "LOOM_WEB_PROCESSES": "1",
        "LOOM_STORAGE_MIN_FREE_SPACE": str(settings.storage_min_free_space), "LOOM_LOG_LEVEL": "WARNING", **variables,
    }  # fmt: skip
    environment = child_environment(**{name: value for name, value in given.items() if value})
    command = [sys.executable, "-m", "gunicorn", "-c", "python:web.gunicorn_config", application]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=output, stderr=output)
    try:
        wait_until(lambda: _answers(process, port, log), 30)
        yield port
    finally:
        process.terminate()
        process.wait(15)


def _answers(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    assert process.poll() is None, log.read_text(errors="replace")[-4000:]
    try:
        with closing(create_connection(("127.0.0.1", port), 5)):
            return True
    except OSError:
        return False
