"""`dedup.apply`: move or tag what people have confirmed to be duplicates, after another look at what is kept.

Nothing is deleted, and nothing is done to a group of which what is kept cannot be read whole at that moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from models.errors import Conflict, NotFound, Transient
from models.messages import APPLY_DUPLICATES
from models.paths import decode_path
from models.payloads import ApplyDuplicates
from models.permissions import Actor, Permission
from models.pipelines.effects import RelocateEffect
from models.services.asset_blocks import Place
from models.services.asset_bytes import open_source
from models.services.bulk_answers import asked_by
from models.services.credentials import actor_of_task
from models.services.dedup_acting import Standing, confirmed_groups, standing_of
from models.services.relocating import relocate
from models.services.tagging import Producer, apply_tags
from models.services.task_items import ItemOutcome
from models.services.task_parts import NewPart, Outcome
from models.storage.buckets import is_bucket
from models.unit_of_work import UnitOfWork
from workers.handling import Planned, Step
from workers.nodes.move import relocated
from workers.processing.moving import MoveRefused, Moving, Spot, Taken, move, suffixed

_CHUNK_BYTES = 1024**2
Items = list[dict[str, Any]]


@dataclass
class Applied:
    """What was found and done for a group. A problem may come after some files were moved."""

    item: dict[str, Any]
    problem: str | None = None
    tagged: Sequence[UUID] = ()
    moved: list[tuple[UUID, RelocateEffect]] = field(default_factory=list)
    would_move: int = 0


class ApplyDuplicatesHandler:
    """A part for each group: what it has moved is written before the next is begun."""

    kind = APPLY_DUPLICATES

    def plan(self, step: Step[ApplyDuplicates]) -> Iterator[Planned]:
        """Yield the groups."""
        if step.cursor is not None:
            return
        with step.platform.unit_of_work() as uow:
            groups = confirmed_groups(uow, _actor(uow, step), step.payload.group_uuids)
        parts = [NewPart([{"index": index, "uuid": str(group)}]) for index, group in enumerate(groups)]
        yield Planned(parts, Outcome(), {"planned": len(parts)})

    def compute(self, step: Step[ApplyDuplicates], items: Items) -> list[Applied]:
        """Look again, and move files if that is wanted."""
        return [self._look(step, item) for item in items]

    def _look(self, step: Step[ApplyDuplicates], item: dict[str, Any]) -> Applied:
        with step.platform.unit_of_work() as uow:
            actor = _actor(uow, step)
            members = standing_of(uow, actor, UUID(item["uuid"]))
        applied = Applied(item, _problem_of(members))
        keeper = next((each for each in members if each.is_kept), None)
        if keeper is None or applied.problem:
            return applied
        applied.problem = _unreadable(step, keeper)
        doubles = [each for each in members if not each.is_kept]
        if not applied.problem and step.payload.action == "TAG":
            applied.tagged = [each.asset_id for each in doubles if each.asset_id != keeper.asset_id]
        elif not applied.problem:
            actor.require(Permission.UPDATE_ASSET_LOCATION)
            self._move_all(step, doubles, applied)
        return applied

    @staticmethod
    def _move_all(step: Step[ApplyDuplicates], doubles: Sequence[Standing], applied: Applied) -> None:
        files = [(each, place) for each in doubles for place in each.places if not is_bucket(place.root)]
        applied.would_move = len(files)
        try:
            for double, place in [] if step.payload.dry_run else files:
                step.check()
                effect = _move(place, double.sha512, decode_path(step.payload.folder.strip("/")))
                if effect is not None:
                    applied.moved.append((double.asset_id, effect))
        except (MoveRefused, OSError) as error:
            applied.problem = f"A file cannot be moved: {error}"

    def apply(self, uow: UnitOfWork, step: Step[ApplyDuplicates], applied: list[Applied]) -> Outcome:
        """Write where files lie now, and tags."""
        actor = _actor(uow, step)
        outcomes = [self._write(uow, actor, step.payload, each) for each in applied]
        states = [outcome.state for outcome in outcomes]
        moved = sum(len(each.moved) for each in applied)
        tagged = sum(len(each.tagged) for each in applied)
        return Outcome(
            done=states.count("DONE"), failed=states.count("FAILED"), items=outcomes,
            counts={"moved": moved, "tagged": 0 if step.payload.dry_run else tagged},
        )  # fmt: skip

    @staticmethod
    def _write(uow: UnitOfWork, actor: Actor, payload: ApplyDuplicates, applied: Applied) -> ItemOutcome:
        for asset_id, effect in applied.moved:  # also those before one that could not be moved
            relocate(uow, actor, asset_id, effect)
        if not payload.dry_run:
            for asset_id in applied.tagged:
                apply_tags(uow, actor, asset_id, [{"name": payload.tag}], [], Producer())
        index, subject = applied.item["index"], applied.item["uuid"]
        if applied.problem:
            return ItemOutcome(index, subject, "FAILED", "recheck-failed", applied.problem, input=applied.item)
        return ItemOutcome(index, subject, "DONE", message=_said(payload, applied))

    def finish(self, uow: UnitOfWork, step: Step[ApplyDuplicates]) -> dict[str, Any]:
        """Count."""
        row: Any = uow.execute("SELECT done, failed, counts FROM task WHERE id = :id", id=step.task_id).one()
        counts = {name: row[2].get(name, 0) for name in ("moved", "tagged")}
        return {"groups": row[0] + row[1], "failed": row[1], **counts, "dryRun": step.payload.dry_run}


def _actor(uow: UnitOfWork, step: Step[ApplyDuplicates]) -> Actor:
    return actor_of_task(uow, step.space_id, *asked_by(uow, step.task_id))


def _said(payload: ApplyDuplicates, applied: Applied) -> str:
    number = len(applied.tagged) if payload.action == "TAG" else applied.would_move
    what = "assets tagged" if payload.action == "TAG" else "files moved"
    return f"{number} {what}" if not payload.dry_run else f"{number} would be {what.split()[1]}"


def _problem_of(members: Sequence[Standing]) -> str | None:
    """Say what speaks against doing anything, of what the catalogue knows."""
    if not members:
        return "The group is not confirmed any more"
    keeper = next((each for each in members if each.is_kept), None)
    if keeper is None:
        return "What was to be kept is not there any more"
    if keeper.has_holes:
        return "What is to be kept is not whole"
    if any(each.size > keeper.size for each in members):
        return "A duplicate is larger than what is to be kept"
    return None


def _unreadable(step: Step[ApplyDuplicates], keeper: Standing) -> str | None:
    """Read what is kept from its first byte to its last; say what is wrong."""
    if not keeper.is_stored and not keeper.places:
        return "What is to be kept has no file"
    digest = hashlib.sha512()
    try:
        with closing(open_source(step.platform.blobs, keeper.source)) as reader:
            while data := reader.read(_CHUNK_BYTES):
                step.check()
                digest.update(data)
    except (NotFound, Conflict, Transient, OSError) as error:
        return f"What is to be kept cannot be read: {error}"
    return None if digest.hexdigest() == keeper.sha512 else "What is to be kept is not what it was: its bytes changed"


def _move(place: Place, sha512: str, folder: bytes) -> RelocateEffect | None:
    """Move a file into a folder of its pool, below which it keeps its path; None if it is there already."""
    if place.path.startswith(folder + b"/"):
        return None
    root = decode_path(place.root)
    for path in suffixed(folder + b"/" + place.path):
        moving = Moving(Spot(root, place.path), Spot(root, path), sha512, place.size, place.mtime_ns)
        try:
            _, status = move(moving)
        except Taken:
            continue
        return relocated(place, place.pool_id, path, status, is_copy=False)
    raise MoveRefused("Too many files have such names")
