"""The kinds of task, by name: web and scheduler ask for work here without importing a worker.

A task's row is the truth (architecture.md section 4); the broker carries only wake-ups, one actor for each queue.
`workers/handlers` has one handler for each kind; a test asserts that the two match one to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from models.errors import InvalidInput
from models.ids import printable
from models.payloads import (
    AnnounceAssets,
    ApplyDuplicates,
    BulkAssets,
    ChangeChosen,
    CollectGarbage,
    DeleteBlob,
    DeleteCollection,
    DeleteLibrary,
    DeletePool,
    DeleteTag,
    DropIndex,
    FindClusters,
    FindDuplicates,
    ImportAsset,
    IndexVectors,
    Payload,
    ReconcileIndex,
    Reindex,
    ReplayWebhook,
    RunPipeline,
    ScanPool,
    SearchByImage,
    StoreAttachment,
    StoreBinary,
    Sweep,
    VerifyPool,
)


class Queue(StrEnum):
    """Queues by the resource that their work needs."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
    HASH = "hash"
    MEDIA = "media"
    INDEX = "index"
    WEBHOOKS = "webhooks"
    MAINTENANCE = "maintenance"


class Priority(IntEnum):
    """Higher goes first, across all work that waits in a queue."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


@dataclass(frozen=True)
class TaskKind:
    """One kind of background work.

    `queue` runs the task's first and last step, `part_queue` the parts it is cut into. `window` is how many parts
    of one task are in flight at once. `time_limit_seconds` bounds one step: its lease is not renewed after that.
    """

    name: str
    payload: type[Payload]
    queue: Queue
    part_queue: Queue | None = None
    window: int = 16
    time_limit_seconds: int = 3600
    is_public: bool = False
    """Whether a caller may submit it by `POST /tasks`; the others have routes of their own."""
    is_installation_wide: bool = False
    """Whether it concerns all spaces: only operators may submit it."""


SCAN_POOL = TaskKind("pools.scan", ScanPool, Queue.BULK, part_queue=Queue.HASH)
VERIFY_POOL = TaskKind(
    "pools.verify", VerifyPool, Queue.BULK, part_queue=Queue.HASH, window=1, time_limit_seconds=24 * 3600,
    is_public=True,
)  # fmt: skip
DELETE_POOL = TaskKind("pools.delete", DeletePool, Queue.BULK)
DELETE_LIBRARY = TaskKind("libraries.delete", DeleteLibrary, Queue.BULK)
DELETE_COLLECTION = TaskKind("collections.delete", DeleteCollection, Queue.BULK)
DELETE_TAG = TaskKind("tags.delete", DeleteTag, Queue.BULK)
ANNOUNCE_ASSETS = TaskKind("assets.announce", AnnounceAssets, Queue.BULK, part_queue=Queue.BULK)
STORE_BINARY = TaskKind("assets.store-binary", StoreBinary, Queue.INTERACTIVE, time_limit_seconds=6 * 3600)
IMPORT_ASSET = TaskKind("assets.import", ImportAsset, Queue.BULK, time_limit_seconds=6 * 3600)
BULK_CREATE = TaskKind("assets.bulk-create", BulkAssets, Queue.BULK, part_queue=Queue.HASH)
BULK_UPDATE = TaskKind("assets.bulk-update", BulkAssets, Queue.BULK, part_queue=Queue.HASH)
CHANGE_CHOSEN = TaskKind("assets.change-chosen", ChangeChosen, Queue.BULK, part_queue=Queue.BULK)
RUN_PIPELINE = TaskKind(
    "pipelines.run", RunPipeline, Queue.BULK, part_queue=Queue.MEDIA, time_limit_seconds=24 * 3600
)  # fmt: skip
STORE_ATTACHMENT = TaskKind("attachments.store", StoreAttachment, Queue.INTERACTIVE, time_limit_seconds=6 * 3600)
DELETE_BLOB = TaskKind("storage.delete-blob", DeleteBlob, Queue.MAINTENANCE)
REINDEX = TaskKind(
    "search.reindex", Reindex, Queue.INDEX, time_limit_seconds=24 * 3600, is_public=True, is_installation_wide=True
)
INDEX_VECTORS = TaskKind(
    "search.index-vectors", IndexVectors, Queue.MAINTENANCE, time_limit_seconds=24 * 3600, is_public=True,
    is_installation_wide=True,
)  # fmt: skip
RECONCILE_INDEX = TaskKind(
    "search.reconcile", ReconcileIndex, Queue.INDEX, time_limit_seconds=24 * 3600, is_public=True,
    is_installation_wide=True,
)  # fmt: skip
DROP_INDEX = TaskKind("search.drop", DropIndex, Queue.INDEX, is_public=True, is_installation_wide=True)
SEARCH_BY_IMAGE = TaskKind("search.by-image", SearchByImage, Queue.INTERACTIVE)
FIND_DUPLICATES = TaskKind("dedup.find", FindDuplicates, Queue.BULK, time_limit_seconds=6 * 3600)
APPLY_DUPLICATES = TaskKind(
    "dedup.apply", ApplyDuplicates, Queue.BULK, part_queue=Queue.HASH, time_limit_seconds=6 * 3600
)  # fmt: skip
FIND_CLUSTERS = TaskKind("clusters.find", FindClusters, Queue.BULK, time_limit_seconds=6 * 3600)
COLLECT_GARBAGE = TaskKind(
    "storage.gc", CollectGarbage, Queue.MAINTENANCE, time_limit_seconds=24 * 3600, is_public=True,
    is_installation_wide=True,
)  # fmt: skip
# One part after the other: webhooks may want their events in order.
REPLAY_WEBHOOK = TaskKind("webhooks.replay", ReplayWebhook, Queue.WEBHOOKS, part_queue=Queue.WEBHOOKS, window=1)
SWEEP = TaskKind("maintenance.sweep", Sweep, Queue.MAINTENANCE, is_public=True, is_installation_wide=True)

KINDS = {
    kind.name: kind
    for kind in (
        SCAN_POOL, VERIFY_POOL, DELETE_POOL, DELETE_LIBRARY, DELETE_COLLECTION, DELETE_TAG, ANNOUNCE_ASSETS,
        STORE_BINARY, IMPORT_ASSET, BULK_CREATE, BULK_UPDATE, CHANGE_CHOSEN, RUN_PIPELINE, STORE_ATTACHMENT,
        DELETE_BLOB, REINDEX, INDEX_VECTORS, RECONCILE_INDEX, DROP_INDEX, SEARCH_BY_IMAGE,
        FIND_DUPLICATES, APPLY_DUPLICATES, FIND_CLUSTERS, REPLAY_WEBHOOK, SWEEP, COLLECT_GARBAGE,
    )
}  # fmt: skip


def find_kind(name: str) -> TaskKind:
    """Give the kind of that name.

    Raises:
        InvalidInput: when there is none, listing those that exist.
    """
    if name not in KINDS:
        raise InvalidInput(f"Unknown task kind '{printable(name)}'; known: {', '.join(KINDS)}")
    return KINDS[name]
