"""From a claim to a settled part: the one place where tasks are run, and where their errors become outcomes."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.entities import Task
from models.entities.task import PartRole
from models.errors import LeaseLost, LoomError, TaskCancelled, Transient, Unavailable
from models.ids import new_id
from models.logs import get_logger
from models.messages import Queue, TaskKind
from models.services import work
from models.services.task_parts import Outcome
from models.services.work import Claim
from models.tracing import set_trace, spanning
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from workers.announcer import Announcer
from workers.control import Control
from workers.deliverer import Deliverer
from workers.diagnosing import diagnosing
from workers.handling import Handler, Interrupted, Step, TurnOver
from workers.leases import Held, Leases

TURN_SECONDS = 0.5
"""How long one wake-up keeps a thread, times the weight of its queue: then other queues of the process have theirs."""
SLICE_SECONDS = 5.0
"""How long a plan runs before it goes behind the other work of its queue."""
_UNEXPECTED = "Unexpected error; the log of the workers has the details"
_LONGEST_BACKOFF_SECONDS = 60
_ENGINE_RETRY_SECONDS = 1.0
_ENGINE_TROUBLE = (OperationalError, InterfaceError, PoolTimeout, Unavailable)

logger = get_logger(__name__)


def _is_limit(error: Exception) -> bool:
    """Whether a limit of PostgreSQL was hit. That is no trouble of the engine, and would be hit for ever."""
    return isinstance(getattr(error, "orig", error), psycopg.errors.ProgramLimitExceeded)


class Runtime:
    """Runs claimed parts in this process. Safe to use from many threads."""

    def __init__(self, platform: Platform, queues: Sequence[str], handlers: Sequence[Handler]) -> None:
        self.platform = platform
        self.queues = queues
        self.control = Control()
        self.stopping = self.control.stopping
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{str(new_id())[-6:]}"
        self.leases = Leases(platform, self.owner, queues, self.control)
        self._deliverer = Deliverer(platform, self.control.handing_back)
        self.leases.renew_also(self._deliverer)
        self._announcer = Announcer(platform, self.stopping)
        self._weights = platform.settings.queue_weights
        self._handlers = {handler.kind.name: handler for handler in handlers}

    def start(self) -> None:
        """Begin what goes on beside the work: the heartbeat, and for webhooks a look at what happens."""
        self.leases.start()
        if Queue.WEBHOOKS in self.queues:
            self._announcer.start()

    def stop(self) -> None:
        """All threads of work have ended: end the rest."""
        self._announcer.stop()
        self.leases.stop()

    def work(self, queue: str) -> None:
        """Answer a wake-up: run what the queue holds, for one turn."""
        deadline = time.monotonic() + TURN_SECONDS * self._weights.get(queue.partition(".")[0], 1)
        while not self.stopping.is_set():
            if not self.run_one(queue):
                return
            if time.monotonic() > deadline:
                self.platform.bus.wake(queue)
                return

    def run_one(self, queue: str) -> bool:
        """Claim and run the next part of a queue, or send to a webhook; False when there is nothing to do."""
        if self.control.is_paused:
            return False
        with self.platform.unit_of_work() as uow:
            claimed = work.claim(uow, queue, self.owner, self.platform.settings.task_lease_seconds)
            uow.commit()
        if claimed is None:
            return queue == Queue.WEBHOOKS and self._deliver()
        with self.leases.hold(claimed.part_id) as held:
            try:
                self._run(claimed, held)
            finally:
                set_trace(None)
        return True

    def _deliver(self) -> bool:
        """Send to a webhook; what cannot be written now is due again when its lease ends."""
        try:
            return self._deliverer.run_one()
        except _ENGINE_TROUBLE as error:
            logger.warning("deliveries wait: the database is away", reason=type(error).__name__)
            self.stopping.wait(_ENGINE_RETRY_SECONDS)
            return False

    def _run(self, claimed: Claim, held: Held) -> None:
        try:
            self._execute(claimed, held)
        except LeaseLost:
            logger.warning("lost a lease; the work goes on elsewhere", task=str(claimed.task_id))
        except Interrupted as interruption:
            turns = interruption.turns
            self._until_written(claimed, lambda uow: work.hand_back(uow, claimed, turns=turns))
        except TaskCancelled:
            self._until_written(claimed, lambda uow: work.cancel_part(uow, claimed))
        except LoomError as error:
            code, message = error.code, error.message
            if isinstance(error, Unavailable):
                self._until_written(claimed, lambda uow: work.hand_back(uow, claimed, delay_seconds=1))
            elif isinstance(error, Transient):
                self._until_written(claimed, lambda uow: self._after_error(uow, claimed, code, message))
            else:
                self._until_written(claimed, lambda uow: work.give_up(uow, claimed, code, message))
        except _ENGINE_TROUBLE as error:
            if _is_limit(error):
                logger.exception("more than PostgreSQL can hold", task=str(claimed.task_id))
                self._until_written(claimed, lambda uow: self._after_error(uow, claimed))
                return
            logger.warning("an engine failed; trying again", task=str(claimed.task_id), reason=type(error).__name__)
            self._until_written(claimed, lambda uow: work.hand_back(uow, claimed, delay_seconds=1))
        except Exception:
            logger.exception("unexpected error", task=str(claimed.task_id))
            self._until_written(claimed, lambda uow: self._after_error(uow, claimed))

    def _after_error(
        self, uow: UnitOfWork, claimed: Claim, code: str = "internal", message: str = _UNEXPECTED
    ) -> None:  # fmt: skip
        """Try again later, or give up."""
        if claimed.errors + 1 < self.platform.settings.task_max_attempts:
            delay = min(2**claimed.errors, _LONGEST_BACKOFF_SECONDS)
            work.hand_back(uow, claimed, delay_seconds=delay, is_error=True)
        else:
            work.give_up(uow, claimed, code, message)

    def _until_written(self, claimed: Claim, write: Callable[[UnitOfWork], None]) -> None:
        """Write an ending, however long the database is away; a lost lease ends the attempt."""
        while True:
            try:
                with self.platform.unit_of_work() as uow:
                    write(uow)
                    uow.commit()
            except LeaseLost:
                return
            except (DBAPIError, PoolTimeout):
                if self.stopping.is_set():
                    return
                logger.warning("the database is away", task=str(claimed.task_id))
                time.sleep(_ENGINE_RETRY_SECONDS)
            else:
                return

    def _execute(self, claimed: Claim, held: Held) -> None:
        with self.platform.unit_of_work() as uow:
            task, kind = work.begin(uow, claimed)
            set_trace(task.trace_id)
            uow.commit()
        told = {"loom.task": str(claimed.task_id), "loom.part": str(claimed.part_id), "loom.role": str(claimed.role)}
        with spanning(kind.name, "CONSUMER", **told), diagnosing(self.platform, claimed, task.diagnostics):
            self._run_step(claimed, held, task, kind)

    def _run_step(self, claimed: Claim, held: Held, task: Task, kind: TaskKind) -> None:
        held.deadline = time.monotonic() + kind.time_limit_seconds
        step: Step[Any] = Step(
            self.platform, claimed, kind, kind.payload.model_validate(task.payload), task.space_id, task.creator_id,
            task.cursor, task.counts, lost=held.lost, cancelled=held.cancelled, stopping=self.control.handing_back,
        )  # fmt: skip
        handler: Any = self._handlers[kind.name]
        if kind.part_queue is None:
            self._run_single(handler, step)
        elif claimed.role is PartRole.MAIN:
            self._run_plan(handler, step)
        elif claimed.role is PartRole.WORK:
            value = handler.compute(step, claimed.payload["items"])
            self._settle(step, lambda uow: handler.apply(uow, step, value))
        else:
            self._settle(step, lambda uow: Outcome(result=handler.finish(uow, step)))

    def _run_single(self, handler: Any, step: Step[Any]) -> None:
        value = handler.compute(step)
        self._settle(step, lambda uow: handler.apply(uow, step, value))
        handler.clean_up(step, value)

    def _run_plan(self, handler: Any, step: Step[Any]) -> None:
        slice_end = time.monotonic() + SLICE_SECONDS
        for planned in handler.plan(step):
            with self.platform.unit_of_work() as uow:
                work.extend(uow, step.claim, planned.parts, planned.outcome, planned.cursor, is_held=planned.is_held)
                uow.commit()
            step.check()
            if time.monotonic() > slice_end:
                raise TurnOver
        self._settle(step, lambda _: Outcome())

    def _settle(self, step: Step[Any], apply: Callable[[UnitOfWork], Outcome]) -> None:
        with self.platform.unit_of_work() as uow:
            work.settle(uow, step.claim, apply(uow))
            uow.commit()
