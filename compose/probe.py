"""`loom probe`: whether the process of this container is well, by its exit code, for whoever restarts containers."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing
from typing import Any

from models.services.health import UP, check_relay
from models.settings import Settings
from models.wiring import build

_SECONDS = 4
_OK = 200


def probe_ready(settings: Settings) -> str | None:
    """See whether the web tier of this host takes requests; gives what is wrong."""
    host = "127.0.0.1" if settings.server_rest_host in {"", "0.0.0.0", "::"} else settings.server_rest_host  # noqa: S104
    try:
        with closing(http.client.HTTPConnection(host, settings.server_rest_port, timeout=_SECONDS)) as connection:
            connection.request("GET", "/health/ready")
            answer = connection.getresponse()
            text = answer.read(1000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"the web tier does not answer: {error}"
    return None if answer.status == _OK else text


def probe_worker(settings: Settings) -> str | None:
    """See whether a worker of this host was heard of within the last seconds; gives what is wrong."""
    platform = build(settings, connections=1)
    try:
        workers = platform.bus.workers()
    finally:
        platform.close()
    if workers is None:
        return None  # that is Redis's trouble: to start the worker anew would mend nothing
    is_here = any(worker.host == socket.gethostname() for worker in workers)
    return None if is_here else "no worker of this host announces itself"


def probe_relay(settings: Settings) -> str | None:
    """See whether some scheduler keeps up with what happens; gives what is wrong."""
    platform = build(settings, connections=1)
    try:
        found: dict[str, Any] = check_relay(platform.reading)
    finally:
        platform.close()
    return None if found["status"] == UP or "lagSeconds" not in found else f"the log is read late: {found}"


PROBES = {"ready": probe_ready, "worker": probe_worker, "relay": probe_relay}
