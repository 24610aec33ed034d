"""Diagnostics of tasks: files that tell how their first parts ran, for operators who ask for them with the task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from models.entities import TaskDiagnostic
from models.errors import InvalidInput, NotFound
from models.ids import printable
from models.permissions import Actor, Permission
from models.unit_of_work import UnitOfWork, as_rows

KINDS = ("profile", "memory")
MOST_PARTS = 16
"""So many parts of a task are looked at, the first ones: a scan may have thousands that are alike."""
_wanted: ContextVar[tuple[str, ...]] = ContextVar("diagnostics", default=())


class NewFile(NamedTuple):
    """Something that was found out."""

    name: str
    mime_type: str
    content: str


def want(kinds: Iterable[str]) -> None:
    """Ask for diagnostics of all tasks that the request at hand submits, in place of what was asked before.

    Raises:
        InvalidInput: for what cannot be found out.
    """
    asked = tuple(dict.fromkeys(kinds))
    if unknown := [kind for kind in asked if kind not in KINDS]:
        raise InvalidInput(f"X-Task-Diagnostics: '{printable(unknown[0])}' is not one of {', '.join(KINDS)}")
    _wanted.set(asked)


def wanted_of(actor: Actor | None) -> list[str]:
    """Give what is asked for of a task of this actor.

    Raises:
        Forbidden: when they are no operator: profiles tell what Loom is made of.
    """
    asked = _wanted.get() if actor else ()
    if asked and actor:
        actor.require_operator(Permission.UPDATE_TASK)
    return list(asked)


def keep(uow: UnitOfWork, task_id: UUID, files: Sequence[NewFile]) -> None:
    """Keep files for as long as their task; one of the same name is replaced."""
    uow.execute(
        """INSERT INTO task_diagnostic (task_id, name, mime_type, content, size)
           SELECT id, new.name, new.mime_type, convert_to(new.content, 'UTF8'), octet_length(new.content)
           FROM json_to_recordset(CAST(:rows AS json)) AS new (name text, mime_type text, content text), task
           WHERE id = :task
           ON CONFLICT (task_id, name) DO UPDATE SET content = excluded.content, size = excluded.size""",
        task=task_id, rows=as_rows([each._asdict() for each in files]),
    )  # fmt: skip


def list_files(uow: UnitOfWork, task_id: UUID) -> Sequence[TaskDiagnostic]:
    """Give what is known about a task, without the contents."""
    query = select(TaskDiagnostic).where(TaskDiagnostic.task_id == task_id).order_by(TaskDiagnostic.name)
    return uow.session.execute(query).scalars().all()


def get_file(uow: UnitOfWork, task_id: UUID, name: str) -> TaskDiagnostic:
    """Give one file of a task.

    Raises:
        NotFound: when it has none of that name.
    """
    found = uow.session.get(TaskDiagnostic, (task_id, name))
    if found is None:
        raise NotFound("The task has no such file")
    return found
