"""Small handlers for tests of the task engine. They stand in for the real ones of two kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from models.entities import Task
from models.ids import new_id
from models.messages import SCAN_POOL, SWEEP, Priority, Queue, TaskKind
from models.payloads import Payload, ScanPool, Sweep
from models.permissions import Actor
from models.services import tasks
from models.services.task_items import ItemOutcome
from models.services.task_parts import NewPart, Outcome
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from workers.handling import Handler, Planned, Step
from workers.runtime import Runtime


@dataclass
class OneStep:
    """A `maintenance.sweep` that calls a function."""

    act: Callable[[Step[Any]], object] = lambda _: None
    kind: TaskKind = SWEEP

    def compute(self, step: Step[Any]) -> object:
        return self.act(step)

    def apply(self, uow: UnitOfWork, step: Step[Any], value: object) -> Outcome:
        return Outcome(done=1, result={"value": value})

    def clean_up(self, step: Step[Any], value: object) -> None:
        pass


@dataclass
class ManyParts:
    """A `pools.scan` over numbers, cut into parts; `act` is called for each number and may raise ValueError."""

    parts: int = 10
    part_size: int = 2
    act: Callable[[Step[Any], int], object] = lambda _step, _number: None
    kind: TaskKind = SCAN_POOL
    planned: list[int] = field(default_factory=list)
    worked: list[int] = field(default_factory=list)

    def plan(self, step: Step[Any]) -> Iterator[Planned]:
        for part in range(step.cursor["next"] if step.cursor else 0, self.parts):
            self.planned.append(part)
            first = part * self.part_size
            items = [{"index": first + offset} for offset in range(self.part_size)]
            yield Planned([NewPart(items)], Outcome(), {"next": part + 1})

    def compute(self, step: Step[Any], items: list[dict[str, Any]]) -> list[ItemOutcome]:
        problems = []
        for item in items:
            step.check()
            try:
                self.act(step, item["index"])
            except ValueError as error:
                problems.append(ItemOutcome(item["index"], "number", "FAILED", "bad", str(error), input=item))
            self.worked.append(item["index"])
        self.size = len(items)
        return problems

    def apply(self, uow: UnitOfWork, step: Step[Any], problems: list[ItemOutcome]) -> Outcome:
        done = self.size - len(problems)
        return Outcome(done=done, failed=len(problems), items=problems, counts={"good": done})

    def finish(self, uow: UnitOfWork, step: Step[Any]) -> dict[str, Any]:
        return dict(step.counts)


@dataclass
class Engine:
    """The task engine of one test, without broker and threads."""

    platform: Platform
    actor: Actor

    def submit(self, kind: TaskKind, priority: Priority = Priority.MEDIUM) -> UUID:
        payload: Payload = ScanPool(pool_uuid=new_id()) if kind is SCAN_POOL else Sweep()
        with self.platform.unit_of_work() as uow:
            task = tasks.submit(
                uow, kind, payload, space_id=self.actor.space_id, title="test", max_attempts=3, actor=self.actor,
                priority=priority,
            )  # fmt: skip
            uow.commit()
        return task.id

    def runtime(self, *handlers: Handler) -> Runtime:
        return Runtime(self.platform, tuple(Queue), handlers)

    def run_all(self, *handlers: Handler) -> None:
        """Run until nothing is runnable any more."""
        runtime = self.runtime(*handlers)
        while sum(runtime.run_one(queue) for queue in Queue):
            pass

    def task(self, task_id: UUID) -> Task:
        with self.platform.unit_of_work() as uow:
            return tasks.get_task(uow, self.actor, task_id)

    def parts(self, task_id: UUID) -> Sequence[Any]:
        with self.platform.unit_of_work() as uow:
            return uow.execute(
                "SELECT state, role, deaths, attempt FROM task_part WHERE task_id = :id ORDER BY seq", id=task_id
            ).all()

    def expire_leases(self) -> None:
        """Let time pass for every worker that does not renew."""
        with self.platform.unit_of_work() as uow:
            uow.execute("UPDATE task_part SET lease_expires = now() - interval '1 s' WHERE state = 'RUNNING'")
            uow.commit()
