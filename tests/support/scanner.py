"""A pool on a real folder, and what its scans make of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.entities import Pool, Task, TaskState
from models.ids import new_id
from models.messages import SCAN_POOL
from models.paths import encode_path
from models.payloads import ScanPool
from models.permissions import Actor
from models.services import tasks
from models.services.task_items import list_items
from models.wiring import Platform
from tests.support.platforms import execute
from workers.inline import run_all


@dataclass
class Scanner:
    """A pool on a real folder and what its scans make of it."""

    platform: Platform
    actor: Actor
    root: Path
    pool_id: Any

    def start(self, **options: Any) -> Any:
        with self.platform.unit_of_work() as uow:
            task = tasks.submit(
                uow, SCAN_POOL, ScanPool(pool_uuid=self.pool_id, **options), space_id=self.actor.space_id, title="scan",
                max_attempts=3, actor=self.actor, subject_id=self.pool_id,
            )  # fmt: skip
            uow.commit()
        return task.id

    def scan(self, **options: Any) -> Task:
        task_id = self.start(**options)
        run_all(self.platform)
        return self.task(task_id)

    def task(self, task_id: Any) -> Task:
        with self.platform.unit_of_work() as uow:
            return tasks.get_task(uow, self.actor, task_id)

    def counts(self, **options: Any) -> dict[str, int]:
        task = self.scan(**options)
        assert task.state == TaskState.SUCCEEDED, (task.error_message, task.failed)
        return {name: count for name, count in (task.result or {}).items() if count and name != "bytesHashed"}

    def catalogue(self, state: str = "PRESENT") -> dict[bytes, str]:
        with self.platform.unit_of_work() as uow:
            rows: Any = uow.execute(
                """SELECT path, encode(sha512, 'hex') FROM location JOIN asset ON asset.id = asset_id
                   WHERE pool_id = :pool AND state = :state""",
                pool=self.pool_id,
                state=state,
            ).all()
        return {bytes(row[0]): row[1] for row in rows}

    def assets(self) -> dict[str, Any]:
        with self.platform.unit_of_work() as uow:
            rows: Any = uow.execute("SELECT encode(sha512, 'hex'), id FROM asset").all()
        return dict(map(tuple, rows))

    def items(self, task: Task) -> list[Any]:
        with self.platform.unit_of_work() as uow:
            return list(list_items(uow, task.id, None, -1, 100))

    def folder(self) -> dict[bytes, str]:
        root = os.fsencode(self.root)
        return {
            os.path.relpath(os.path.join(place, name), root): hashlib.sha512(
                Path(os.fsdecode(os.path.join(place, name))).read_bytes()
            ).hexdigest()
            for place, _, names in os.walk(root)
            for name in names
        }

    def execute(self, statement: str) -> None:
        """Change rows by SQL."""
        execute(self.platform, statement)

    def write(self, name: str | bytes, content: bytes) -> None:
        place = os.path.join(os.fsencode(self.root), os.fsencode(name))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as stream:
            stream.write(content)


def make_scanner(platform: Platform, actor: Actor, root: Path) -> Scanner:
    root.mkdir()
    pool = Pool(id=new_id(), space_id=actor.space_id, name=root.name, fs_path=encode_path(os.fsencode(root)))
    with platform.unit_of_work() as uow:
        uow.session.add(pool)
        uow.commit()
    return Scanner(platform, actor, root, pool.id)
