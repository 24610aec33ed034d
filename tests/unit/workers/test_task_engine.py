"""The life of tasks: claims, parts, windows, turns, errors, cancellation, retry."""

from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from models.entities import TaskState
from models.errors import Conflict
from models.messages import SCAN_POOL, SWEEP, Priority, Queue
from models.permissions import Actor
from models.services import tasks
from models.services.task_parts import NewPart, add_work, lock_task
from models.tracing import current_trace, set_trace
from models.wiring import Platform
from tests.support.handlers import Engine, ManyParts, OneStep
from workers import runtime as runtime_module


@pytest.fixture
def engine(platform: Platform, actor: Actor) -> Engine:
    return Engine(platform, actor)


def test_a_single_step_succeeds_with_its_result(engine: Engine) -> None:
    task_id = engine.submit(SWEEP)
    assert engine.task(task_id).state == TaskState.PENDING
    engine.run_all(OneStep(lambda _: 42))
    task = engine.task(task_id)
    assert (task.state, task.result, task.done, task.total) == (TaskState.SUCCEEDED, {"value": 42}, 1, 1)
    assert task.started is not None
    assert task.finished is not None


def test_the_trace_of_whoever_asked_goes_on_in_the_worker(engine: Engine) -> None:
    seen: list[str | None] = []
    followers: list[UUID] = []

    def follow(_: object) -> None:
        seen.append(current_trace())
        if len(followers) < 1:
            followers.append(engine.submit(SWEEP))

    set_trace("asked-for-this")
    engine.submit(SWEEP)
    set_trace(None)
    engine.run_all(OneStep(follow))
    assert seen == ["asked-for-this", "asked-for-this"]
    assert engine.task(followers[0]).trace_id == "asked-for-this"
    assert current_trace() is None


def test_a_domain_error_fails_the_task_with_its_code(engine: Engine) -> None:
    def refuse(_: object) -> None:
        raise Conflict("The root is gone", code="root-gone")

    task_id = engine.submit(SWEEP)
    engine.run_all(OneStep(refuse))
    task = engine.task(task_id)
    assert (task.state, task.error_code, task.error_message) == (TaskState.FAILED, "root-gone", "The root is gone")


def test_an_unexpected_error_is_tried_again_later_and_given_up_after_the_last_attempt(engine: Engine) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a bug")

    task_id = engine.submit(SWEEP)
    for attempt in (1, 2, 3):
        assert engine.runtime(OneStep(fail)).run_one(Queue.MAINTENANCE), attempt
        assert not engine.runtime(OneStep(fail)).run_one(Queue.MAINTENANCE), "it waits before the next attempt"
        _let_backoff_pass(engine)
    task = engine.task(task_id)
    assert (task.state, task.error_code) == (TaskState.FAILED, "internal")
    assert "a bug" not in str(task.error_message)


def test_a_limit_of_the_database_is_not_waited_for(engine: Engine) -> None:
    def exceed(_: object) -> None:
        raise OperationalError("INSERT", {}, psycopg.errors.ProgramLimitExceeded("index row size 3256 exceeds 2704"))

    task_id = engine.submit(SWEEP)
    for _ in range(3):
        assert engine.runtime(OneStep(exceed)).run_one(Queue.MAINTENANCE)
        _let_backoff_pass(engine)
    assert (engine.task(task_id).state, engine.task(task_id).error_code) == (TaskState.FAILED, "internal")


def _let_backoff_pass(engine: Engine) -> None:
    with engine.platform.unit_of_work() as uow:
        uow.execute("UPDATE task_part SET ready_at = now() - interval '1 s' WHERE state = 'READY'")
        uow.commit()


