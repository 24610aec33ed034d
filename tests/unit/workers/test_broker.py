"""The broker of a worker process: a consumer for each queue it serves, and no more."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from dramatiq import Worker

from models.errors import ConfigurationError
from models.messages import SCAN_POOL, SWEEP, Queue
from models.permissions import Actor
from models.wiring import Platform
from tests.support.handlers import Engine, ManyParts, OneStep
from tests.support.waiting import wait_until
from workers import runtime as runtime_module
from workers.broker import make_broker
from workers.handlers import HANDLERS
from workers.handling import Handler
from workers.main import main
from workers.runtime import Runtime


def test_nobody_polls_for_delayed_messages(platform: Platform) -> None:
    broker = make_broker(Runtime(platform, tuple(Queue), HANDLERS))
    assert broker.get_declared_queues() == set(Queue)
    assert not broker.get_declared_delay_queues()


def test_full_queues_share_the_time_of_a_worker_by_their_weights(
    platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "TURN_SECONDS", 0.1)
    worked: list[str] = []

    def work(queue: str) -> None:
        time.sleep(0.01)  # however fast the machine is, a turn is over before the queue is empty
        worked.append(queue)

    handlers: list[Handler] = [
        OneStep(lambda _: work("maintenance")), ManyParts(20, 1, lambda *_: work("hash")),
    ]  # fmt: skip
    engine = Engine(platform, actor)
    for _ in range(100):
        engine.submit(SWEEP)
    for _ in range(6):
        engine.submit(SCAN_POOL)
    weighted = platform.settings.model_copy(update={"queue_weights": {"hash": 4.0}})
    runtime = Runtime(replace(platform, settings=weighted), (Queue.MAINTENANCE, Queue.HASH), handlers)
    while runtime.run_one(Queue.BULK):
        pass
    worker = Worker(make_broker(runtime), queues={Queue.MAINTENANCE, Queue.HASH}, worker_threads=1, worker_timeout=50)
    platform.bus.wake(Queue.MAINTENANCE)
    platform.bus.wake(Queue.HASH)
    worker.start()
    # As long as both are full: after that, the other one has all of it.
    wait_until(lambda: worked.count("hash") >= 100 or worked.count("maintenance") >= 90, 60)
    share = worked.count("hash") / len(worked)
    worker.stop(timeout=5_000)
    assert 0.6 < share < 0.95, share


def test_a_weight_of_no_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOM_QUEUE_WEIGHTS", "hash=2,hush=1")
    with pytest.raises(ConfigurationError, match="there is no queue hush"):
        main(["hash"], processes=1, threads=1, nice=0)
