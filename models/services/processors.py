"""Workers as whoever plans pipelines sees them: which kinds of node run where, and which run nowhere now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.bus import WorkerInfo, WorkerState
from models.messages import Queue
from models.pipelines.graph import Graph
from models.queues import media_queue
from models.services.node_kinds import custom_kinds
from models.unit_of_work import UnitOfWork

_AT_WORK = (WorkerState.ONLINE, WorkerState.PAUSED)
"""A worker that is paused is meant to go on: what waits for it is not lost."""


def queue_of(graph: Graph) -> str:
    """Name the queue whose workers have all that the nodes of a graph need."""
    return media_queue(node.descriptor.capability for node in graph.nodes.values())


def missing_kinds(uow: UnitOfWork, graph: Graph, workers: Sequence[WorkerInfo] | None) -> list[str]:
    """Give the kinds of a graph that no worker can run together with the others now; none if nobody knows."""
    kinds = sorted({node.descriptor.kind for node in graph.nodes.values()})
    if workers is None:
        return []
    queue, custom = queue_of(graph), custom_kinds(uow)
    able = [worker for worker in workers if queue in worker.queues and worker.state in _AT_WORK]
    if not able:
        return [kind for kind in kinds if kind in custom] or kinds
    needed = custom.intersection(kinds)
    if any(needed.issubset(worker.kinds) for worker in able):
        return []
    offered = {kind for worker in able for kind in worker.kinds}
    return sorted(needed - offered) or sorted(needed)


def kinds_nowhere(uow: UnitOfWork, kinds: Iterable[str], workers: Sequence[WorkerInfo] | None) -> set[str]:
    """Give those of these kinds that packages bring and that no worker has now."""
    if workers is None:
        return set()
    return custom_kinds(uow).intersection(kinds) - {kind for worker in workers for kind in worker.kinds}


def capabilities_of(worker: WorkerInfo) -> list[str]:
    """Give the words of a worker beyond what all have."""
    routed = (queue.partition(".")[2] for queue in worker.queues if queue.startswith(f"{Queue.MEDIA}."))
    return sorted({word for words in routed for word in words.split("+")})
