"""A worker inside another process: the indexer's."""

from __future__ import annotations

from collections.abc import Sequence

from dramatiq import Worker

from models.wiring import Platform
from workers.broker import make_broker
from workers.handlers import HANDLERS
from workers.runtime import Runtime
from workers.timing import DRAIN_MS, POLL_MS


class InProcessWorker:
    """Works on some queues in threads of this process."""

    def __init__(self, platform: Platform, queues: Sequence[str], threads: int) -> None:
        self._worker = Worker(
            make_broker(Runtime(platform, queues, HANDLERS)),
            queues=set(queues),
            worker_threads=threads,
            worker_timeout=POLL_MS,
        )
        self._worker.start()

    def stop(self) -> None:
        """Hand back what runs and end the threads."""
        self._worker.stop(timeout=DRAIN_MS)
