"""`/processors`: workers that are told to take nothing more, to hand back what they have, to go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any
from urllib.parse import quote

import pytest
from dramatiq import Worker

from models.entities import TaskState
from models.messages import SWEEP, Queue
from models.permissions import Actor
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.handlers import Engine, OneStep
from tests.support.waiting import wait_until
from workers.broker import make_broker
from workers.handling import Step
from workers.runtime import Runtime


@pytest.fixture
def engine(platform: Platform, actor: Actor) -> Engine:
    return Engine(platform, actor)


@contextmanager
def _worker(platform: Platform, handler: OneStep) -> Iterator[Runtime]:
    """Run a worker of this process with two threads."""
    runtime = Runtime(platform, (Queue.MAINTENANCE,), [handler])
    worker = Worker(make_broker(runtime), queues={Queue.MAINTENANCE}, worker_threads=2, worker_timeout=50)
    worker.start()
    try:
        yield runtime
    finally:
        worker.stop(timeout=5_000)


def _tell(client: ApiClient, name: str, order: str, state: str) -> None:
    """Give an order, and wait until the worker has followed it."""
    told = client.post(f"/processors/{quote(name)}/{order}", expect=202)
    assert told["name"] == name
    wait_until(lambda: _processor(client, name)["state"] == state)


def _processor(client: ApiClient, name: str) -> Any:
    return next(each for each in client.get("/processors")["data"] if each["name"] == name)


def test_a_paused_worker_takes_nothing_until_it_may_go_on(client: ApiClient, engine: Engine) -> None:
    with _worker(engine.platform, OneStep()) as runtime:
        _tell(client, runtime.owner, "pause", "PAUSED")
        task = engine.submit(SWEEP)
        assert not runtime.run_one(Queue.MAINTENANCE), "though there is something to do"
        assert engine.task(task).state == TaskState.PENDING
        _tell(client, runtime.owner, "resume", "ONLINE")
        wait_until(lambda: engine.task(task).state == TaskState.SUCCEEDED)


def test_what_a_paused_worker_has_comes_to_its_end(client: ApiClient, engine: Engine) -> None:
    begun, may_end = Event(), Event()

    def wait(step: Step[Any]) -> None:
        begun.set()
        while not may_end.wait(0.01):
            step.check()

    with _worker(engine.platform, OneStep(wait)) as runtime:
        task = engine.submit(SWEEP)
        assert begun.wait(10)
        _tell(client, runtime.owner, "pause", "PAUSED")
        assert _processor(client, runtime.owner)["running"] == 1
        may_end.set()
        wait_until(lambda: engine.task(task).state == TaskState.SUCCEEDED)


def test_a_drained_worker_has_handed_back_what_it_had(client: ApiClient, engine: Engine) -> None:
    begun = Event()

    def wait(step: Step[Any]) -> None:
        begun.set()
        while True:
            step.check()
            time.sleep(0.01)

    with _worker(engine.platform, OneStep(wait)) as runtime:
        task = engine.submit(SWEEP)
        assert begun.wait(10)
        _tell(client, runtime.owner, "drain", "DRAINED")
        assert _processor(client, runtime.owner)["running"] == 0
        # Nobody died and nothing failed: somebody else goes on.
        assert (engine.task(task).state, engine.task(task).attempt) == (TaskState.RUNNING, 0)
        engine.run_all(OneStep())
        assert engine.task(task).state == TaskState.SUCCEEDED
        _tell(client, runtime.owner, "resume", "ONLINE")


def test_a_worker_that_is_not_there_cannot_be_told(client: ApiClient) -> None:
    for order in ("pause", "resume", "drain"):
        problem = client.post(f"/processors/nobody:1:2/{order}", expect=404)
        assert problem["message"] == "There is no such worker now"
