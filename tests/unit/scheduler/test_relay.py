"""The relay: every committed event once, in the order of commits, and no wake-up lost for good."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest

from models.events import NewEvent
from models.ids import new_id
from models.messages import SCAN_POOL, SWEEP, Queue
from models.permissions import Actor
from models.services.event_log import NEXT_EVENTS, Position, last_position, read_events
from models.wiring import Platform
from scheduler.relay import EventRelay, ProgressRelay, resend_wakes
from tests.support.engines import empty_redis
from tests.support.handlers import Engine, ManyParts, OneStep
from tests.support.waiting import wait_until


class Listener:
    """What a web process hears."""

    def __init__(self, platform: Platform) -> None:
        self.frames: list[dict[str, Any]] = []
        self._platform = platform
        self._ready, self._done = Flag(), Flag()
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def _listen(self) -> None:
        for frame in self._platform.bus.listen(0.05):
            self._ready.set()
            if frame is not None:
                self.frames.append(frame)
            if self._done.is_set():
                return

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def types(self) -> list[str]:
        return [event["type"] for frame in self.frames for event in frame["events"]]


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    listener = Listener(platform)
    yield listener
    listener.stop()


def _publish(platform: Platform, actor: Actor, *names: str) -> None:
    with platform.unit_of_work() as uow:
        for name in names:
            uow.publish(NewEvent(name, actor.space_id, new_id(), actor.user_id))
        uow.commit()


def test_events_are_published_once_and_in_order(platform: Platform, actor: Actor, listener: Listener) -> None:
    relay = EventRelay(platform)
    relay.run_once()
    _publish(platform, actor, "asset.created", "asset.updated")
    _publish(platform, actor, "asset.deleted")
    relay.run_once()
    relay.run_once()
    wait_until(lambda: len(listener.types()) >= 3)
    assert listener.types() == ["asset.created", "asset.updated", "asset.deleted"]


def test_frames_tell_the_position_before_and_behind(platform: Platform, actor: Actor, listener: Listener) -> None:
    relay = EventRelay(platform)
    relay.run_once()
    for name in ("asset.created", "asset.updated"):
        _publish(platform, actor, name)
        relay.run_once()
    wait_until(lambda: len(listener.frames) == 2)
    assert listener.frames[1]["prev"] == listener.frames[0]["last"]


def test_of_a_flood_only_the_place_is_told(platform: Platform, actor: Actor, listener: Listener) -> None:
    relay = EventRelay(platform)
    relay.run_once()
    _publish(platform, actor, *["asset.created"] * 1200)
    assert relay.run_once(), "there may be more"
    assert not relay.run_once()
    _publish(platform, actor, "asset.updated")
    relay.run_once()
    wait_until(lambda: len(listener.frames) == 2)
    flood, single = listener.frames
    assert flood["events"] is None
    assert single["prev"] == flood["last"]
    assert [frame["type"] for frame in single["events"]] == ["asset.updated"]


def test_an_event_that_commits_late_is_not_stepped_over(platform: Platform, actor: Actor) -> None:
    """The earlier transaction draws the lower number and commits after the later one."""
    with platform.unit_of_work() as uow:
        start = last_position(uow)
    with platform.unit_of_work() as early:
        early.publish(NewEvent("early", actor.space_id, new_id()))
        early._write_events()
        early._events.clear()
        _publish(platform, actor, "late")
        with platform.unit_of_work() as reader:
            assert read_events(reader, start, 10) == [], "held back while the earlier one is open"
        early.commit()
    with platform.unit_of_work() as reader:
        assert [event.type for event in read_events(reader, start, 10)] == ["early", "late"]


def test_however_much_is_waiting_the_next_events_are_read_off_the_index(platform: Platform, actor: Actor) -> None:
    with platform.unit_of_work() as uow:
        start = last_position(uow)
        uow.publish_each("flood", actor.space_id, [new_id() for _ in range(20_000)], None)
        uow.commit()
    with platform.unit_of_work() as uow:
        for way in ("seqscan", "bitmapscan"):  # which a table that nobody has analysed may seem to be worth
            uow.execute(f"SET LOCAL enable_{way} = off")
        plan = uow.fetch("EXPLAIN " + NEXT_EVENTS, xid=start.xid, id=start.id, limit=1000)
    steps = "\n".join(row[0] for row in plan)
    assert "Index Scan using ix_event_xid_id" in steps, steps
    assert "Sort" not in steps, steps


def test_a_rolled_back_event_never_happened(platform: Platform, actor: Actor) -> None:
    with platform.unit_of_work() as uow:
        start = last_position(uow)
        uow.publish(NewEvent("never", actor.space_id, new_id()))
        uow._write_events()
    with platform.unit_of_work() as uow:
        assert read_events(uow, start, 10) == []


def test_another_cluster_does_not_hide_old_events(platform: Platform, actor: Actor) -> None:
    """After a dump and restore, transaction numbers begin anew."""
    relay = EventRelay(platform)
    relay.run_once()
    _publish(platform, actor, "before")
    relay.run_once()
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE event SET xid = '99999999999'")
        uow.execute("UPDATE relay_position SET system = 1, xid = '99999999999'")
        uow.commit()
    _publish(platform, actor, "after")
    relay.run_once()
    with platform.unit_of_work() as uow:
        assert [event.type for event in read_events(uow, Position(), 10)] == ["before", "after"]


def test_lost_wake_ups_are_sent_again(platform: Platform, actor: Actor) -> None:
    Engine(platform, actor).submit(SWEEP)
    empty_redis(platform.settings.broker_url)
    assert platform.bus.count_wakes(Queue.MAINTENANCE) == 0
    with platform.unit_of_work() as uow:
        resend_wakes(uow, platform.bus)
        resend_wakes(uow, platform.bus)
    assert platform.bus.count_wakes(Queue.MAINTENANCE) == 1, "one runnable part, one wake-up"


def test_nothing_runnable_wakes_nobody(platform: Platform, actor: Actor) -> None:
    engine = Engine(platform, actor)
    engine.submit(SWEEP)
    engine.run_all(OneStep())
    empty_redis(platform.settings.broker_url)
    with platform.unit_of_work() as uow:
        resend_wakes(uow, platform.bus)
    assert platform.bus.count_wakes(Queue.MAINTENANCE) == 0


def test_progress_is_published_when_it_moves(platform: Platform, actor: Actor, listener: Listener) -> None:
    engine, progress = Engine(platform, actor), ProgressRelay()
    engine.submit(SCAN_POOL)
    runtime = engine.runtime(ManyParts(parts=4))
    runtime.run_one(Queue.BULK)
    for _ in range(3):
        runtime.run_one(Queue.HASH)
        with platform.unit_of_work() as uow:
            progress.run_once(uow, platform.bus)
    wait_until(lambda: len(listener.types()) >= 2)
    assert set(listener.types()) == {"task.progressed"}


def test_like_events_are_written_at_once_and_keep_their_place(platform: Platform, actor: Actor) -> None:
    subjects = [new_id() for _ in range(3)]
    with platform.unit_of_work() as uow:
        start = last_position(uow)
        uow.publish(NewEvent("before", actor.space_id, new_id(), data={"some": "data"}))
        uow.publish_each("like", actor.space_id, subjects, actor.user_id)
        uow.publish_each("none", actor.space_id, [], actor.user_id)
        uow.publish(NewEvent("after", actor.space_id, new_id()))
        uow.commit()
    with platform.unit_of_work() as uow:
        events = read_events(uow, start, 10)
    assert [event.type for event in events] == ["before", "like", "like", "like", "after"]
    assert [event.subject_id for event in events[1:4]] == subjects
    assert all(event.actor_id == actor.user_id for event in events[1:4])
    assert [event.data for event in events] == [{"some": "data"}, {}, {}, {}, {}]
