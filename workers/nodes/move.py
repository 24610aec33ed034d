"""The kind `move`: the only one that touches files of pools."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import Field

from models.errors import LoomError
from models.paths import decode_path, encode_path
from models.pipelines.descriptors import Category, Port
from models.pipelines.effects import RelocateEffect
from models.pipelines.outcomes import Outcome, completed, failed, skipped
from workers.nodes.base import Acting, Node, Options
from workers.processing.moving import Elsewhere, MoveRefused, Moving, Spot, Taken, move, suffixed
from workers.processing.walking import signed

if TYPE_CHECKING:
    from models.services.asset_blocks import Place


class MoveOptions(Options):
    """Options of the kind."""

    target: Literal["FOLDER", "POOL"] = Field(
        "FOLDER", title="Into", description="A folder of the same pool, or a pool"
    )
    target_folder: str = Field("trash", title="Folder", description="Below the root of the pool; made if need be")
    pool_uuid: str = Field("", title="Pool", description="Of the target POOL")
    layout: Literal["FLAT", "MIRROR", "DATE"] = Field(
        "MIRROR",
        title="Layout",
        description="All in one folder, as before, or by the day of the last change",
    )
    on_conflict: Literal["SUFFIX", "SKIP", "FAIL"] = Field(
        "SUFFIX", title="If the name is taken", description="Nothing is ever written over"
    )
    cross_device: Literal["SKIP", "COPY", "FAIL"] = Field(
        "SKIP", title="To another file system", description="COPY copies, and checks the copy"
    )
    source_policy: Literal["KEEP", "DELETE_AFTER_VERIFY"] = Field(
        "KEEP", title="The original of a copy", description="Stays, or goes once the copy was read back"
    )


class MoveNode(Node[MoveOptions]):
    """Moves the file of an asset to a folder or pool. Never writes over anything, and checks before it removes."""

    kind = "move"
    name = "Move"
    category = Category.OUTPUT
    outputs = (
        Port("moved", "media/*", "Moved", is_selective=True),
        Port("path", "scalar/string", "Where it lies", is_selective=True),
        Port("flag", "scalar/string", "What was done"),
    )
    acts = True
    is_lasting = False
    options = MoveOptions

    def act(self, acting: Acting, inputs: Mapping[str, Any], options: MoveOptions) -> Outcome:
        """Move the first place of the asset that is a file of a pool."""
        place = next((each for each in acting.facts.places if "://" not in each.root), None)
        if place is None:
            return skipped("No file of it lies in a folder of a pool")
        try:
            acting.reach.require_moving()
            return self._try_names(_Job(acting, place, options), inputs)
        except Taken as error:
            return completed({"flag": "SKIPPED"}) if options.on_conflict == "SKIP" else failed(str(error))
        except Elsewhere as error:
            return completed({"flag": "SKIPPED"}) if options.cross_device == "SKIP" else failed(str(error))
        except (ValueError, MoveRefused, LoomError) as error:
            return failed(str(error))
        except OSError as error:
            return failed(f"It cannot be moved: {error.strerror or error}")

    @staticmethod
    def _try_names(job: _Job, inputs: Mapping[str, Any]) -> Outcome:
        pool_id, root = _target(job)
        taken = Taken("Too many files have such names")
        for path in _paths(job):
            if job.acting.is_dry_run:
                return completed({"flag": "DRY_RUN", "path": encode_path(path)})
            try:
                return _move(job, pool_id, Spot(decode_path(root), path), inputs)
            except Taken as error:
                taken = error
        raise taken


@dataclass(frozen=True)
class _Job:
    acting: Acting
    place: Place
    options: MoveOptions


def _move(job: _Job, pool_id: UUID, target: Spot, inputs: Mapping[str, Any]) -> Outcome:
    place = job.place
    source = Spot(decode_path(place.root), place.path)
    keeps = job.options.source_policy == "KEEP" and _lies_elsewhere(source, target)
    flag, status = move(Moving(
        source, target, job.acting.facts.sha512, place.size, place.mtime_ns,
        may_copy=job.options.cross_device == "COPY", keeps_source=keeps,
    ))  # fmt: skip
    outputs = {"flag": str(flag), "path": encode_path(target.path), "moved": inputs["media"]}
    if source == target:
        return completed(outputs)
    effect = relocated(place, pool_id, target.path, status, is_copy=keeps)
    return completed(outputs, effects=(effect,))


def relocated(place: Place, pool_id: UUID, path: bytes, status: os.stat_result, *, is_copy: bool) -> RelocateEffect:
    """Say where a file lies now, or a copy of it."""
    return RelocateEffect(
        place.id, pool_id, path, signed(status.st_dev), signed(status.st_ino), status.st_size, status.st_mtime_ns,
        status.st_ctime_ns, is_copy=is_copy,
    )  # fmt: skip


def _lies_elsewhere(source: Spot, target: Spot) -> bool:
    """Whether the roots are on two file systems, so that a file can only be copied."""
    return Path(os.fsdecode(source.root)).stat().st_dev != Path(os.fsdecode(target.root)).stat().st_dev


def _target(job: _Job) -> tuple[UUID, str]:
    if job.options.target == "FOLDER":
        return job.place.pool_id, job.place.root
    pool_id = UUID(job.options.pool_uuid)
    return pool_id, job.acting.reach.pool_folder(pool_id)


def _paths(job: _Job) -> Iterator[bytes]:
    """Yield the names that may be tried, in their order.

    Raises:
        MoveRefused: when the folder does not lie below the root.
    """
    place, options = job.place, job.options
    folder = decode_path(options.target_folder.strip("/"))
    if set(folder.split(b"/")) & {b".", b".."}:
        raise MoveRefused("The folder must lie below the root of the pool")
    prefix = folder + b"/" if folder else b""
    if options.layout == "MIRROR" and options.target == "FOLDER" and place.path.startswith(prefix):
        yield place.path  # it lies there already
        return
    wanted = prefix + _below(place, options.layout)
    yield from suffixed(wanted) if options.on_conflict == "SUFFIX" else (wanted,)


def _below(place: Place, layout: str) -> bytes:
    if layout == "MIRROR":
        return place.path
    name = place.path.rpartition(b"/")[2]
    day = datetime.fromtimestamp(place.mtime_ns / 1e9, UTC)
    return name if layout == "FLAT" else f"{day:%Y/%m/%d}/".encode() + name
