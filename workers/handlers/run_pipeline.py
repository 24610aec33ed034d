"""`pipelines.run`: assets go through the graph of a pipeline.

The plan chooses the assets; a part takes some of them through the graph. What nodes make is stored before the part is
written, as any content is; all else is written with the part, so a part that runs twice has its effects once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from models.bodies.asset_filters import asset_filters
from models.bodies.filters import read_filters
from models.entities import Asset
from models.errors import InvalidInput
from models.ids import new_id
from models.messages import RUN_PIPELINE
from models.payloads import RunPipeline
from models.permissions import Actor
from models.pipelines.engine import ItemState
from models.pipelines.graph import Graph, behind
from models.pipelines.outcomes import Origin
from models.services.asset_bytes import open_source
from models.services.blobs import keep_blob
from models.services.bulk_answers import asked_by
from models.services.chosen_assets import Conditions, choose, newest_asset
from models.services.credentials import actor_of_task
from models.services.graphs import graph_of_version
from models.services.run_assets import RunAsset, load_run_assets
from models.services.run_choices import conditions_of
from models.services.run_effects import Wanted, do_effects
from models.services.run_results import Found, count_by_state, count_nodes, keep_found, keep_run_items
from models.services.task_parts import NewPart, Outcome
from models.storage import Piece, delete_pieces, staging_key
from models.unit_of_work import UnitOfWork
from workers.handlers.run_record import failure_of, gone_outcome, row_of, tallies, tell_failures
from workers.handling import Planned, Step
from workers.media.sandbox import Sandboxes
from workers.nodes import DESCRIPTORS
from workers.nodes.base import Acting, Artifact, Facts
from workers.running.items import ItemRun, RanItem
from workers.running.reach import Reach
from workers.running.ready import ReadyNodes

Json = dict[str, Any]
_PLAN_ITEMS = 5_000
_FEWEST_ITEMS, _MOST_ITEMS = 50, 250
"""Of a part."""
_PARTS = 4
"""Into so many at least, if there are items enough."""
_PART_SECONDS = 5.0
"""What a part has not come to by then is handed on, in small parts: items may be known, or films of an hour."""
_CHILDREN = 2
_MOST_PREPARED = 64


@dataclass(frozen=True)
class Ran:
    """What a part has to write: items, what was found out, those whose asset is not there, and what is left."""

    actor: Actor
    """In whose name it ran."""
    items: Sequence[RanItem]
    found: Sequence[Found]
    gone: Sequence[Json]
    rest: Sequence[Json]
    """Those that it has not come to."""


@dataclass(frozen=True)
class Prepared:
    """What is the same for all items of a run."""

    graph: Graph
    anew: frozenset[str]
    """Nodes that look again, whatever is known."""
    ready: ReadyNodes = field(default_factory=ReadyNodes)


class RunPipelineHandler:
    """Runs a version of a pipeline."""

    kind = RUN_PIPELINE

    def __init__(self) -> None:
        self._sandboxes = Sandboxes(_CHILDREN)
        self._prepared: dict[tuple[UUID, int, str | None], Prepared] = {}

    def plan(self, step: Step[RunPipeline]) -> Iterator[Planned]:
        """Yield the assets in the order of their ids, from where an interrupted plan has come to."""
        cursor = step.cursor or {"index": 0, "after": None, "until": None}
        while True:
            with step.platform.unit_of_work() as uow:
                actor = _actor(uow, step)
                until = UUID(cursor["until"]) if cursor["until"] else newest_asset(uow, actor)
                after = UUID(cursor["after"]) if cursor["after"] else None
                conditions = _conditions(uow, actor, step)
                is_chosen = bool(conditions) or step.payload.is_for_all
                found = choose(uow, actor, conditions, after, until, _PLAN_ITEMS) if until and is_chosen else []
            if not found:
                return
            first = cursor["index"]
            cursor = {"index": first + len(found), "after": str(found[-1][0]), "until": str(until)}
            items = [{"index": index, "uuid": str(asset_id)} for index, (asset_id, _) in enumerate(found, first)]
            yield Planned(_parts(items, min(_MOST_ITEMS, -(-len(items) // _PARTS))), Outcome(), cursor)
            if len(found) < _PLAN_ITEMS:
                return

    def compute(self, step: Step[RunPipeline], items: list[Json]) -> Ran:
        """Take the assets through the graph."""
        with step.platform.unit_of_work() as uow:
            prepared, actor = self._prepare(uow, step), _actor(uow, step)
            assets = load_run_assets(uow, actor, [UUID(item["uuid"]) for item in items])
        reach = Reach(step.platform, actor)
        ran: list[RanItem] = []
        found: list[Found] = []
        gone: list[Json] = []
        deadline = time.monotonic() + _PART_SECONDS
        for done, item in enumerate(items):
            step.check()
            if done and time.monotonic() > deadline:
                return Ran(actor, ran, found, gone, items[done:])
            asset = assets.get(UUID(item["uuid"]))
            if asset is None:
                gone.append(item)
                continue
            result = self._run(step, reach, prepared, item["index"], asset)
            ran.append(result)
            found += self._store_made(step, result)
            step.report(items=done + 1)
        return Ran(actor, ran, found, gone, ())

    def _prepare(self, uow: UnitOfWork, step: Step[RunPipeline]) -> Prepared:
        """Read the graph, once for all runs of a version: neither that nor the kinds that this process has change."""
        payload = step.payload
        key = payload.pipeline_uuid, payload.version, payload.from_node
        prepared = self._prepared.get(key)
        if prepared is None:
            graph, start = _graph(uow, step), payload.from_node
            prepared = Prepared(graph, behind(graph, start) if start in graph.nodes else frozenset())
            if len(self._prepared) >= _MOST_PREPARED:
                self._prepared.clear()
            self._prepared[key] = prepared
        return prepared

    def _run(
        self, step: Step[RunPipeline], reach: Reach, prepared: Prepared, index: int, asset: RunAsset
    ) -> RanItem:  # fmt: skip
        facts = Facts(
            asset.id, asset.sha512, asset.size, asset.mime_type, asset.filename, asset.is_blacklisted,
            asset.first_seen, asset.places, asset.tags, asset.ratings,
        )  # fmt: skip
        opening = partial(open_source, step.platform.blobs, asset.source)
        acting = Acting(facts, reach, step.payload.dry_run, opening)
        run = ItemRun(prepared.graph, acting, asset.known, self._sandboxes, prepared.ready, prepared.anew)
        return run.run(index)

    @staticmethod
    def _store_made(step: Step[RunPipeline], item: RanItem) -> Iterator[Found]:
        """Yield what is new, with the files of it stored. No file stays in memory until the part is written."""
        for record in item.records:
            if record.outcome.origin is Origin.CACHED:
                continue
            is_kept = record.key is not None and not step.payload.dry_run
            stored: list[Json] = []
            outputs = {
                port: _told(step, value, stored if is_kept else None) for port, value in record.outcome.outputs.items()
            }
            if outputs != record.outcome.outputs:
                record.outcome = record.outcome._replace(outputs=outputs)
            if record.key is not None and is_kept:
                yield Found(item.facts.asset_id, record.kind, record.version, record.key, outputs, stored)

    def apply(self, uow: UnitOfWork, step: Step[RunPipeline], ran: Ran) -> Outcome:
        """Write what became of the assets, and what was found out."""
        actor = ran.actor
        if not step.payload.dry_run:
            _do_effects(uow, actor, ran.items)
        keep_found(uow, actor, step.task_id, _still_good(ran))
        keep_run_items(uow, step.task_id, [row_of(item) for item in ran.items])
        tell_failures(uow, step, ran.items)
        count_nodes(uow, step.task_id, tallies(ran.items))
        items = [failure_of(item) for item in ran.items if item.state is ItemState.FAILED]
        items += [gone_outcome(item) for item in ran.gone]
        outcome = Outcome(items=items, rest=_parts(ran.rest, _FEWEST_ITEMS))
        states = [item.state for item in ran.items]
        outcome.done, outcome.failed = states.count(ItemState.SUCCESS), states.count(ItemState.FAILED)
        outcome.skipped = states.count(ItemState.SKIPPED) + len(ran.gone)
        return outcome

    def finish(self, uow: UnitOfWork, step: Step[RunPipeline]) -> Json:
        """Count the items by what became of them."""
        counts = count_by_state(uow, [step.task_id])[step.task_id]
        return {"media": sum(counts.values()), "success": counts["SUCCESS"], "failed": counts["FAILED"],
                "skipped": counts["SKIPPED"], "dryRun": step.payload.dry_run}  # fmt: skip


def _still_good(ran: Ran) -> list[Found]:
    """Leave out what a node wanted done and could not be: that is not known, so the next run tries again."""
    if not ran.found:
        return []
    good = {(item.facts.asset_id, record.kind, record.key) for item in ran.items for record in item.records}
    return [each for each in ran.found if (each.asset_id, each.kind, each.key) in good]


def _parts(items: Sequence[Json], size: int) -> list[NewPart]:
    size = max(size, _FEWEST_ITEMS)
    return [NewPart(list(items[at : at + size])) for at in range(0, len(items), size)]


def _do_effects(uow: UnitOfWork, actor: Actor, items: Sequence[RanItem]) -> None:
    """Do what nodes want done; what cannot be done is the failure of its node, and of its item."""
    wanted = [
        Wanted((at, number), item.facts.asset_id, record.kind, record.node_id, record.version, effect)
        for at, item in enumerate(items)
        for number, record in enumerate(item.records)
        for effect in record.outcome.effects
    ]
    for (at, number), problem in do_effects(uow, actor, wanted).items():
        items[at].fail(number, problem)


def _actor(uow: UnitOfWork, step: Step[RunPipeline]) -> Actor:
    return actor_of_task(uow, step.space_id, *asked_by(uow, step.task_id))


def _conditions(uow: UnitOfWork, actor: Actor, step: Step[RunPipeline]) -> Conditions:
    payload = step.payload
    kinds = {node.descriptor.kind for node in _graph(uow, step).nodes.values()} if payload.is_outdated else set()
    versions = {kind: DESCRIPTORS[kind].version for kind in kinds if kind in DESCRIPTORS}
    listed = [Asset.id.in_(payload.uuids)] if payload.uuids else []
    return [*listed, *read_filters(payload.filter, asset_filters(actor)), *conditions_of(payload, versions)]


def _graph(uow: UnitOfWork, step: Step[RunPipeline]) -> Graph:
    graph = graph_of_version(uow, step.payload.pipeline_uuid, step.payload.version)
    if graph is None:
        raise InvalidInput("The pipeline cannot run: its definition has errors, or no nodes", code="bad-definition")
    return graph


def _told(step: Step[RunPipeline], value: Any, stored: list[Json] | None) -> Any:
    """Say in JSON what a node gave; files are stored, and noted, if they are to be."""
    if isinstance(value, list):
        return [_told(step, each, stored) for each in value]
    if not isinstance(value, Artifact):
        return value
    told = {"mimeType": value.made.mime_type, "size": len(value.data), "filename": value.made.filename}
    if stored is None:
        return told
    sha512 = _store(step, value.data)
    stored.append({**vars(value.made), "size": len(value.data), "sha512": sha512})
    return {"artifact": sha512, **told}


def _store(step: Step[RunPipeline], data: bytes) -> str:
    """Store a file that a node has made; gives its hash."""
    sha512 = hashlib.sha512(data).hexdigest()
    piece = Piece(staging_key(new_id()), len(data))
    writer = step.platform.blobs.write(piece.key, size=piece.size)
    try:
        writer.write(data)
        writer.commit()
    finally:
        writer.abort()
    with step.platform.unit_of_work() as uow:
        keep_blob(uow, step.platform.blobs, sha512, piece.size, [piece])
        uow.commit()
    delete_pieces(step.platform.blobs, [piece])
    return sha512
