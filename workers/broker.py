"""The Dramatiq broker of a worker process: explicit middleware, one actor for each queue.

Dramatiq carries wake-ups and gives threads. Claims, retries, time limits and results are the rows' business
(`workers.runtime`), so none of its middleware for these is used.
"""

from __future__ import annotations

from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from models.bus.redis_bus import actor_name
from models.messages import Queue
from workers.runtime import Runtime


class WakeBroker(RedisBroker):
    """Carries wake-ups. None is ever delayed, so nobody looks for delayed ones: idle workers poll half as often."""

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue without its twin for delayed messages."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


class Lifecycle(dramatiq.Middleware):
    """Starts the heartbeat with the worker and lets running steps know that it stops."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def after_worker_boot(self, *_: Any) -> None:
        """The threads are about to take messages."""
        self._runtime.leases.start()

    def before_worker_shutdown(self, *_: Any) -> None:
        """Claim no more; hand back what does not end at once."""
        self._runtime.stopping.set()

    def after_worker_shutdown(self, *_: Any) -> None:
        """All threads have ended."""
        self._runtime.leases.stop()


def make_broker(runtime: Runtime) -> WakeBroker:
    """Make the broker with an actor for every queue."""
    broker = WakeBroker(  # type: ignore[no-untyped-call]
        url=runtime.platform.settings.broker_url,
        middleware=[Lifecycle(runtime)],
        socket_timeout=10,
        socket_connect_timeout=2,
    )
    dramatiq.set_broker(broker)
    for queue in Queue:
        _declare(broker, runtime, queue)
    return broker


def _declare(broker: WakeBroker, runtime: Runtime, queue: Queue) -> None:
    @dramatiq.actor(broker=broker, actor_name=actor_name(queue), queue_name=str(queue))
    def work() -> None:
        """Answer one wake-up."""
        runtime.work(queue)