def test_parts_are_counted_once_and_the_finish_sees_all_counts(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    engine.run_all(ManyParts(parts=40, part_size=3))
    task = engine.task(task_id)
    assert (task.state, task.done, task.total, task.result) == (TaskState.SUCCEEDED, 120, 120, {"good": 120})


def test_an_empty_plan_succeeds(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    engine.run_all(ManyParts(parts=0))
    assert (engine.task(task_id).state, engine.task(task_id).total) == (TaskState.SUCCEEDED, 0)


def test_only_a_window_of_parts_is_in_flight(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    runtime = engine.runtime(ManyParts(parts=50))
    runtime.run_one(Queue.BULK)
    while runtime.run_one(Queue.HASH):
        states = [part.state for part in engine.parts(task_id) if part.role == "WORK"]
        assert states.count("READY") + states.count("RUNNING") <= SCAN_POOL.window
    runtime.run_one(Queue.BULK)
    assert engine.task(task_id).state == TaskState.SUCCEEDED


def test_the_window_holds_however_the_database_joins(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    with engine.platform.unit_of_work() as uow:
        for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "indexscan", "bitmapscan"):
            uow.execute(f"SET LOCAL enable_{way} = off")
        task = lock_task(uow, task_id)
        add_work(uow, task, [NewPart([]) for _ in range(50)])
        states = uow.fetch("SELECT state FROM task_part WHERE task_id = %(id)s AND role = 'WORK'", id=task_id)
        assert states.count(("READY",)) == SCAN_POOL.window


def test_a_higher_priority_goes_first_even_when_submitted_last(engine: Engine) -> None:
    order: list[str] = []
    handler = OneStep(lambda step: order.append(str(step.task_id)))
    low, high = engine.submit(SWEEP, Priority.LOW), engine.submit(SWEEP, Priority.CRITICAL)
    engine.run_all(handler)
    assert order == [str(high), str(low)]


def test_a_raised_priority_moves_queued_work_forward(engine: Engine) -> None:
    order: list[str] = []
    first, second = engine.submit(SWEEP), engine.submit(SWEEP)
    with engine.platform.unit_of_work() as uow:
        tasks.update(uow, engine.actor, second, priority=Priority.HIGH)
        uow.commit()
    engine.run_all(OneStep(lambda step: order.append(str(step.task_id))))
    assert order == [str(second), str(first)]


def test_tasks_of_one_queue_take_turns(engine: Engine) -> None:
    """A task that comes while a large one runs gets its first part done within one window."""
    large, small = engine.submit(SCAN_POOL), engine.submit(SCAN_POOL)
    order: list[str] = []
    handler = ManyParts(parts=60, part_size=1, act=lambda step, _: order.append(str(step.task_id)))
    runtime = engine.runtime(handler)
    while runtime.run_one(Queue.BULK):
        pass
    while runtime.run_one(Queue.HASH):
        pass
    assert order.index(str(small)) <= SCAN_POOL.window
    assert order.index(str(large)) <= SCAN_POOL.window


def test_a_plan_gives_way_after_its_slice_and_goes_on_from_its_cursor(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "SLICE_SECONDS", 0)
    task_id = engine.submit(SCAN_POOL)
    handler = ManyParts(parts=6)
    engine.run_all(handler)
    assert handler.planned == [0, 1, 2, 3, 4, 5]
    assert engine.parts(task_id)[0].attempt == 7
    assert (engine.task(task_id).state, engine.task(task_id).done) == (TaskState.SUCCEEDED, 12)


def test_failed_items_make_the_task_partial_and_can_be_retried_alone(engine: Engine) -> None:
    def odd_is_bad(_: object, number: int) -> None:
        if number % 2:
            raise ValueError("odd")

    task_id = engine.submit(SCAN_POOL)
    engine.run_all(ManyParts(parts=4, act=odd_is_bad))
    task = engine.task(task_id)
    assert (task.state, task.done, task.failed, task.total) == (TaskState.PARTIAL, 4, 4, 8)
    _retry(engine, task_id, only_failed=True)
    again = ManyParts()
    engine.run_all(again)
    task = engine.task(task_id)
    assert sorted(again.worked) == [1, 3, 5, 7]
    assert (task.state, task.done, task.failed, task.total) == (TaskState.SUCCEEDED, 8, 0, 8)


def test_a_retry_of_all_begins_anew(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    engine.run_all(ManyParts(parts=3))
    _retry(engine, task_id, only_failed=False)
    engine.run_all(ManyParts(parts=5))
    task = engine.task(task_id)
    assert (task.state, task.done, task.total, task.result) == (TaskState.SUCCEEDED, 10, 10, {"good": 10})


def _retry(engine: Engine, task_id: object, *, only_failed: bool) -> None:
    with engine.platform.unit_of_work() as uow:
        tasks.retry(uow, engine.actor, task_id, only_failed=only_failed)  # type: ignore[arg-type]
        uow.commit()


def test_a_task_without_failures_has_nothing_to_retry(engine: Engine) -> None:
    task_id = engine.submit(SWEEP)
    with pytest.raises(Conflict, match="has not ended"):
        _retry(engine, task_id, only_failed=True)
    engine.run_all(OneStep())
    with pytest.raises(Conflict, match="no failed items"):
        _retry(engine, task_id, only_failed=True)


def _cancel(engine: Engine, task_id: object) -> None:
    with engine.platform.unit_of_work() as uow:
        tasks.cancel(uow, engine.actor, task_id)  # type: ignore[arg-type]
        uow.commit()


def test_a_waiting_task_is_cancelled_at_once(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    _cancel(engine, task_id)
    assert engine.task(task_id).state == TaskState.CANCELLED
    handler = ManyParts()
    engine.run_all(handler)
    assert handler.planned == []
    with pytest.raises(Conflict, match="has ended"):
        _cancel(engine, task_id)


def test_a_running_task_stops_between_items_and_still_reaches_100_percent(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)

    def cancel_at_five(step: object, number: int) -> None:
        if number == 5:
            _cancel(engine, task_id)
            step.cancelled.set()  # type: ignore[attr-defined]  # what the heartbeat does within two seconds

    handler = ManyParts(parts=20, act=cancel_at_five)
    engine.run_all(handler)
    task = engine.task(task_id)
    assert task.state == TaskState.CANCELLED
    assert task.total == task.done + task.failed + task.skipped == 40
    assert len(handler.worked) <= 6


def test_a_plan_stops_when_its_task_is_cancelled(engine: Engine) -> None:
    task_id = engine.submit(SCAN_POOL)
    handler = ManyParts(parts=3)
    real_plan = handler.plan

    def plan(step: object) -> object:
        for planned in real_plan(step):  # type: ignore[arg-type]
            yield planned
            _cancel(engine, task_id) if engine.task(task_id).state == TaskState.RUNNING else None

    handler.plan = plan  # type: ignore[method-assign,assignment]
    engine.run_all(handler)
    assert engine.task(task_id).state == TaskState.CANCELLED
    assert handler.planned == [0, 1]
    assert handler.worked == []
