"""The Dramatiq broker of a worker process: explicit middleware, one actor for each queue.

Dramatiq carries wake-ups and gives threads. Claims, retries, time limits and results are the rows' business
(`workers.runtime`), so none of its middleware for these is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed

from models.bus.redis_bus import actor_name, wake_channel
from models.messages import Queue
from workers.runtime import Runtime


class ListeningConsumer(dramatiq.Consumer):
    """Takes wake-ups from Redis. While there are none it listens, instead of sleeping until the next look."""

    def __init__(
        self, taking: dramatiq.Consumer, client: redis.Redis, queue_name: str, patience_seconds: float
    ) -> None:  # fmt: skip
        self._taking = taking
        self._patience_seconds = patience_seconds
        self._bell = client.pubsub(ignore_subscribe_messages=True)
        self._channel = wake_channel(queue_name)

    def __next__(self) -> dramatiq.MessageProxy | None:
        """Give the next message; None after some time without one."""
        message = next(self._taking)
        if message is None:
            self._listen()
        return message

    def _listen(self) -> None:
        try:
            if not self._bell.subscribed:
                self._bell.subscribe(self._channel)
            if self._bell.get_message(timeout=self._patience_seconds) is not None:
                while self._bell.get_message(timeout=0) is not None:
                    pass  # many rings ask for one look
        except redis.ConnectionError as error:
            raise ConnectionClosed(error) from None

    def ack(self, message: dramatiq.MessageProxy) -> None:
        """Say that a message was dealt with."""
        self._taking.ack(message)

    def nack(self, message: dramatiq.MessageProxy) -> None:
        """Say that a message could not be dealt with."""
        self._taking.nack(message)

    def requeue(self, messages: Iterable[dramatiq.MessageProxy]) -> None:
        """Give messages back."""
        self._taking.requeue(messages)

    def close(self) -> None:
        """Listen no more."""
        self._bell.close()
        self._taking.close()


class WakeBroker(RedisBroker):
    """Carries wake-ups. None is ever delayed, so nobody looks for delayed ones: idle workers poll half as often."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:
        """Make a consumer; `timeout` is the longest that it listens without a look, in milliseconds."""
        taking = super().consume(queue_name, prefetch, timeout=0)
        return ListeningConsumer(taking, self.client, queue_name, timeout / 1000)

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

    def after_worker_boot(self, _broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """The threads are about to take messages."""
        control = self._runtime.control

        def pass_on() -> None:
            # Who is paused takes no wake-ups away from others.
            for consumer in worker.consumers.values():
                consumer.pause() if control.is_paused else consumer.resume()

        control.on_change = pass_on
        self._runtime.start()

    def before_worker_shutdown(self, *_: Any) -> None:
        """Claim no more; hand back what does not end at once."""
        self._runtime.control.stop()

    def after_worker_shutdown(self, *_: Any) -> None:
        """All threads have ended."""
        self._runtime.stop()


def make_broker(runtime: Runtime) -> WakeBroker:
    """Make the broker with an actor for every queue."""
    broker = WakeBroker(  # type: ignore[no-untyped-call]
        url=runtime.platform.settings.broker_url,
        middleware=[Lifecycle(runtime)],
        socket_timeout=10,
        socket_connect_timeout=2,
    )
    dramatiq.set_broker(broker)
    for queue in dict.fromkeys([*Queue, *runtime.queues]):
        _declare(broker, runtime, queue)
    return broker


def _declare(broker: WakeBroker, runtime: Runtime, queue: str) -> None:
    @dramatiq.actor(broker=broker, actor_name=actor_name(queue), queue_name=queue)
    def work() -> None:
        """Answer one wake-up."""
        runtime.work(queue)
