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
    runtime = Runtime(platform, tuple(Queue), HANDLERS)
    while any(_drain(runtime, queue) for queue in Queue):
        pass


def _drain(runtime: Runtime, queue: str) -> bool:
    """Run all that a queue holds; tells whether that was anything."""
    count = 0
    while runtime.run_one(queue):
        count += 1
    return count > 0
