"""`pipelines.run`: assets go through the graph of a pipeline.

The plan chooses the assets; a part takes some of them through the graph. What nodes make is stored before the part is
written, as any content is; all else is written with the part, so a part that runs twice has its effects once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from models.bodies.asset_filters import asset_filters
from models.bodies.filters import read_filters
from models.entities import Asset
from models.errors import InvalidInput
from models.events import RUN_NODE_FAILED, NewEvent
from models.ids import new_id
from models.messages import RUN_PIPELINE, RunPipeline
from models.permissions import Actor
from models.pipelines.engine import ItemState
from models.pipelines.graph import Graph, behind
from models.pipelines.outcomes import NodeState
from models.services.asset_bytes import open_source
from models.services.blobs import keep_blob
from models.services.bulk_answers import asked_by
from models.services.chosen_assets import Conditions, choose, newest_asset
from models.services.graphs import graph_of_version
from models.services.run_assets import RunAsset, load_run_assets
from models.services.run_choices import conditions_of
from models.services.run_effects import Wanted, do_effects
from models.services.run_results import Found, ItemRow, Tally, count_by_state, count_nodes, keep_found, keep_run_items
from models.services.sessions import actor_of_task
from models.services.task_items import ItemOutcome
from models.services.task_parts import NewPart, Outcome
from models.storage import Piece, delete_pieces, staging_key
from models.unit_of_work import UnitOfWork
from workers.handling import Planned, Step
from workers.media.sandbox import Sandboxes
from workers.nodes import DESCRIPTORS
from workers.nodes.base import Acting, Artifact, Facts
from workers.running.items import ItemRun, NodeRecord, RanItem
from workers.running.reach import Reach

Json = dict[str, Any]
_PART_ITEMS = 50
_PLAN_ITEMS = 5_000
_CHILDREN = 2
NODE_FAILED = "node-failed"
ASSET_GONE = "not-found"


@dataclass(frozen=True)
class Ran:
    """What a part has to write: items, what was found out, and those whose asset is not there."""

    items: Sequence[RanItem]
    found: Sequence[Found]
    gone: Sequence[Json]


class RunPipelineHandler:
    """Runs a version of a pipeline."""

    kind = RUN_PIPELINE

    def __init__(self) -> None:
        self._sandboxes = Sandboxes(_CHILDREN)

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
            parts = [NewPart(items[at : at + _PART_ITEMS]) for at in range(0, len(items), _PART_ITEMS)]
            yield Planned(parts, Outcome(), cursor)

    def compute(self, step: Step[RunPipeline], items: list[Json]) -> Ran:
        """Take the assets through the graph."""
        with step.platform.unit_of_work() as uow:
            graph, actor = _graph(uow, step), _actor(uow, step)
            assets = load_run_assets(uow, actor, [UUID(item["uuid"]) for item in items])
        reach = Reach(step.platform, actor)
        ran: list[RanItem] = []
        found: list[Found] = []
        gone: list[Json] = []
        for done, item in enumerate(items):
            step.check()
            asset = assets.get(UUID(item["uuid"]))
            if asset is None:
                gone.append(item)
                continue
            result = self._run(step, reach, graph, item["index"], asset)
            ran.append(result)
            if not step.payload.dry_run:
                found += self._store_made(step, result)
            step.report(items=done + 1)
        return Ran(ran, found, gone)

    def _run(
        self, step: Step[RunPipeline], reach: Reach, graph: Graph, index: int, asset: RunAsset
    ) -> RanItem:  # fmt: skip
        facts = Facts(
            asset.id, asset.sha512, asset.size, asset.mime_type, asset.filename, asset.is_blacklisted,
            asset.first_seen, asset.places, asset.tags, asset.ratings,
        )  # fmt: skip
        opening = partial(open_source, step.platform.blobs, asset.source)
        acting = Acting(facts, reach, step.payload.dry_run, opening)
        start = step.payload.from_node
        anew = behind(graph, start) if start in graph.nodes else frozenset()
        return ItemRun(graph, acting, asset.known, self._sandboxes, anew).run(index)

    @staticmethod
    def _store_made(step: Step[RunPipeline], item: RanItem) -> Iterator[Found]:
        """Yield what is new, with the files of it stored."""
        for record in item.records:
            if record.key is None:
                continue
            outputs, made = {}, []
            for port, value in record.outcome.outputs.items():
                several = value if isinstance(value, list) else [value]
                if several and isinstance(several[0], Artifact):
                    attachments = [_store(step, artifact) for artifact in several]
                    told = [{"artifact": each["sha512"], "mimeType": each["mime_type"], "size": each["size"],
                             "filename": each["filename"]} for each in attachments]  # fmt: skip
                    outputs[port] = told if isinstance(value, list) else told[0]
                    made += attachments
                else:
                    outputs[port] = value
            yield Found(item.facts.asset_id, record.kind, record.version, record.key, outputs, made)

    def apply(self, uow: UnitOfWork, step: Step[RunPipeline], ran: Ran) -> Outcome:
        """Write what became of the assets, and what was found out."""
        actor = _actor(uow, step)
        if not step.payload.dry_run:
            _do_effects(uow, actor, ran.items)
        # What a node wanted done and could not be is not known: the next run must try again.
        good = {(item.facts.asset_id, record.kind, record.key) for item in ran.items for record in item.records}
        found = [each for each in ran.found if (each.asset_id, each.kind, each.key) in good]
        keep_found(uow, actor, step.task_id, found)
        keep_run_items(uow, step.task_id, [_row(item) for item in ran.items])
        _tell_failures(uow, step, ran.items)
        count_nodes(uow, step.task_id, _tallies(ran.items))
        outcome = Outcome(items=[*(_failure(item) for item in ran.items if item.state is ItemState.FAILED),
                                 *(_gone(item) for item in ran.gone)])  # fmt: skip
        states = [item.state for item in ran.items]
        outcome.done, outcome.failed = states.count(ItemState.SUCCESS), states.count(ItemState.FAILED)
        outcome.skipped = states.count(ItemState.SKIPPED) + len(ran.gone)
        return outcome

    def finish(self, uow: UnitOfWork, step: Step[RunPipeline]) -> Json:
        """Count the items by what became of them."""
        counts = count_by_state(uow, [step.task_id])[step.task_id]
        return {"media": sum(counts.values()), "success": counts["SUCCESS"], "failed": counts["FAILED"],
                "skipped": counts["SKIPPED"], "dryRun": step.payload.dry_run}  # fmt: skip


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


def _store(step: Step[RunPipeline], made: Artifact) -> Json:
    """Store a file that a node has made; gives what its attachment says."""
    sha512 = hashlib.sha512(made.data).hexdigest()
    piece = Piece(staging_key(new_id()), len(made.data))
    writer = step.platform.blobs.write(piece.key, size=piece.size)
    try:
        writer.write(made.data)
        writer.commit()
    finally:
        writer.abort()
    with step.platform.unit_of_work() as uow:
        keep_blob(uow, step.platform.blobs, sha512, piece.size, [piece])
        uow.commit()
    delete_pieces(step.platform.blobs, [piece])
    return {**vars(made.made),   "size": piece.size,
            "sha512": sha512}  # fmt: skip


def _tell_failures(uow: UnitOfWork, step: Step[RunPipeline], items: Sequence[RanItem]) -> None:
    """Tell of each node that has failed, at once."""
    for item in items:
        for record in item.records:
            if record.outcome.state is NodeState.FAILED:
                data = {
                    "pipelineName": step.payload.pipeline_name, "nodeId": record.node_id,
                    "message": record.outcome.message or "", "mediaPath": item.facts.filename,
                    "itemUuid": str(UUID(int=item.index + 1)), "elementSeq": record.element,
                    "durationMs": record.duration_ms, "assetUuid": str(item.facts.asset_id),
                }  # fmt: skip
                uow.publish(NewEvent(RUN_NODE_FAILED, step.space_id, step.task_id, step.creator_id, data))


def _tallies(items: Sequence[RanItem]) -> dict[str, Tally]:
    """Count by node how executions have ended."""
    found: dict[str, Tally] = {}
    for item in items:
        for record in item.records:
            tally = found.setdefault(record.node_id, Tally())
            tally.processed += 1
            tally.failed += record.outcome.state is NodeState.FAILED
            tally.skipped += record.outcome.state is NodeState.SKIPPED
    return found


def _row(item: RanItem) -> ItemRow:
    facts = item.facts
    results = [_result(record) for record in item.records]
    return ItemRow(item.index, facts.asset_id, facts.sha512, facts.filename, facts.size, str(item.state), item.message,
                   item.duration_ms, results)  # fmt: skip


def _result(record: NodeRecord) -> Json:
    outcome = record.outcome
    shown = {port: _shown(value) for port, value in outcome.outputs.items()} if outcome.outputs else None
    result = {
        "nodeId": record.node_id, "nodeKind": record.kind, "producerVersion": record.version,
        "elementSeq": record.element, "state": str(outcome.state), "attempt": record.attempts,
        "durationMs": record.duration_ms, "message": outcome.message, "outputs": shown,
        "origin": str(outcome.origin) if outcome.state is NodeState.COMPLETED else None,
    }  # fmt: skip
    return {name: value for name, value in result.items() if value is not None}


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if isinstance(value, Artifact):
        return {"mimeType": value.made.mime_type, "size": len(value.data), "filename": value.made.filename}
    return value


def _failure(item: RanItem) -> ItemOutcome:
    given = {"index": item.index, "uuid": str(item.facts.asset_id)}
    return ItemOutcome(item.index, item.facts.filename, "FAILED", NODE_FAILED, item.message, item.facts.asset_id, given)


def _gone(item: Json) -> ItemOutcome:
    return ItemOutcome(item["index"], item["uuid"], "SKIPPED", ASSET_GONE, "The asset is not there any more")
