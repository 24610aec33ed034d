"""Spaces take turns in a queue, and within a space its tasks."""

from __future__ import annotations

from uuid import UUID

import pytest

from models.messages import SCAN_POOL, Queue
from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.handlers import Engine, ManyParts
from tests.support.people import make_space, make_user
from workers import runtime as runtime_module
from workers.handling import TurnOver
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


def _at_work(engine: Engine, tasks: int, parts: int) -> tuple[_Hashing, list[UUID]]:
    """Let so many tasks be planned, and so many of their parts be done."""
    hashing = _Hashing(engine)
    submitted = [engine.submit(SCAN_POOL) for _ in range(tasks)]
    hashing.plan()
    hashing.work(parts)
    return hashing, submitted


def _come(engine: Engine, hashing: _Hashing) -> UUID:
    """Submit one more, and let it be planned."""
    task = engine.submit(SCAN_POOL)
    hashing.plan()
    return task


def test_who_comes_while_others_have_queued_up_is_next(ours: Engine, theirs: Engine) -> None:
    hashing, _ = _at_work(ours, tasks=3, parts=50)
    new = _come(theirs, hashing)
    assert new in hashing.work(2)


def test_a_new_task_of_the_same_space_has_not_to_wait_for_a_window(ours: Engine) -> None:
    hashing, _ = _at_work(ours, tasks=3, parts=20)
    new = _come(ours, hashing)
    assert new in hashing.work(SCAN_POOL.window)


def test_many_tasks_of_a_space_get_as_much_as_the_only_one_of_another(ours: Engine, theirs: Engine) -> None:
    hashing, many = _at_work(ours, tasks=6, parts=100)
    only = _come(theirs, hashing)
    order = hashing.work(60)
    assert 27 <= order.count(only) <= 33
    counts = [order.count(task) for task in many]
    assert max(counts) - min(counts) <= 2


def test_who_was_alone_for_long_is_not_made_to_wait_for_that(ours: Engine, theirs: Engine) -> None:
    hashing, (alone,) = _at_work(ours, tasks=1, parts=24)
    other = _come(theirs, hashing)
    order = hashing.work(16)
    assert min(order.count(alone), order.count(other)) >= 7


def _turns(engine: Engine) -> list[int]:
    """Give the turns of the first steps of all tasks, in the order in which these were submitted."""
    with engine.platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT turn FROM task_part WHERE role = 'MAIN' ORDER BY id")
    return [int(turn) for (turn,) in rows]


def test_a_slice_of_a_plan_comes_behind_the_others_and_what_was_interrupted_does_not(
    ours: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "SLICE_SECONDS", 0)
    for _ in range(2):
        ours.submit(SCAN_POOL)
    runtime = ours.runtime(ManyParts(parts=3))
    first, second = _turns(ours)
    assert runtime.run_one(Queue.BULK)
    assert _turns(ours) == [first + TurnOver.turns, second]
    runtime.control.handing_back.set()
    assert runtime.run_one(Queue.BULK), "the other one is next, and is interrupted"
    assert _turns(ours) == [first + TurnOver.turns, second]
