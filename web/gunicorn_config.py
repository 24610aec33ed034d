"""How gunicorn serves the web tier: a few processes, in each of which thousands of requests may wait cheaply.

Nothing of Loom but its settings is imported here: this runs before gevent replaces the blocking parts of Python.
"""

from __future__ import annotations

import gc
import resource
from pathlib import Path
from typing import Any

import gevent

from models.settings import Settings, child_environment

gc.disable()  # until a process of the web tier has loaded what it needs
_settings = Settings.from_env()
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the heartbeat file must not lie on a disk that may stall

bind = (
    f"[{_settings.server_rest_host}]:{_settings.server_rest_port}"
    if ":" in _settings.server_rest_host
    else (f"{_settings.server_rest_host}:{_settings.server_rest_port}")
)
workers = _settings.web_processes
worker_class = "web.gunicorn_worker.JsonErrorWorker"
worker_connections = 6000
worker_tmp_dir = str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None
preload_app = False
backlog = 2048
limit_request_line = 8190  # the most that gunicorn knows: a search in other scripts is long when it is escaped
keepalive = 5
graceful_timeout = 8
timeout = 60
accesslog = None
errorlog = "-"
loglevel = _settings.log_level.lower()
proc_name = "loom-web"
control_socket_disable = True
_MOST_FILES = 65_536


def _allow_many_connections() -> None:
    """Let processes have as many files open as the system allows: by custom they may have a thousand, one a socket."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


_allow_many_connections()
_DRAIN_POLL_SECONDS = 0.1


def child_exit(_server: Any, worker: Any) -> None:
    """Count no live values of a process that has ended."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - it reads where to count when it is imported

    if "PROMETHEUS_MULTIPROC_DIR" in child_environment():
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def post_worker_init(worker: Any) -> None:
    """Tell the live connections of a process to end as soon as it is asked to stop: they never end by themselves."""
    gevent.spawn(_drain, worker)


def _drain(worker: Any) -> None:
    while worker.alive:
        gevent.sleep(_DRAIN_POLL_SECONDS)
    worker.wsgi.extensions["loom"].hub.close()
