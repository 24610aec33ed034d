"""Runs whose parts are worked on one at a time: they rest, are stopped, and hand on what they have no time for."""

from __future__ import annotations

from typing import Any

import pytest

from models.bus import WorkerInfo
from models.messages import Queue
from models.services.reaping import reopen_windows
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.platforms import rows
from tests.support.runs import MD5, Runs, bulk_assets
from workers.handlers import run_pipeline
from workers.handlers.run_pipeline import RunPipelineHandler
from workers.inline import run_all, run_one


@pytest.fixture
def runs(client: ApiClient, platform: Platform) -> Runs:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    return Runs(client, platform)


class Stepwise:
    """A run of many small parts, worked on one part at a time."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.pipeline = runs.make(MD5)

    def start(self, assets: list[str]) -> str:
        body = {"mediaUuids": assets}
        return str(self.runs.client.post(f"/pipelines/{self.pipeline}/run", body, expect=202)["runUuid"])

    def show(self, run: str) -> Any:
        return self.runs.client.get(f"/pipelines/{self.pipeline}/runs/{run}")

    def act(self, run: str, verb: str, expect: int = 200) -> Any:
        return self.runs.client.post(f"/pipelines/{self.pipeline}/runs/{run}/{verb}", expect=expect)


def test_a_run_rests_and_goes_on(runs: Runs) -> None:
    stepwise, assets = Stepwise(runs), bulk_assets(runs, 1000)
    run = stepwise.start(assets)
    run_one(runs.platform, Queue.BULK)
    run_one(runs.platform, Queue.MEDIA)
    stepwise.act(run, "pause")
    stepwise.act(run, "pause")
    before = stepwise.show(run)
    assert before["status"] == "PAUSED"
    with runs.platform.unit_of_work() as uow:
        assert reopen_windows(uow) == 0
        uow.commit()
    run_all(runs.platform)
    assert stepwise.show(run)["failureCount"] == before["failureCount"] == 250
    stepwise.act(run, "resume")
    run_all(runs.platform)
    ended = stepwise.show(run)
    assert (ended["status"], ended["failureCount"], ended["mediaCount"]) == ("FAILED", 1000, 1000)
    assert [(each["nodeId"], each["processedCount"], each["failedCount"]) for each in ended["nodes"]] == [
        ("m", 1000, 1000), ("source", 1000, 0),
    ]  # fmt: skip
    for verb in ("pause", "resume"):
        stepwise.act(run, verb, expect=409)


def test_a_run_that_rests_can_be_stopped(runs: Runs) -> None:
    stepwise, assets = Stepwise(runs), bulk_assets(runs, 200)
    run = stepwise.start(assets)
    run_one(runs.platform, Queue.BULK)
    stepwise.act(run, "pause")
    stepwise.act(run, "cancel")
    run_all(runs.platform)
    assert stepwise.show(run)["status"] == "CANCELLED"


def test_a_part_hands_on_what_it_has_no_time_for(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_pipeline, "_PART_SECONDS", 0)
    stepwise, assets = Stepwise(runs), bulk_assets(runs, 60)
    run = stepwise.start(assets)
    run_all(runs.platform)
    ended = stepwise.show(run)
    assert (ended["status"], ended["failureCount"], ended["mediaCount"]) == ("FAILED", 60, 60)
    ((parts,),) = rows(runs.platform, f"SELECT count(*) FROM task_part WHERE task_id = '{run}' AND role = 'WORK'")
    assert parts == 60, "each did the one that it must"


def test_what_was_handed_on_is_stopped_with_the_run(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_pipeline, "_PART_SECONDS", 0)
    stepwise, assets = Stepwise(runs), bulk_assets(runs, 60)
    run = stepwise.start(assets)
    looked_at = RunPipelineHandler.compute

    def compute(*given: Any) -> Any:
        ran = looked_at(*given)
        stepwise.act(run, "cancel")
        return ran

    run_one(runs.platform, Queue.BULK)
    monkeypatch.setattr(RunPipelineHandler, "compute", compute)
    run_one(runs.platform, Queue.MEDIA)
    run_all(runs.platform)
    ended = stepwise.show(run)
    assert (ended["status"], ended["failureCount"]) == ("CANCELLED", 1)
    assert rows(runs.platform, "SELECT 1 FROM task_part WHERE state IN ('READY', 'WAITING', 'RUNNING')") == []
