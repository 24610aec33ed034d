"""What became of the items of a run, as a part of it is written down: rows, counters, outcomes and frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from models.events import RUN_NODE_FAILED, NewEvent
from models.payloads import RunPipeline
from models.pipelines.outcomes import NodeState
from models.services.run_results import ItemRow, Tally
from models.services.task_items import ItemOutcome
from models.unit_of_work import UnitOfWork
from workers.handling import Step
from workers.running.items import NodeRecord, RanItem

Json = dict[str, Any]
NODE_FAILED = "node-failed"
ASSET_GONE = "not-found"


def tell_failures(uow: UnitOfWork, step: Step[RunPipeline], items: Sequence[RanItem]) -> None:
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


def tallies(items: Sequence[RanItem]) -> dict[str, Tally]:
    """Count by node how executions have ended."""
    found: dict[str, Tally] = {}
    for item in items:
        for record in item.records:
            tally = found.setdefault(record.node_id, Tally())
            tally.processed += 1
            tally.failed += record.outcome.state is NodeState.FAILED
            tally.skipped += record.outcome.state is NodeState.SKIPPED
    return found


def row_of(item: RanItem) -> ItemRow:
    """Say what became of an item."""
    facts = item.facts
    results = orjson.dumps([_result(record) for record in item.records])
    return ItemRow(item.index, facts.asset_id, bytes.fromhex(facts.sha512), facts.filename, facts.size,
                   str(item.state), item.message, item.duration_ms, results)  # fmt: skip


def _result(record: NodeRecord) -> Json:
    outcome = record.outcome
    result: Json = {
        "nodeId": record.node_id, "nodeKind": record.kind, "producerVersion": record.version,
        "elementSeq": record.element, "state": outcome.state, "attempt": record.attempts,
        "durationMs": record.duration_ms,
    }  # fmt: skip
    if outcome.message is not None:
        result["message"] = outcome.message
    if outcome.outputs:
        result["outputs"] = outcome.outputs
    if outcome.state is NodeState.COMPLETED:
        result["origin"] = outcome.origin
    return result


def failure_of(item: RanItem) -> ItemOutcome:
    """Say why an item has failed."""
    given = {"index": item.index, "uuid": str(item.facts.asset_id)}
    return ItemOutcome(item.index, item.facts.filename, "FAILED", NODE_FAILED, item.message, item.facts.asset_id, given)


def gone_outcome(item: Json) -> ItemOutcome:
    """Say that there is nothing to look at any more."""
    return ItemOutcome(item["index"], item["uuid"], "SKIPPED", ASSET_GONE, "The asset is not there any more")
