"""Working without a broker: one part at a time in the calling thread, for tests and tools."""

from __future__ import annotations

from models.messages import Queue
from models.wiring import Platform
from workers.handlers import HANDLERS
from workers.runtime import Runtime


def run_one(platform: Platform, queue: str) -> bool:
    """Claim and run the next part of a queue; False when nothing is runnable."""
    return Runtime(platform, (queue,), HANDLERS).run_one(queue)


def run_all(platform: Platform) -> None:
    """Run until no queue holds anything runnable."""
    while sum(run_one(platform, queue) for queue in Queue):
        pass
