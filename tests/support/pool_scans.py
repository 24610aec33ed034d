"""Scanning pools in the test's own thread, with a death wherever it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from models.entities import Task
from models.messages import SCAN_POOL, Queue
from models.payloads import ScanPool
from models.permissions import Actor
from models.services import reaping, tasks
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from tests.support.platforms import execute, rows
from workers.runtime import Runtime

_EXPIRE = "UPDATE task_part SET lease_expires = now() - interval '1 s' WHERE state = 'RUNNING'"


class Killed(BaseException):
    """Like a process, a thread that is hit by this does nothing more about anything."""


class Place(NamedTuple):
    """A location as the catalogue has it."""

    id: UUID
    asset_id: UUID
    sha512: str
    state: str


@contextmanager
def deadly(commit: int, *, is_lost: bool) -> Iterator[None]:
    """Kill whoever commits for the so-manieth time, with what was to become true, or after it has."""
    left, real = commit, UnitOfWork.commit

    def counted(uow: UnitOfWork) -> None:
        nonlocal left
        left -= 1
        if left == 0 and is_lost:
            raise Killed
        real(uow)
        if left == 0:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UnitOfWork, "commit", counted)
        yield


@dataclass
class Scans:
    """Scans of the pools of one space."""

    platform: Platform
    actor: Actor
    runtime: Runtime

    def start(self, pool_id: UUID, **options: Any) -> UUID:
        """Ask for a scan."""
        with self.platform.unit_of_work() as uow:
            task = tasks.submit(
                uow, SCAN_POOL, ScanPool(pool_uuid=pool_id, **options), space_id=self.actor.space_id, title="scan",
                max_attempts=3, actor=self.actor, subject_id=pool_id,
            )  # fmt: skip
            uow.commit()
        return task.id

    def run(self, meanwhile: Callable[[int], None] = lambda _step: None) -> None:
        """Work until nothing is left to do; what happens meanwhile is told which step comes next."""
        for step in count():
            meanwhile(step)
            if not (self.runtime.run_one(Queue.BULK) or self.runtime.run_one(Queue.HASH)):
                return

    def run_killed(self, commit: int, *, is_lost: bool) -> None:
        """Work until that commit, die, and let another find what is left."""
        try:
            with deadly(commit, is_lost=is_lost):
                self.run()
        except Killed:
            execute(
                self.platform, "UPDATE task_part SET lease_expires = now() - interval '1 s' WHERE state = 'RUNNING'"
            )
            with self.platform.unit_of_work() as uow:
                reaping.reap(uow, lease_seconds=0)
                uow.commit()
        self.run()

    def task(self, task_id: UUID) -> Task:
        """Read a task."""
        with self.platform.unit_of_work() as uow:
            return tasks.get_task(uow, self.actor, task_id)

    def places(self, pool_id: UUID) -> dict[bytes, Place]:
        """Give what the catalogue has of a pool, by path."""
        found: Any = rows(
            self.platform,
            """SELECT path, location.id, asset_id, encode(sha512, 'hex'), state
               FROM location JOIN asset ON asset.id = asset_id WHERE pool_id = %(pool)s""",
            pool=pool_id,
        )
        return {bytes(row[0]): Place(*row[1:]) for row in found}
