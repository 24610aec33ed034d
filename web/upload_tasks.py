"""From a file that a request carries to the task that deals with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from models.entities import Task
from models.messages import TaskKind
from models.payloads import StagedPayload
from models.permissions import Actor
from models.services import tasks
from models.unit_of_work import UnitOfWork
from web.blueprints import query
from web.offload import in_thread
from web.state import platform
from web.uploads import Received, receive_file

FILENAME = query("filename", "string", "Name of the file, if the body is not a form and has no Content-Disposition")


def receive_upload(most_bytes: int | None = None) -> Received:
    """Stage the file that the request at hand carries; raises as `receive_file`."""
    largest = platform().settings.storage_max_upload_size
    return receive_file(platform().blobs, min(most_bytes or largest, largest))


@contextmanager
def discarded_on_error(received: Received) -> Iterator[None]:
    """Let nothing stay staged that no task will deal with."""
    try:
        yield
    except BaseException:
        in_thread(platform().blobs.delete, received.staging_key)
        raise


def submit_upload(
    uow: UnitOfWork, actor: Actor, received: Received, kind: TaskKind, payload: StagedPayload, subject_id: UUID | None,
    title: str = "",
) -> Task:  # fmt: skip
    """Ask for a staged file to be dealt with, and commit that."""
    task = tasks.submit(
        uow,
        kind,
        payload,
        space_id=actor.space_id,
        title=title or f"Store {received.filename}",
        max_attempts=platform().settings.task_max_attempts,
        actor=actor,
        subject_id=subject_id,
    )
    task.bytes_total = received.size
    uow.commit()
    return task
