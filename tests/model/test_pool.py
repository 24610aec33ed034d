"""Whatever happens to a folder, between scans and during them, the catalogue becomes what is in it.

`make test` tries five hundred sequences, always the same; `make soak` many more, others every time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from models.entities import Pool, TaskState
from models.ids import new_id
from models.paths import encode_path
from models.permissions import Actor
from models.wiring import Platform
from tests.support.pool_scans import Place, Scans
from tests.support.small_trees import SmallTree
from workers.handlers import HANDLERS
from workers.runtime import Runtime

_STEPS = 10
_PARTS = 5
"""So many tests, which may run beside each other."""
_NAMES = st.sampled_from(["a", "a-", "a.b", "b", "A", "\u00e9", "\udcff"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_CONTENTS = st.integers(0, 5)
_TREES = st.integers(0, 1)
_CHANGES = ("write", "tamper", "move", "swap", "delete", "copy", "link", "point", "touch", "chmod")


class Pools(RuleBasedStateMachine):
    """Two pools of one space."""

    scans: ClassVar[Scans]
    folder: ClassVar[Path]
    numbers: ClassVar[Iterator[int]] = count()

    def __init__(self) -> None:
        super().__init__()
        number = next(self.numbers)
        self.trees = [SmallTree(self.folder / f"{number}-{side}", str(number)) for side in "xy"]
        self.pool_ids = [self._make_pool(tree) for tree in self.trees]
        self.assets: dict[str, UUID] = {}

    def _make_pool(self, tree: SmallTree) -> UUID:
        # It stays: of a folder in which nothing is left, a scan believes nothing without being told.
        tree.write("stays", 0)
        path = encode_path(os.fsencode(tree.root))
        # One of the two believes little.
        rules = {"missingPercent": 30, "missingFiles": 2} if tree.root.name.endswith("y") else {}
        pool = Pool(
            id=new_id(), space_id=self.scans.actor.space_id, name=tree.root.name, fs_path=path, scan_rules=rules
        )
        with self.scans.platform.unit_of_work() as uow:
            uow.session.add(pool)
            uow.commit()
        return pool.id

    @property
    def mounted(self) -> list[int]:
        return [side for side, tree in enumerate(self.trees) if tree.is_mounted]

    @rule(side=_TREES, path=_PATHS, content=_CONTENTS)
    def write(self, side: int, path: str, content: int) -> None:
        self._change(side, "write", path, content)

    @rule(side=_TREES, change=st.sampled_from(["tamper", "delete", "touch", "chmod"]), path=_PATHS)
    def change_one(self, side: int, change: str, path: str) -> None:
        self._change(side, change, path)

    @rule(side=_TREES, change=st.sampled_from(["move", "swap", "copy", "link", "point"]), old=_PATHS, new=_PATHS)
    def change_two(self, side: int, change: str, old: str, new: str) -> None:
        self._change(side, change, old, new)

    @rule(side=_TREES, old=_PATHS, new=_PATHS)
    def move_across(self, side: int, old: str, new: str) -> None:
        if len(self.mounted) == len(self.trees):
            self.trees[side].move(old, new, self.trees[1 - side])

    def _change(self, side: int, change: str, *arguments: Any) -> None:
        if side in self.mounted:
            getattr(self.trees[side], change)(*arguments)

    @rule(side=_TREES, leaves=st.sampled_from(["nothing", "empty", "file", "link"]))
    def unmount(self, side: int, leaves: str) -> None:
        if side in self.mounted:
            self.trees[side].unmount(leaves)

    @precondition(lambda self: len(self.mounted) < len(self.trees))
    @rule()
    def mount(self) -> None:
        for side, tree in enumerate(self.trees):
            if side not in self.mounted:
                tree.mount()

    @rule(side=_TREES)
    def scan(self, side: int) -> None:
        before = self.scans.places(self.pool_ids[side])
        task_id = self.scans.start(self.pool_ids[side])
        self.scans.run()
        self._check(side, task_id, before)

    @rule(side=_TREES, folder=_PATHS)
    def scan_folder(self, side: int, folder: str) -> None:
        """What lies elsewhere is as it was; files that have moved from there to here are here."""
        before, below = self.scans.places(self.pool_ids[side]), os.fsencode(folder) + b"/"
        self.scans.start(self.pool_ids[side], path=encode_path(os.fsencode(folder)))
        self.scans.run()
        here = {place.id for path, place in self.scans.places(self.pool_ids[side]).items() if path.startswith(below)}
        for path, place in before.items():
            if not path.startswith(below) and place.id not in here:
                assert self.scans.places(self.pool_ids[side])[path] == place
        self._note_assets(side)

    @rule(side=_TREES, commit=st.integers(1, 12), is_lost=st.booleans())
    def scan_and_die(self, side: int, commit: int, *, is_lost: bool) -> None:
        known = self.scans.places(self.pool_ids[side])
        task_id = self.scans.start(self.pool_ids[side])
        self.scans.run_killed(commit, is_lost=is_lost)
        self._check(side, task_id, known)

    @rule(side=_TREES, step=st.integers(0, 4), change=st.sampled_from(_CHANGES), old=_PATHS, new=_PATHS,
          content=_CONTENTS)  # fmt: skip
    def scan_while_it_changes(self, side: int, step: int, change: str, old: str, new: str, content: int) -> None:
        arguments = {"write": (old, content), "tamper": (old,), "delete": (old,), "touch": (old,), "chmod": (old,)}
        task_id = self.scans.start(self.pool_ids[side])

        def meanwhile(now: int) -> None:
            if now == step:
                self._change(side, change, *arguments.get(change, (old, new)))

        self.scans.run(meanwhile)
        assert self.scans.task(task_id).state.is_final
        self._note_assets(side)

    def _check(self, side: int, task_id: UUID, before: dict[bytes, Place]) -> None:
        """A scan that nothing disturbed has found all that is there; what is gone may be suspected or missing."""
        task, after = self.scans.task(task_id), self.scans.places(self.pool_ids[side])
        progress = (task.done + task.failed + task.skipped, task.total)
        assert progress[0] == progress[1]
        if task.error_code == "pool-missing-threshold":
            assert after == before
            self._confirm(side)
        elif side in self.mounted:
            self._check_found(side, task.state, after)
        else:
            had_files = any(place.state == "PRESENT" for place in before.values())
            assert after == before
            assert task.state == TaskState.FAILED or (self._looks_empty(side) and not had_files)
        self._note_assets(side)

    def _confirm(self, side: int) -> None:
        task_id = self.scans.start(self.pool_ids[side], confirm_missing=1000)
        self.scans.run()
        self._check_found(side, self.scans.task(task_id).state, self.scans.places(self.pool_ids[side]))

    def _looks_empty(self, side: int) -> bool:
        root = self.trees[side].root
        return root.is_dir() and not root.is_symlink()

    def _check_found(self, side: int, state: TaskState, places: dict[bytes, Place]) -> None:
        assert state == TaskState.SUCCEEDED
        files = self.trees[side].files()
        present = {path: place.sha512 for path, place in places.items() if place.state == "PRESENT"}
        assert {path: present.get(path) for path in files} == files

    def _note_assets(self, side: int) -> None:
        """An asset once known is that of its content for ever."""
        for place in self.scans.places(self.pool_ids[side]).values():
            assert self.assets.setdefault(place.sha512, place.asset_id) == place.asset_id

    def teardown(self) -> None:
        """At rest, after two scans, the catalogue is what is in the folders."""
        self.mount()
        for side, pool_id in enumerate(self.pool_ids):
            for _ in range(2):
                self.scan(side)
            places = self.scans.places(pool_id)
            present = {path: place.sha512 for path, place in places.items() if place.state == "PRESENT"}
            assert present == self.trees[side].files()


@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("part", range(_PARTS))
def test_the_catalogue_becomes_what_is_in_the_folders(
    part: int, platform: Platform, actor: Actor, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    Pools.scans = Scans(platform, actor, Runtime(platform, (), HANDLERS))
    Pools.folder = tmp_path
    is_random = request.config.getoption("--anew")
    run_state_machine_as_test(
        Pools if is_random else seed(part)(type("Pools", (Pools,), {})),
        settings=settings(
            max_examples=request.config.getoption("--sequences") // _PARTS, stateful_step_count=_STEPS, deadline=None,
            database=None, print_blob=False, suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
        ),
    )  # fmt: skip
