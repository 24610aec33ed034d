"""How `loom worker` becomes Dramatiq's own command. What workers need is loaded by that one, not twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from models.errors import ConfigurationError
from models.messages import Queue
from models.queues import queues_served
from models.settings import Settings, child_environment
from workers.timing import DRAIN_MS, POLL_MS


def main(queues: Sequence[str], processes: int, threads: int, nice: int) -> None:
    """Become Dramatiq's master process for these queues; never returns."""
    try:
        names = queues_served(queues)
    except ValueError as error:
        raise ConfigurationError(f"{error}; known queues: {', '.join(Queue)}, and media.<capability>") from None
    if unknown := sorted(set(Settings.from_env().queue_weights) - set(Queue)):
        raise ConfigurationError(f"LOOM_QUEUE_WEIGHTS: there is no queue {', '.join(unknown)}")
    arguments = [sys.executable, "-m", "workers.dramatiq_command", "workers.entry:broker", "--skip-logging"]
    arguments += ["--processes", str(processes), "--threads", str(threads)]
    arguments += ["--worker-shutdown-timeout", str(DRAIN_MS), "--queues", *names]
    environment = child_environment(
        LOOM_WORKER_QUEUES=",".join(names),
        LOOM_WORKER_NICE=str(nice),
        dramatiq_worker_timeout=str(POLL_MS),
        dramatiq_queue_prefetch=str(threads),
        dramatiq_restart_delay="500",
    )
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - our own interpreter, no shell
