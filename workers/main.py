"""How worker processes start: Dramatiq's own command for `loom worker`, a worker inside another process else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from dramatiq import Worker

from models.errors import ConfigurationError
from models.messages import Queue
from models.queues import queues_served
from models.settings import child_environment
from models.wiring import Platform
from workers.broker import make_broker
from workers.handlers import HANDLERS
from workers.runtime import Runtime

_POLL_MS = 50
"""An idle worker looks into Redis this often; Dramatiq's default of a second would be our latency."""
_DRAIN_MS = 5_000


def main(queues: Sequence[str], processes: int, threads: int) -> None:
    """Become Dramatiq's master process for these queues; never returns."""
    try:
        names = queues_served(queues)
    except ValueError as error:
        raise ConfigurationError(f"{error}; known queues: {', '.join(Queue)}, and media.<capability>") from None
    arguments = [sys.executable, "-m", "workers.dramatiq_command", "workers.entry:broker", "--skip-logging"]
    arguments += ["--processes", str(processes), "--threads", str(threads)]
    arguments += ["--worker-shutdown-timeout", str(_DRAIN_MS), "--queues", *names]
    environment = child_environment(
        LOOM_WORKER_QUEUES=",".join(names),
        dramatiq_worker_timeout=str(_POLL_MS),
        dramatiq_queue_prefetch=str(threads),
        dramatiq_restart_delay="500",
    )
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - our own interpreter, no shell


class InProcessWorker:
    """A worker that runs inside another process (the indexer's)."""

    def __init__(self, platform: Platform, queues: Sequence[str], threads: int) -> None:
        self._worker = Worker(
            make_broker(Runtime(platform, queues, HANDLERS)),
            queues=set(queues),
            worker_threads=threads,
            worker_timeout=_POLL_MS,
        )
        self._worker.start()

    def stop(self) -> None:
        """Hand back what runs and end the threads."""
        self._worker.stop(timeout=_DRAIN_MS)


def start_worker(platform: Platform, queues: Sequence[str], threads: int) -> InProcessWorker:
    """Work on these queues in threads of this process."""
    return InProcessWorker(platform, queues, threads)
