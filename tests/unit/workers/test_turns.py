"""Spaces take turns in a queue, and within a space its tasks."""

from __future__ import annotations

from uuid import UUID

import pytest

from models.messages import SCAN_POOL, Queue
from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.handlers import Engine, ManyParts
from tests.support.people import make_space, make_user
from workers.runtime import Runtime

_PARTS = 40


@pytest.fixture
def ours(platform: Platform, actor: Actor) -> Engine:
    return Engine(platform, actor)


@pytest.fixture
def theirs(platform: Platform) -> Engine:
    """Whoever works in another space."""
    space = make_space(platform, "theirs")
    return Engine(platform, make_user(platform, "them", Permission, space_id=space))


class _Hashing:
    """Workers of the queue in which the parts are; who was worked for is noted."""

    def __init__(self, engine: Engine) -> None:
        self.order: list[UUID] = []
        handler = ManyParts(parts=_PARTS, part_size=1, act=lambda step, _: self.order.append(step.task_id))
        self._runtime: Runtime = engine.runtime(handler)

    def plan(self) -> None:
        """Let all plans be made."""
        while self._runtime.run_one(Queue.BULK):
            pass

    def work(self, parts: int) -> list[UUID]:
        """Work on so many parts; gives their tasks."""
        self.order.clear()
        for _ in range(parts):
            assert self._runtime.run_one(Queue.HASH)
        return list(self.order)


def test_who_comes_while_others_have_queued_up_is_next(ours: Engine, theirs: Engine) -> None:
    hashing = _Hashing(ours)
    for _ in range(3):
        ours.submit(SCAN_POOL)
    hashing.plan()
    hashing.work(50)
    new = theirs.submit(SCAN_POOL)
    hashing.plan()
    assert new in hashing.work(2)


def test_a_new_task_of_the_same_space_has_not_to_wait_for_a_window(ours: Engine) -> None:
    hashing = _Hashing(ours)
    for _ in range(3):
        ours.submit(SCAN_POOL)
    hashing.plan()
    hashing.work(20)
    new = ours.submit(SCAN_POOL)
    hashing.plan()
    assert new in hashing.work(SCAN_POOL.window)


def test_many_tasks_of_a_space_get_as_much_as_the_only_one_of_another(ours: Engine, theirs: Engine) -> None:
    hashing = _Hashing(ours)
    many = [ours.submit(SCAN_POOL) for _ in range(6)]
    hashing.plan()
    hashing.work(100)
    only = theirs.submit(SCAN_POOL)
    hashing.plan()
    order = hashing.work(60)
    assert 27 <= order.count(only) <= 33
    counts = [order.count(task) for task in many]
    assert max(counts) - min(counts) <= 2


def test_who_was_alone_for_long_is_not_made_to_wait_for_that(ours: Engine, theirs: Engine) -> None:
    hashing = _Hashing(ours)
    alone = ours.submit(SCAN_POOL)
    hashing.plan()
    hashing.work(24)
    other = theirs.submit(SCAN_POOL)
    hashing.plan()
    order = hashing.work(16)
    assert min(order.count(alone), order.count(other)) >= 7
