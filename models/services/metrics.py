"""What operators watch, as it is now: tasks, queues, workers, pools, the log, the index, webhooks, the engines.

All of it is asked of PostgreSQL and Redis when somebody looks, so it is the same whichever process answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.bus import Bus
from models.errors import LoomError
from models.messages import Queue
from models.search import SearchReader
from models.services.health import LAG
from models.services.indexing import count_unindexed
from models.storage import BlobStore
from models.unit_of_work import UnitOfWork


class Sample(NamedTuple):
    """A value of a metric, told apart from its others by labels."""

    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True)
class Metric:
    """A gauge: its name without `loom_`, what it means, the names of the labels, and how its samples are asked for."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    statement: str


ASKED = (
    Metric("tasks", "Tasks that have not ended", ("kind", "state"),
           """SELECT kind, state, count(*) FROM task WHERE state IN ('PENDING', 'RUNNING', 'CANCELLING')
              GROUP BY 1, 2"""),
    Metric("tasks_ended", "Tasks that ended within the last hour", ("kind", "state"),
           """SELECT kind, state, count(*) FROM task WHERE finished > now() - interval '1 hour' GROUP BY 1, 2"""),
    Metric("parts", "Parts of tasks that are ready, run, or wait for their turn", ("queue", "state"),
           """SELECT queue, state, count(*) FROM task_part WHERE state IN ('READY', 'RUNNING', 'WAITING')
              GROUP BY 1, 2"""),
    Metric("queue_runnable", "Parts that a worker could run now", ("queue",),
           """SELECT queue, count(*) FROM task_part WHERE state = 'READY' AND ready_at <= clock_timestamp()
              GROUP BY 1"""),
    Metric("queue_oldest_seconds", "How long the part that waits longest could have run already", ("queue",),
           """SELECT queue, extract(epoch FROM clock_timestamp() - min(ready_at)) FROM task_part
              WHERE state = 'READY' AND ready_at <= clock_timestamp() GROUP BY 1"""),
    Metric("log_lag_seconds", "Age of the oldest event that a reader of the log has not got to", ("reader",), LAG),
    Metric("pool_scan_age_seconds", "Time since the last scan of a pool that has ended well", ("pool", "name"),
           """SELECT p.id, p.name, extract(epoch FROM clock_timestamp() - max(t.finished)) FROM pool p
               JOIN task t ON t.subject_id = p.id AND t.kind = 'pools.scan' AND t.state = 'SUCCEEDED'
               GROUP BY p.id"""),
    Metric("pool_scan_files_per_second", "How fast the last scan of a pool went", ("pool", "name"),
           """SELECT DISTINCT ON (p.id) p.id, p.name,
                   coalesce(t.total, t.done) / greatest(extract(epoch FROM t.finished - t.started), 0.001)
               FROM pool p JOIN task t ON t.subject_id = p.id AND t.kind = 'pools.scan'
                   AND t.state = 'SUCCEEDED' AND t.started IS NOT NULL ORDER BY p.id, t.finished DESC"""),
    Metric("index_drift_documents", "Documents that the last comparison of the text index has found wrong", (),
           """SELECT (result ->> 'missing')::float + (result ->> 'stale')::float + (result ->> 'removed')::float
               FROM task WHERE kind = 'search.reconcile' AND state = 'SUCCEEDED'
               ORDER BY finished DESC LIMIT 1"""),
    Metric("webhook_deliveries", "Deliveries that are pending or have failed for good", ("webhook", "state"),
           """SELECT webhook_id, state, count(*) FROM webhook_delivery WHERE state IN ('PENDING', 'FAILED')
              GROUP BY 1, 2"""),
    Metric("webhook_oldest_seconds", "Age of the oldest delivery of a webhook that is pending", ("webhook",),
           """SELECT webhook_id, extract(epoch FROM clock_timestamp() - min(created)) FROM webhook_delivery
              WHERE state = 'PENDING' GROUP BY 1"""),
    Metric("webhook_failures", "Attempts in a row that have failed", ("webhook",),
           "SELECT id, failures FROM webhook WHERE active"),
    Metric("webhook_disabled", "Whether Loom has given a webhook up", ("webhook",),
           "SELECT id, (disabled_reason IS NOT NULL)::int FROM webhook"),
    Metric("database_connections", "Connections to the database, by what they do", ("state",),
           """SELECT coalesce(state, 'none'), count(*) FROM pg_stat_activity WHERE datname = current_database()
              GROUP BY 1"""),
    Metric("database_bytes", "Size of the database", (), "SELECT pg_database_size(current_database())"),
    Metric("database_oldest_transaction_seconds", "Age of the oldest transaction: events wait for it to end", (),
           """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()"""),
)  # fmt: skip
"""Of the metrics that PostgreSQL knows: the last column of each row is the value, those before it are the labels."""
TOLD = {
    "queue_workers": ("Worker processes that serve a queue", ("queue",)),
    "worker_parts": ("Parts that a worker runs now", ("worker",)),
    "worker_load": ("Load of a worker's host, for each core", ("worker",)),
    "index_pending_events": ("Changes that the text index does not have yet", ()),
    "index_documents": ("Documents in the text index", ()),
    "storage_free_bytes": ("Room that is left in the blob store", ()),
    "redis_up": ("Whether Redis answers", ()),
}
"""Of the others: what they mean, and their labels."""


def ask_database(uow: UnitOfWork) -> Iterator[tuple[Metric, Sequence[Sample]]]:
    """Yield the metrics that PostgreSQL knows."""
    for metric in ASKED:
        rows = uow.fetch(metric.statement)
        yield metric, [Sample(tuple(map(str, row[:-1])), float(row[-1] or 0)) for row in rows]


def ask_others(
    uow: UnitOfWork, bus: Bus, search: SearchReader, blobs: BlobStore
) -> Iterator[tuple[str, Sequence[Sample]]]:  # fmt: skip
    """Yield the metrics of `TOLD`; those that nobody can tell now are left out."""
    workers = bus.workers()
    yield "redis_up", [Sample((), float(workers is not None))]
    if workers is not None:
        served = Counter(queue for worker in workers for queue in worker.queues)
        yield "queue_workers", [Sample((queue,), served[queue]) for queue in {*map(str, Queue), *served}]
        yield "worker_parts", [Sample((worker.name,), worker.running) for worker in workers]
        yield "worker_load", [Sample((worker.name,), worker.load) for worker in workers]
    documents, state = search.document_count(), search.state()
    if documents is not None and state is not None:
        yield "index_documents", [Sample((), documents)]
        yield "index_pending_events", [Sample((), count_unindexed(uow, state))]
    try:
        free = blobs.free_bytes()
    except LoomError:
        return
    if free is not None:
        yield "storage_free_bytes", [Sample((), free)]
