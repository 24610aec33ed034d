"""What happens to runs is told as the wire contract (6.4) spells it, to those who may hear of it, and by filters."""

from __future__ import annotations

from typing import Any

import pytest

from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Actor, Permission
from models.services.audiences import audible
from models.services.event_log import Position, read_events
from models.services.frames import Frame, make_frame, public_frame
from models.wiring import Platform
from scheduler.relay import StatsRelay
from tests.support.client import ApiClient
from tests.support.people import make_user
from tests.support.runs import Runs, graph, node, picture
from web.subscribers import Wanted
from workers.inline import run_all, run_one


@pytest.fixture
def runs(client: ApiClient, platform: Platform) -> Runs:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    return Runs(client, platform)


def _frames(runs: Runs) -> list[Frame]:
    with runs.platform.reading() as uow:
        frames = [make_frame(event) for event in read_events(uow, Position(), 1000)]
    return [frame for frame in frames if frame["channel"] == "PIPELINE_RUN"]


def test_a_run_tells_of_its_beginning_failures_and_end(runs: Runs, actor: Actor) -> None:
    good, bad = runs.upload(picture("red")), runs.upload(b"\xff\xd8\xff broken", "b.jpg")
    run = runs.run(runs.make(graph(node("t", "thumbnail"))), [good, bad])
    frames = _frames(runs)
    told = [public_frame(frame) for frame in frames]
    assert [each["type"] for each in told] == ["PIPELINE_STARTED", "NODE_FAILED", "PIPELINE_COMPLETED"]
    assert {(each["pipelineName"], each["pipelineRunUuid"]) for each in told} == {("p", run["uuid"])}
    assert all("channel" not in each and isinstance(each["timestamp"], int) and each["id"] for each in told)
    failure = told[1]
    assert (failure["nodeId"], failure["mediaPath"], failure["assetUuid"]) == ("t", "b.jpg", bad)
    assert failure["message"]
    assert failure["itemUuid"] == runs.items(run, "?state=FAILED")[0]["uuid"]
    assert told[2]["durationMs"] >= 0
    item = failure["itemUuid"]
    wanted = [
        sum(Wanted(**asked).takes(frame) for frame in frames)
        for asked in ({}, {"pipeline": "p"}, {"pipeline": "q"}, {"run": run["uuid"]}, {"run": bad}, {"item": item},
                      {"pipeline": "p", "item": item}, {"pipeline": "q", "item": item})
    ]  # fmt: skip
    assert wanted == [3, 3, 0, 3, 0, 1, 1, 0]


def test_who_may_not_read_runs_or_the_asset_does_not_hear_of_them(runs: Runs, platform: Platform) -> None:
    bad = runs.upload(b"\xff\xd8\xff broken", "b.jpg")
    runs.run(runs.make(graph(node("t", "thumbnail"))), [bad])
    frames = _frames(runs)
    heard: list[int] = []
    for name, permissions in (
        ("none", ()), ("runs", (Permission.READ_PIPELINE_RUN,)),
        ("both", (Permission.READ_PIPELINE_RUN, Permission.READ_ASSET)),
    ):  # fmt: skip
        listener = make_user(platform, name, permissions)
        heard.append(len(audible(platform.reading, listener, frames)))
    assert heard == [0, 2, 3], "a failure names an asset"


def test_counters_of_nodes_are_told_while_they_move(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = [runs.upload(picture("red", (40 + number, 40)), f"{number}.jpg") for number in range(60)]
    pipeline = runs.make(graph(node("m", "md5")))
    runs.client.post(f"/pipelines/{pipeline}/run", {"mediaUuids": assets}, expect=202)
    sent: list[Any] = []

    def publish(frame: dict[str, Any]) -> None:
        sent.extend(public_frame(each) for each in frame["events"])

    monkeypatch.setattr(runs.platform.bus, "publish", publish)
    stats = StatsRelay()

    def look() -> list[tuple[Any, ...]]:
        sent.clear()
        with runs.platform.unit_of_work() as uow:
            stats.run_once(uow, runs.platform.bus)
        return [(each["nodeId"], each["processedCount"], each["pendingCount"]) for each in sent]

    run_one(runs.platform, Queue.BULK)
    assert look() == []
    run_one(runs.platform, Queue.MEDIA)
    assert look() == [("m", 50, 10), ("source", 50, 10)]
    assert {each["type"] for each in sent} == {"NODE_STATS"}
    assert look() == [], "nothing has moved"
    run_all(runs.platform)
    assert look() == [("m", 60, 0), ("source", 60, 0)], "once more after the end"
    assert look() == []
