"""Every task kind, delivered twice and interrupted at the worst moment: the same result as undisturbed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from models.entities import Task, TaskState
from models.messages import KINDS, Queue, TaskKind
from models.permissions import Actor
from models.services import work
from models.storage import blob_key
from models.wiring import Platform
from tests.support.each_kind import CONTENT, SHA512, World
from tests.support.web_servers import fetching_from_here, send, web_server
from workers.handlers import HANDLERS
from workers.inline import run_all
from workers.runtime import Runtime


@pytest.fixture
def world(platform: Platform, actor: Actor, tmp_path: Path) -> Iterator[World]:
    root = tmp_path / "media"
    root.mkdir()
    with web_server(lambda handler: send(handler, CONTENT)) as url:
        yield World(fetching_from_here(platform), actor, root, url)


def _outcome(task: Task) -> tuple[Any, ...]:
    result = {name: value for name, value in (task.result or {}).items() if name not in {"assetUuid", "attachmentUuid"}}
    return task.state, task.done, task.failed, task.skipped, task.total, result


def _undisturbed(world: World, kind: TaskKind) -> tuple[dict[str, Any], tuple[Any, ...]]:
    task_id = world.submit(kind, *world.set_up(kind))
    run_all(world.platform)
    return world.state(), _outcome(world.task(task_id))


@pytest.fixture(params=KINDS.values(), ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> TaskKind:
    kind: TaskKind = request.param
    return kind


@pytest.fixture
def expected(kind: TaskKind, world: World) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """What an undisturbed run leaves."""
    found = _undisturbed(world, kind)
    assert found[1][0] in {TaskState.SUCCEEDED, TaskState.PARTIAL}
    return found


def _begin_anew(world: World) -> None:
    """Put everything back."""
    world.platform.blobs.delete(blob_key(SHA512))
    shutil.rmtree(world.root / "duplicates", ignore_errors=True)
    with world.platform.unit_of_work() as uow:
        for table in ("dedup_group", "cluster", "location", "asset", "pool", "event", "task", "blob", "tag"):
            uow.execute(f"DELETE FROM {table}")
        uow.commit()


def test_the_worst_moments_leave_no_trace(
    world: World, kind: TaskKind, expected: tuple[dict[str, Any], tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delivered to three threads at the same time; then, each part loses its transaction once, around the commit."""
    _begin_anew(world)
    task_id = world.submit(kind, *world.set_up(kind))
    _deliver_to_many(world)
    assert (world.state(), _outcome(world.task(task_id))) == expected, "delivered to many"
    for moment in ("before", "after"):
        _begin_anew(world)
        task_id = world.submit(kind, *world.set_up(kind))
        with monkeypatch.context() as patch:
            interrupted = _interrupt(patch, moment)
            _run_to_the_end(world, task_id)
        assert (world.state(), _outcome(world.task(task_id))) == expected, moment
        assert interrupted


def _deliver_to_many(world: World) -> None:
    runtime = Runtime(world.platform, tuple(Queue), HANDLERS)

    def deliver() -> None:
        for _ in range(8):
            for queue in Queue:
                runtime.work(queue)

    threads = [Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_all(world.platform)


def _interrupt(patch: pytest.MonkeyPatch, moment: str) -> set[UUID]:
    """Let each part compute, write, and lose its transaction once; gives those to which it has happened."""
    real_settle, interrupted = work.settle, set[UUID]()

    def settle(uow: Any, claimed: work.Claim, outcome: Any) -> None:
        if moment == "after":
            real_settle(uow, claimed, outcome)
        if claimed.part_id not in interrupted:
            interrupted.add(claimed.part_id)
            raise OperationalError("the connection was lost", None, Exception())
        if moment == "before":
            real_settle(uow, claimed, outcome)

    patch.setattr(work, "settle", settle)
    return interrupted


def _run_to_the_end(world: World, task_id: UUID) -> None:
    while not world.task(task_id).state.is_final:
        run_all(world.platform)
        with world.platform.unit_of_work() as uow:
            uow.execute("UPDATE task_part SET ready_at = now() - interval '1 s' WHERE state = 'READY'")
            uow.commit()
    run_all(world.platform)
