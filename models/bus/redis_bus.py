"""The bus on Redis or Valkey: Dramatiq queues for wake-ups, pub/sub for frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import orjson
import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError

from models.bus.port import Order, WorkerInfo, WorkerState
from models.logs import get_logger

_FRAMES = "loom:frames"
_BELL = "loom:bell"
_WORKER = "loom:worker:"
_ORDER = "loom:order:"
_MOST_WAKES = 32
"""More wake-ups than threads in any sensible worker pool only pile up."""
_OUT_OF_REACH = (redis.RedisError, BrokerConnectionError, OSError)
_T = TypeVar("_T")

logger = get_logger(__name__)


def actor_name(queue: str) -> str:
    """Name the actor that works on a queue."""
    return f"work-{queue}"


def wake_channel(queue: str) -> str:
    """Name the channel on which idle workers of a queue hear that there is a wake-up."""
    return f"loom:wake:{queue}"


def _read_worker(value: bytes) -> WorkerInfo | None:
    """Read what a worker has announced; None for what one of another version says, which is soon replaced."""
    try:
        told = orjson.loads(value)
        lists = {name: tuple(told[name]) for name in ("queues", "kinds")}
        return WorkerInfo(**{**told, **lists, "state": WorkerState(told["state"])})
    except (ValueError, TypeError, KeyError):
        return None


def _read_order(value: object) -> Order | None:
    """Read what a worker was told; None for what it does not know, which one of another version may have said."""
    try:
        return Order(value.decode()) if isinstance(value, bytes) else None
    except ValueError:
        return None


class RedisBus:
    """See `models.bus.port.Bus`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=30)
        self._broker = RedisBroker(client=self._client, middleware=[])
        self._bell: redis.client.PubSub | None = None

    def wake(self, queue: str, count: int = 1) -> None:
        """Make up to `count` idle workers of the queue look for work."""
        message: Message[None] = Message(queue_name=queue, actor_name=actor_name(queue), args=(), kwargs={}, options={})
        for _ in range(min(count, _MOST_WAKES)):
            if not self._try(lambda: self._broker.enqueue(message.copy())):
                return
        self._try(lambda: self._client.publish(wake_channel(queue), b"1"))

    def count_wakes(self, queue: str) -> int | None:
        """Count the wake-ups that no worker has taken yet; None when the bus is out of reach."""
        return self._try(lambda: int(self._client.llen(f"dramatiq:{queue}")))

    def ring(self) -> None:
        """Tell the relay that there are new events."""
        self._try(lambda: self._client.publish(_BELL, b"1"))

    def wait_for_ring(self, seconds: float) -> None:
        """Return at the next ring, or after that many seconds."""
        deadline = time.monotonic() + seconds
        try:
            if self._bell is None:
                self._bell = self._client.pubsub(ignore_subscribe_messages=True)
                self._bell.subscribe(_BELL)
            while (left := deadline - time.monotonic()) > 0:
                if self._bell.get_message(timeout=left) is not None:
                    # Many rings in the meantime ask for one look.
                    while self._bell.get_message(timeout=0) is not None:
                        pass
                    return
        except _OUT_OF_REACH:
            self._bell = None
            time.sleep(max(0.0, min(seconds, deadline - time.monotonic())))

    def publish(self, frame: dict[str, Any]) -> None:
        """Send a frame to every web process that listens now."""
        self._try(lambda: self._client.publish(_FRAMES, orjson.dumps(frame)))

    def listen(self, timeout_seconds: float) -> Iterator[dict[str, Any] | None]:
        """Yield frames as they come, and None at the start, after a reconnection and after each silence."""
        while True:
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:
                    subscription.subscribe(_FRAMES)
                    yield None
                    yield from self._frames(subscription, timeout_seconds)
            except _OUT_OF_REACH as error:
                logger.warning("lost the live frames, trying again", reason=str(error))
                time.sleep(0.5)

    @staticmethod
    def _frames(subscription: redis.client.PubSub, timeout_seconds: float) -> Iterator[dict[str, Any] | None]:
        deadline = time.monotonic() + timeout_seconds
        while True:
            message = subscription.get_message(timeout=max(0.0, deadline - time.monotonic()))
            if message is not None:
                yield orjson.loads(message["data"])
                deadline = time.monotonic() + timeout_seconds
            elif time.monotonic() >= deadline:
                yield None
                deadline = time.monotonic() + timeout_seconds

    def announce(self, worker: WorkerInfo, seconds: int) -> Order | None:
        """Be known as alive for that long; gives what this worker was told last, once."""
        return _read_order(self._try(lambda: self._announce(worker, seconds)))

    def _announce(self, worker: WorkerInfo, seconds: int) -> object:
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(_WORKER + worker.name, orjson.dumps(worker), ex=seconds)
            pipeline.getdel(_ORDER + worker.name)
            return pipeline.execute()[1]

    def withdraw(self, name: str) -> None:
        """Be known as alive no more."""
        self._try(lambda: self._client.delete(_WORKER + name))

    def workers(self) -> Sequence[WorkerInfo] | None:
        """Tell who announced itself; None when the bus is out of reach."""
        return self._try(self._workers)

    def _workers(self) -> list[WorkerInfo]:
        keys: list[bytes] = sorted(self._client.scan_iter(match=_WORKER + "*", count=1000))
        values: Any = self._client.mget(keys) if keys else []
        read = (_read_worker(value) for value in values if value is not None)
        return [worker for worker in read if worker is not None]

    def order(self, name: str, order: Order, seconds: int) -> bool:
        """Tell a worker something, which it hears when it announces itself; False when the bus is out of reach."""
        return self._try(lambda: self._client.set(_ORDER + name, order, ex=seconds)) is not None

    def attempts(self, key: str, window_seconds: int) -> int:
        """Count this call among those with the same key in the window; 0 when the bus is out of reach."""
        return self._try(lambda: self._count(f"loom:attempts:{key}", window_seconds)) or 0

    def _count(self, key: str, window_seconds: int) -> int:
        with self._client.pipeline() as pipeline:
            pipeline.incr(key)
            # The window begins with its first call: if each began it anew, whoever keeps calling would never be let in.
            pipeline.expire(key, window_seconds, nx=True)
            return int(pipeline.execute()[0])

    def take_back_attempt(self, key: str) -> None:
        """Do not count the last call after all."""
        self._try(lambda: self._client.decr(f"loom:attempts:{key}"))

    def forget_attempts(self, key: str) -> None:
        """Start the count of the key anew."""
        self._try(lambda: self._client.delete(f"loom:attempts:{key}"))

    def close(self) -> None:
        """Let go of the connections."""
        with suppress(*_OUT_OF_REACH):
            self._client.close()

    @staticmethod
    def _try(call: Callable[[], _T]) -> _T | None:
        try:
            return call()
        except _OUT_OF_REACH as error:
            logger.warning("Redis is out of reach", reason=str(error))
            return None
