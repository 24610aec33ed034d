"""What a task kind is made of: the two shapes of handler, and the step that they work in.

A handler keeps computing apart from committing. `compute` may take long and holds no transaction; `apply` is short
and runs in the transaction that also marks the part done. So a part that is delivered twice, or whose worker dies
anywhere, has its effects exactly once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from models.errors import LeaseLost, LoomError, TaskCancelled
from models.messages import TaskKind
from models.payloads import Payload
from models.services.task_parts import NewPart, Outcome
from models.services.work import Claim, count, note_progress, set_total
from models.unit_of_work import UnitOfWork
from models.wiring import Platform

_REPORT_SECONDS = 1.0

P = TypeVar("P", bound=Payload)
V = TypeVar("V")


class Interrupted(LoomError):
    """This process is stopping, or hands back what it has; somebody goes on later."""

    code = "interrupted"
    turns = 0
    """Of the queue, that others have before it is gone on with."""


class TurnOver(Interrupted):
    """A plan has run for as long as it may at once, which is as long as many parts of others take."""

    turns = 16


@dataclass
class Step(Generic[P]):
    """One claimed step of a task, as its handler sees it."""

    platform: Platform
    claim: Claim
    kind: TaskKind
    payload: P
    space_id: UUID
    creator_id: UUID | None
    cursor: dict[str, Any] | None
    """Where an earlier slice of the plan stopped; None at the beginning."""
    counts: dict[str, int]
    """The task's own counters as of the claim."""
    lost: Event = field(default_factory=Event)
    cancelled: Event = field(default_factory=Event)
    stopping: Event = field(default_factory=Event)
    _reported: float = 0.0

    @property
    def task_id(self) -> UUID:
        """The task that this step belongs to."""
        return self.claim.task_id

    def check(self) -> None:
        """Stop here if there is a reason to: call it between items.

        Raises:
            TaskCancelled: when somebody cancelled the task.
            LeaseLost: when this worker was given up; nothing that it still does can be kept.
            Interrupted: when the process is to stop.
        """
        if self.lost.is_set():
            raise LeaseLost
        if self.stopping.is_set():
            raise Interrupted
        if self.cancelled.is_set():
            raise TaskCancelled

    def set_total(self, items: int) -> None:
        """Say how many items a single-step task has; its outcome must count as many."""
        with self.platform.unit_of_work() as uow:
            set_total(uow, self.claim, items)
            uow.commit()

    def count(self, uow: UnitOfWork, name: str, number: int) -> int:
        """Raise one of the task's own counters together with what `uow` commits; gives its new value.

        Raises:
            LeaseLost: when this worker was given up.
        """
        return count(uow, self.claim, name, number)

    def report(self, *, items: int = 0, size_bytes: int = 0) -> None:
        """Show how much of this step is done, at most once a second; counted for good by the outcome."""
        now = time.monotonic()
        if now - self._reported < _REPORT_SECONDS:
            return
        self._reported = now
        with self.platform.unit_of_work() as uow:
            note_progress(uow, self.claim, items, size_bytes)
            uow.commit()


@dataclass(frozen=True)
class Planned:
    """Some of a plan: parts to add, what needed no part, and where to go on after an interruption.

    Parts that are held wait until the whole plan is made; if that fails, they have never begun.
    """

    parts: Sequence[NewPart]
    outcome: Outcome
    cursor: dict[str, Any]
    is_held: bool = False


class SingleStep(Protocol[P, V]):
    """A task that is done in one go."""

    kind: TaskKind

    def compute(self, step: Step[P], /) -> V:
        """Do the heavy part. No transaction is open; reading through `step.platform` is fine."""

    def apply(self, uow: UnitOfWork, step: Step[P], value: V, /) -> Outcome:
        """Write the effects."""

    def clean_up(self, step: Step[P], value: V, /) -> None:
        """Remove what is not needed once the effects are committed; may never happen if the worker dies."""


class Parted(Protocol[P, V]):
    """A task that is cut into parts, which run on many workers."""

    kind: TaskKind

    def plan(self, step: Step[P], /) -> Iterator[Planned]:
        """Yield parts from `step.cursor` on. Each is committed before the next is asked for."""

    def compute(self, step: Step[P], items: list[dict[str, Any]], /) -> V:
        """Do the heavy part of one part."""

    def apply(self, uow: UnitOfWork, step: Step[P], value: V, /) -> Outcome:
        """Write the effects of one part."""

    def finish(self, uow: UnitOfWork, step: Step[P], /) -> dict[str, Any]:
        """Close the task when all parts have ended; gives its result."""


Handler = SingleStep[Any, Any] | Parted[Any, Any]
