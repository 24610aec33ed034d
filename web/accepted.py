"""Heavy requests: 202 with the task that does the work, or the finished operation's own answer to those who wait.

A caller who would rather wait sends `Prefer: wait=N` (RFC 7240), at most 60 seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

from flask import Response, request

from models.entities import Task, TaskState
from models.errors import (
    Conflict,
    InvalidInput,
    LoomError,
    NotFound,
    StorageFull,
    TaskFailed,
    TooLarge,
    Unavailable,
    UnsupportedMedia,
)
from models.permissions import Actor
from models.services.assets import HASH_MISMATCH
from models.services.tasks import get_task
from models.services.unwanted import BLACKLISTED
from models.unit_of_work import UnitOfWork
from web.blueprints import PREFIX
from web.state import state
from web.task_bodies import task_answer

LONGEST_WAIT_SECONDS = 60
RETRY_AFTER_SECONDS = 1
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)

_REPEATABLE: tuple[type[LoomError], ...] = (
    Conflict, InvalidInput, NotFound, StorageFull, TooLarge, Unavailable, UnsupportedMedia,
)  # fmt: skip

_CONFLICTS = frozenset({HASH_MISMATCH, BLACKLISTED})
"""Codes of conflicts that have a name of their own."""

Finished = Callable[[UnitOfWork, Actor, Task], Response]
"""Makes the answer of an operation whose task has ended; it decides what an unhappy end means."""


def accepted(uow: UnitOfWork, actor: Actor, task: Task, finished: Finished) -> Response:
    """Answer a request whose task was just committed."""
    seconds = preferred_wait()
    if not seconds:
        return _pending(uow, actor, task)
    answer = _wait(uow, actor, task.id, seconds, finished)
    answer.headers["Preference-Applied"] = f"wait={seconds}"
    return answer


def preferred_wait() -> int:
    """Say how many seconds the caller is willing to wait for the end."""
    match = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(match[1]), LONGEST_WAIT_SECONDS) if match else 0


def _wait(uow: UnitOfWork, actor: Actor, task_id: UUID, seconds: int, finished: Finished) -> Response:
    uow.release()
    has_ended = state().hub.wait_for_task(task_id, seconds)
    task = get_task(uow, actor, task_id)
    return finished(uow, actor, task) if has_ended else _pending(uow, actor, task)


def _pending(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
    answer = task_answer(uow, actor, task, 202)
    answer.headers["Location"] = f"{PREFIX}/tasks/{task.id}"
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def show_task(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
    """Answer with the task however it ended: for operations that have no other outcome."""
    return task_answer(uow, actor, task)


def require_success(task: Task) -> None:
    """Turn an unhappy end of a task into the error that the operation would have answered at once.

    Raises:
        LoomError: of the class that the task's error code belongs to.
    """
    if task.state == TaskState.SUCCEEDED:
        return
    code = task.error_code or str(task.state).lower()
    message = task.error_message or f"The task has ended: {task.state}"
    if code in _CONFLICTS:
        raise Conflict(message, code=code)
    raise next((kind for kind in _REPEATABLE if kind.code == code), TaskFailed)(message, code=code)
