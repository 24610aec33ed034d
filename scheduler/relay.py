"""From rows to messages: events in the order of their commits, wake-ups that were lost, progress once a second.

Every frame of events carries the position before and behind it, so a listener sees at once when it has missed one. In
a flood only the positions are sent: whoever has somebody who listens reads the events, and nobody else has to.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from models.bus import Bus
from models.entities import Task, TaskState
from models.messages import RUN_PIPELINE, Queue
from models.services.event_log import Position, reach, read_events, reader_position, store_position
from models.services.frames import Frame, make_frame, progress_frame, stats_frame
from models.services.reaping import count_runnable, waiting_queues
from models.services.run_results import Tally, tallies_of
from models.services.webhook_claims import count_due
from models.unit_of_work import UnitOfWork
from models.wiring import Platform

READER = "relay"
_BATCH = 500
_FLOOD = 10_000
_MOST_WAKES = 16


class EventRelay:
    """Publishes each event at least once; listeners drop what they have seen by its position."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run_once(self) -> bool:
        """Publish the next events; True when there may be more at once."""
        with self._platform.unit_of_work() as uow:
            position = reader_position(uow, READER)
            events = read_events(uow, position, _BATCH)
            is_flood = len(events) == _BATCH
            if events:
                last = reach(uow, events[-1].position, _FLOOD) if is_flood else events[-1].position
                self._publish(position, last, None if is_flood else [make_frame(event) for event in events])
                store_position(uow, READER, last)
            uow.commit()
        return is_flood

    def _publish(self, before: Position, last: Position, frames: list[Frame] | None) -> None:
        self._platform.bus.publish({"prev": [before.xid, before.id], "last": [last.xid, last.id], "events": frames})


def resend_wakes(uow: UnitOfWork, bus: Bus) -> None:
    """Wake workers for parts that are runnable, and deliveries that are due, while there are fewer wake-ups."""
    for queue in waiting_queues(uow):
        runnable = count_runnable(uow, queue, _MOST_WAKES)
        if runnable:
            _top_up(bus, queue, runnable)
    if due := count_due(uow, _MOST_WAKES):
        _top_up(bus, Queue.WEBHOOKS, due)


def _top_up(bus: Bus, queue: str, wanted: int) -> None:
    waiting = bus.count_wakes(queue)
    if waiting is not None and waiting < wanted:
        bus.wake(queue, wanted - waiting)


class StatsRelay:
    """Publishes how far the nodes of running runs have come, those that moved since the last look."""

    def __init__(self) -> None:
        self._seen: dict[tuple[UUID, str], Tally] = {}

    def run_once(self, uow: UnitOfWork, bus: Bus) -> None:
        """Look at all runs that go on, once more at those that have just ended."""
        query = select(Task).where(Task.kind == RUN_PIPELINE.name, Task.state == TaskState.RUNNING)
        running = {run.id: run for run in uow.session.execute(query).scalars()}
        watched = running.keys() | {run_id for run_id, _ in self._seen}
        now: dict[tuple[UUID, str], Tally] = {}
        frames: list[Frame] = []
        for run_id in sorted(watched):
            run = running.get(run_id) or uow.session.get(Task, run_id)
            for node_id, tally in tallies_of(uow, run_id).items() if run else ():
                if run_id in running:
                    now[run_id, node_id] = tally
                if run and self._seen.get((run_id, node_id)) != tally:
                    frames.append(stats_frame(run, node_id, tally))
        self._seen = now
        if frames:
            bus.publish({"events": frames})


class ProgressRelay:
    """Publishes the progress of running tasks that moved since the last look."""

    def __init__(self) -> None:
        self._seen: dict[UUID, int] = {}

    def run_once(self, uow: UnitOfWork, bus: Bus) -> None:
        """Look at all running tasks once."""
        running = uow.session.execute(select(Task).where(Task.state == TaskState.RUNNING)).scalars().all()
        moved = [task for task in running if self._seen.get(task.id, task.revision) != task.revision]
        self._seen = {task.id: task.revision for task in running}
        if moved:
            bus.publish({"events": [progress_frame(task) for task in moved]})
