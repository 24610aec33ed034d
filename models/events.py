"""Events: what happened, past tense, as rows in the same transaction as the change itself.

Payloads are small: ids and what a permission check needs, never whole rows or secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class NewEvent:
    """An event about to be written by the unit of work."""

    type: str
    space_id: UUID
    subject_id: UUID
    actor_id: UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewEvents:
    """The same event about each of many subjects, without more to say: as cheap to write as they are alike."""

    type: str
    space_id: UUID
    subject_ids: Sequence[UUID]
    actor_id: UUID | None = None


ASSET_CREATED = "asset.created"
ASSET_UPDATED = "asset.updated"
ASSET_DELETED = "asset.deleted"
ASSET_UPLOADED = "asset.uploaded"
ASSET_TAGGED = "asset.tagged"
POOL_CREATED = "asset-pool.created"
POOL_UPDATED = "asset-pool.updated"
POOL_DELETED = "asset-pool.deleted"
TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an event
TOKEN_UPDATED = "token.updated"  # noqa: S105
TOKEN_DELETED = "token.deleted"  # noqa: S105
TASK_CREATED = "task.created"
TASK_UPDATED = "task.updated"
TASK_DELETED = "task.deleted"
TASK_PROGRESSED = "task.progressed"
"""Published at most once a second while a task runs, without a row: it cannot be resumed."""
POLICY_CHANGED = "policy.changed"
"""Somebody may do more, or less, in the space than before; for Loom's own ears."""
RUN_STARTED = "pipeline-run.started"
RUN_COMPLETED = "pipeline-run.completed"
RUN_PAUSED = "pipeline-run.paused"
RUN_RESUMED = "pipeline-run.resumed"
RUN_NODE_FAILED = "pipeline-run.node-failed"
RUN_NODE_STATS = "pipeline-run.node-stats"
"""Published once a second for each node that has moved, without a row: it cannot be resumed."""
WEBHOOK_DISABLED = "webhook.disabled"
"""Loom has given up a webhook: its address has failed for days, or says that it is gone."""
STREAM_JOINED = "stream.joined"
"""Sent to one listener only, when it begins to hear live events."""
