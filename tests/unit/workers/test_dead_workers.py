"""What happens to the work of workers that die, stall, or come back too late."""

import pytest

from models.entities import TaskState
from models.errors import LeaseLost
from models.messages import SCAN_POOL, SWEEP, Queue
from models.permissions import Actor
from models.services import reaping, work
from models.services.task_parts import Outcome
from models.wiring import Platform
from tests.support.handlers import Engine, ManyParts, OneStep
from workers.leases import Held


@pytest.fixture
def engine(platform: Platform, actor: Actor) -> Engine:
    return Engine(platform, actor)


def _claim(engine: Engine, queue: Queue) -> work.Claim:
    with engine.platform.unit_of_work() as uow:
        claimed = work.claim(uow, queue, "a worker that dies", 10)
        uow.commit()
    assert claimed is not None
    return claimed


def _reap(engine: Engine) -> int:
    with engine.platform.unit_of_work() as uow:
        count = reaping.reap(uow, lease_seconds=0)
        uow.commit()
    return count


def test_a_live_lease_is_left_alone(engine: Engine) -> None:
    engine.submit(SWEEP)
    _claim(engine, Queue.MAINTENANCE)
    assert _reap(engine) == 0


def test_nobody_is_declared_dead_right_after_the_database_came_back(engine: Engine) -> None:
    engine.submit(SWEEP)
    _claim(engine, Queue.MAINTENANCE)
    engine.expire_leases()
    with engine.platform.unit_of_work() as uow:
        assert reaping.reap(uow, lease_seconds=3600) == 0


def test_the_work_of_a_dead_worker_is_done_by_another(engine: Engine) -> None:
    task_id = engine.submit(SWEEP)
    _claim(engine, Queue.MAINTENANCE)
    engine.expire_leases()
    assert _reap(engine) == 1
    engine.run_all(OneStep(lambda _: "done by another"))
    task = engine.task(task_id)
    assert (task.state, task.result, task.attempt) == (TaskState.SUCCEEDED, {"value": "done by another"}, 1)


def test_a_worker_that_comes_back_too_late_changes_nothing(engine: Engine) -> None:
    task_id = engine.submit(SWEEP)
    late = _claim(engine, Queue.MAINTENANCE)
    engine.expire_leases()
    _reap(engine)
    engine.run_all(OneStep(lambda _: "first"))
    with engine.platform.unit_of_work() as uow, pytest.raises(LeaseLost):
        work.settle(uow, late, Outcome(done=1, result={"value": "second"}))
    with engine.platform.unit_of_work() as uow:
        work.hand_back(uow, late)
        uow.commit()
    task = engine.task(task_id)
    assert (task.state, task.result, task.done) == (TaskState.SUCCEEDED, {"value": "first"}, 1)


def test_a_late_worker_cannot_extend_the_plan(engine: Engine) -> None:
    engine.submit(SCAN_POOL)
    late = _claim(engine, Queue.BULK)
    engine.expire_leases()
    _reap(engine)
    with engine.platform.unit_of_work() as uow, pytest.raises(LeaseLost):
        work.extend(uow, late, [], Outcome(), {"next": 1})


def test_a_task_that_kills_its_workers_is_given_up_and_others_go_on(engine: Engine) -> None:
    deadly, harmless = engine.submit(SWEEP), engine.submit(SWEEP)
    for _ in range(3):
        claimed = _claim(engine, Queue.MAINTENANCE)
        while claimed.task_id != deadly:
            engine.runtime(OneStep())._run(claimed, Held(claimed.part_id))
            claimed = _claim(engine, Queue.MAINTENANCE)
        engine.expire_leases()
        _reap(engine)
    engine.run_all(OneStep())
    task = engine.task(deadly)
    assert (task.state, task.error_code, task.attempt) == (TaskState.FAILED, "worker-died", 3)
    assert engine.task(harmless).state == TaskState.SUCCEEDED


def test_a_deadly_item_costs_only_itself(engine: Engine) -> None:
    """Items of a part that killed three workers are tried alone; only the deadly one is given up."""
    task_id = engine.submit(SCAN_POOL)
    runtime = engine.runtime(ManyParts(parts=1, part_size=8))
    runtime.run_one(Queue.BULK)
    for _ in range(3):
        _claim(engine, Queue.HASH)
        engine.expire_leases()
        assert _reap(engine) == 1
    while (claimed := _next(engine)) is not None:
        if claimed.payload["items"] == [{"index": 5}]:
            engine.expire_leases()
            _reap(engine)
        else:
            runtime._run(claimed, Held(claimed.part_id))
    engine.run_all(ManyParts())
    task = engine.task(task_id)
    assert (task.state, task.done, task.failed, task.total) == (TaskState.PARTIAL, 7, 1, 8)


def _next(engine: Engine) -> work.Claim | None:
    with engine.platform.unit_of_work() as uow:
        claimed = work.claim(uow, Queue.HASH, "one by one", 10)
        uow.commit()
    return claimed


def test_a_heartbeat_keeps_a_long_step_alive_and_reports_cancellation(engine: Engine) -> None:
    task_id = engine.submit(SWEEP)
    runtime = engine.runtime(OneStep())
    with engine.platform.unit_of_work() as uow:
        claimed = work.claim(uow, Queue.MAINTENANCE, runtime.owner, 1)
        uow.commit()
    assert claimed is not None
    with runtime.leases.hold(claimed.part_id) as held:
        engine.expire_leases()
        runtime.leases._renew()
        assert _reap(engine) == 0
        with engine.platform.unit_of_work() as uow:
            uow.execute("UPDATE task SET state = 'CANCELLING' WHERE id = :id", id=task_id)
            uow.commit()
        runtime.leases._renew()
        assert held.cancelled.is_set()
        held.deadline = 0
        runtime.leases._renew()
        assert held.lost.is_set(), "beyond its time limit a step is not kept alive"
    runtime.leases.stop()


def test_waiting_parts_with_nothing_in_flight_are_let_in(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    runtime = engine.runtime(ManyParts(parts=30))
    runtime.run_one(Queue.BULK)
    with engine.platform.unit_of_work() as uow:
        uow.execute("UPDATE task_part SET state = 'WAITING' WHERE state = 'READY'")
        assert reaping.reopen_windows(uow) == 1
        uow.commit()
    engine.run_all(ManyParts(parts=30))
    assert (engine.task(task_id).state, engine.task(task_id).done) == (TaskState.SUCCEEDED, 60)
