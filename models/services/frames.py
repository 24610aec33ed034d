"""Frames: events as WebSocket clients get them. The relay makes them; the hub of a web process makes those it missed.

The channel tells which part of Loom an event is about; a client ignores channels that it does not know.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any
from uuid import UUID

from models.entities import Task
from models.events import (
    RUN_COMPLETED,
    RUN_NODE_FAILED,
    RUN_NODE_STATS,
    RUN_PAUSED,
    RUN_RESUMED,
    RUN_STARTED,
    STREAM_JOINED,
    TASK_PROGRESSED,
)
from models.services.event_log import LoggedEvent, Position
from models.services.run_results import Tally
from models.services.task_parts import key_of

Frame = dict[str, Any]


def make_frame(event: LoggedEvent) -> Frame:
    """Spell a logged event; its `id` is what a client passes as `since` to go on behind it."""
    position, kind, space_id, subject_id, actor_id, occurred, data, trace_id = event
    frame = frame_of(kind, space_id, subject_id, round(occurred.timestamp() * 1000), data)
    told = {} if trace_id is None else {"traceId": trace_id}
    return {**frame, **told, "id": position.id, "_actor": actor_id and str(actor_id)}


def public_frame(frame: Frame) -> Frame:
    """Give what a client sees of a frame: keys that begin with `_` are for deciding who may."""
    data = frame["data"]
    if frame["type"] in _RUN_TYPES:
        return _run_frame(frame)
    shown = {key: value for key, value in frame.items() if not key.startswith("_")}
    if any(key.startswith("_") for key in data):
        shown["data"] = {key: value for key, value in data.items() if not key.startswith("_")}
    return shown


_RUN_TYPES = {
    RUN_STARTED: "PIPELINE_STARTED", RUN_COMPLETED: "PIPELINE_COMPLETED", RUN_PAUSED: "RUN_PAUSED",
    RUN_RESUMED: "RUN_RESUMED", RUN_NODE_FAILED: "NODE_FAILED", RUN_NODE_STATS: "NODE_STATS",
}  # fmt: skip
"""What the wire contract (6.4) calls them."""


def _run_frame(frame: Frame) -> Frame:
    """Spell what happens to a run as the wire contract does: no channel, and all at one level."""
    own = {"type": _RUN_TYPES[frame["type"]], "pipelineRunUuid": frame["uuid"], "timestamp": frame["timestamp"]}
    place = {name: frame[name] for name in ("id", "space", "traceId") if name in frame}
    return {**own, **frame["data"], **place}


def stats_frame(run: Task, node_id: str, tally: Tally) -> Frame:
    """Tell how far a node of a running run has come; transient, so it has no `id`."""
    pending = max(0, (run.total or 0) - tally.processed)
    data = {
        "pipelineName": run.payload.get("pipeline_name", ""), "nodeId": node_id, "activeCount": 0,
        "pendingCount": pending, "processedCount": tally.processed, "failedCount": tally.failed,
        "skippedCount": tally.skipped,
    }  # fmt: skip
    frame = frame_of(RUN_NODE_STATS, run.space_id, run.id, round(time.time() * 1000), data)
    return {**frame, "_actor": run.creator_id and str(run.creator_id)}


def progress_frame(task: Task) -> Frame:
    """Tell how far a running task has come; transient, so it has no `id`."""
    counts = {"total": task.total, "done": task.done, "failed": task.failed, "skipped": task.skipped}
    data = {"kind": task.kind, "state": str(task.state), "bytesDone": task.bytes_done, **counts}
    known = {key: value for key, value in data.items() if value is not None} | key_of(task)
    frame = frame_of(TASK_PROGRESSED, task.space_id, task.id, round(time.time() * 1000), known)
    return {**frame, "_actor": task.creator_id and str(task.creator_id)}


def joined_frame(position: Position) -> Frame:
    """Tell a client that it knows everything up to here and hears all that comes; its `id` serves as `since`."""
    return {
        "channel": "STREAM",
        "type": STREAM_JOINED,
        "timestamp": round(time.time() * 1000),
        "id": position.id,
    }


def frame_of(kind: str, space_id: UUID, subject_id: UUID, timestamp_ms: int, data: dict[str, Any]) -> Frame:
    """Spell something that happened; the moment is in milliseconds since 1970."""
    return {
        "channel": _channel(kind),
        "type": kind,
        "uuid": str(subject_id),
        "space": _space_text(space_id),
        "timestamp": timestamp_ms,
        "data": data,
    }


@lru_cache(maxsize=1024)
def _channel(kind: str) -> str:
    return kind.partition(".")[0].replace("-", "_").upper()


_space_text = lru_cache(maxsize=1024)(str)
