"""Pipelines that run by themselves, rest, go on, and look again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models.bus import WorkerInfo
from models.messages import RUN_PIPELINE, Queue
from models.payloads import RunPipeline
from models.permissions import Actor
from models.services.auto_runs import follow
from models.services.bootstrap import bootstrap
from models.services.default_pipeline import DEFINITION
from models.services.schedules import submit_due
from models.services.tasks import submit
from models.wiring import Platform
from tests.support import media_files
from tests.support.client import ApiClient
from tests.support.engines import empty_tables
from tests.support.platforms import execute, rows
from tests.support.runs import MD5, Pooled, Runs, bulk_assets, graph, node, picture
from tests.support.settings import PASSWORD
from workers.inline import run_all


@pytest.fixture
def runs(client: ApiClient, platform: Platform) -> Runs:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    _follow(platform)
    return Runs(client, platform)


def _follow(platform: Platform) -> None:
    with platform.unit_of_work() as uow:
        while follow(uow, 3):
            pass
        uow.commit()
    run_all(platform)


def _counts(runs: Runs) -> dict[str, int]:
    """How many assets each pipeline was run on."""
    found = rows(
        runs.platform,
        """SELECT pipeline.name, count(*) FROM run_item JOIN task ON task.id = task_id
           JOIN pipeline ON pipeline.id = subject_id GROUP BY 1""",
    )
    return dict(found)


def test_of_several_pipelines_the_one_with_the_highest_priority_takes_what_comes_in(runs: Runs) -> None:
    runs.make(MD5, name="all", trigger={"auto": True})
    runs.make(MD5, name="jpegs", trigger={"auto": True, "mimeTypes": ["image/jpeg"]}, priority=5)
    runs.make(MD5, name="off", trigger={"auto": True}, priority=9, enabled=False)
    runs.make(MD5, name="asked only", priority=9)
    runs.upload(picture("red"))
    runs.upload(b"words", "a.txt")
    _follow(runs.platform)
    assert _counts(runs) == {"all": 1, "jpegs": 1}
    _follow(runs.platform)
    assert _counts(runs) == {"all": 1, "jpegs": 1}, "each asset is taken once"


def test_what_has_no_bytes_yet_waits_for_them(runs: Runs) -> None:
    runs.make(MD5, name="all", trigger={"auto": True})
    bulk_assets(runs, 1)
    _follow(runs.platform)
    assert _counts(runs) == {}


def test_pools_and_libraries_choose(runs: Runs, tmp_path: Path) -> None:
    pooled = Pooled(runs, tmp_path / "one")
    _follow(runs.platform)
    library = runs.client.post("/libraries", {"name": "L", "poolUuids": [pooled.pool]}, expect=201)["uuid"]
    runs.make(MD5, name="by pool", trigger={"auto": True, "poolUuids": [pooled.pool]}, priority=1)
    other = runs.make(MD5, name="by library", trigger={"auto": True, "libraryUuids": [library]}, priority=2)
    runs.upload(picture("blue"), "elsewhere.jpg")
    (tmp_path / "one" / "b.jpg").write_bytes(picture("green"))
    pooled.scan()
    _follow(runs.platform)
    assert _counts(runs) == {"by library": 1}
    runs.client.patch(f"/pipelines/{other}", {"enabled": False})
    (tmp_path / "one" / "c.jpg").write_bytes(picture("black"))
    pooled.scan()
    _follow(runs.platform)
    assert _counts(runs) == {"by library": 1, "by pool": 1}


def test_a_schedule_runs_on_all_that_the_pipeline_is_for(runs: Runs) -> None:
    runs.upload(picture("red"))
    runs.upload(b"words", "a.txt")
    pipeline = runs.make(MD5, name="nightly", trigger={"schedule": "1h", "mimeTypes": ["image/*"]})
    execute(runs.platform, "UPDATE schedule SET next_run = now() - interval '1 s' WHERE pipeline_id IS NOT NULL")
    with runs.platform.unit_of_work() as uow:
        submit_due(uow, 3)
        uow.commit()
    run_all(runs.platform)
    assert _counts(runs) == {"nightly": 1}
    runs.client.patch(f"/pipelines/{pipeline}", {"trigger": {"mimeTypes": ["image/*"]}})
    assert rows(runs.platform, "SELECT count(*) FROM schedule WHERE pipeline_id IS NOT NULL") == [(0,)]
    bad: Any
    for bad in ({"schedule": "often"}, {"schedule": "1s"}, {"auto": "x"}, {"mimeTypes": [1]}, []):
        runs.client.post("/pipelines", {"name": "q", "definition": MD5, "trigger": bad}, expect=400)


def test_versions_keep_their_triggers(runs: Runs) -> None:
    pipeline = runs.make(MD5, trigger={"auto": True, "mimeTypes": ["image/*"]})
    shown = runs.client.get(f"/pipelines/{pipeline}")
    assert shown["trigger"] == {
        "auto": True, "mimeTypes": ["image/*"], "poolUuids": [], "libraryUuids": [],
    }  # fmt: skip
    runs.client.patch(f"/pipelines/{pipeline}", {"trigger": {"auto": False}})
    versions = runs.client.get(f"/pipelines/{pipeline}/versions")["data"]
    assert [each["trigger"]["auto"] for each in versions] == [True, False]
    runs.client.post(f"/pipelines/{pipeline}/versions/1/restore", {}, expect=201)
    assert runs.client.get(f"/pipelines/{pipeline}")["trigger"]["auto"] is True


def test_who_made_a_pipeline_and_is_gone_makes_it_rest(runs: Runs) -> None:
    pipeline = runs.make(MD5, name="all", trigger={"auto": True})
    execute(runs.platform, "UPDATE pipeline SET editor_id = gen_random_uuid()")
    runs.upload(picture("red"))
    _follow(runs.platform)
    assert _counts(runs) == {}
    runs.client.patch(f"/pipelines/{pipeline}", {"description": "mine now"})
    runs.upload(picture("blue"), "b.jpg")
    _follow(runs.platform)
    assert _counts(runs) == {"all": 1}


def test_a_fresh_installation_looks_at_what_comes_in(platform: Platform, runs: Runs) -> None:
    empty_tables(platform.engine)
    with platform.unit_of_work() as uow:
        bootstrap(uow, PASSWORD, has_pipeline=True)
        bootstrap(uow, PASSWORD, has_pipeline=True)
        uow.commit()
    found = rows(platform, "SELECT name, enabled, trigger, version_number FROM pipeline")
    assert found == [("ingest", True, {"auto": True}, 1)]


def test_the_default_pipeline_is_sound_and_knows_every_family(runs: Runs) -> None:
    told = runs.client.post("/pipelines/validate", {"definition": DEFINITION})
    assert (told["valid"], told["errors"], told["warnings"]) == (True, [], [])
    runs.make(DEFINITION, name="ingest", trigger={"auto": True})
    runs.upload(picture("red"))
    runs.upload(media_files.video(), "b.mp4")
    runs.upload(media_files.sound(), "c.flac")
    runs.upload(media_files.make_pdf("Hello"), "d.pdf")
    runs.upload(media_files.make_docx(), "e.docx")
    runs.upload(b"plain words", "f.txt")
    _follow(runs.platform)
    states = rows(runs.platform, "SELECT filename, state, message FROM run_item ORDER BY filename")
    assert [row[1:] for row in states] == [("SUCCESS", None)] * 6, states
    types = {each["filename"] for each in runs.client.get("/attachments")["data"]}
    assert types == {"thumbnail.webp"}
    assert len(runs.client.get("/attachments")["data"]) == 4


def test_what_failed_is_tried_again(runs: Runs, tmp_path: Path) -> None:
    pooled = Pooled(runs, tmp_path / "one")
    status = (tmp_path / "one" / "a.jpg").stat()
    (tmp_path / "one" / "a.jpg").rename(tmp_path / "away")
    pipeline = runs.make(MD5)
    run = runs.run(pipeline, [pooled.asset()])
    assert run["status"] == "FAILED"
    (tmp_path / "away").rename(tmp_path / "one" / "a.jpg")
    assert (tmp_path / "one" / "a.jpg").stat().st_mtime_ns == status.st_mtime_ns
    runs.client.post(f"/pipelines/{pipeline}/runs/{run['uuid']}/retry", expect=200)
    run_all(runs.platform)
    again = runs.client.get(f"/pipelines/{pipeline}/runs/{run['uuid']}")
    assert (again["status"], again["successCount"], again["failureCount"]) == ("SUCCESS", 1, 0)


def test_from_a_node_on_all_is_looked_at_again(runs: Runs) -> None:
    asset = runs.upload(picture("red"))
    pipeline = runs.make(graph(node("m", "md5"), node("d", "dominant-color")))
    runs.run(pipeline, [asset])
    run = runs.run(pipeline, [asset], fromNode="d")
    done = runs.tasks(run, runs.items(run)[0])
    assert (done["m"]["origin"], done["d"]["origin"]) == ("CACHED", "COMPUTED")
    body = {"mediaUuids": [asset], "fromNode": "nobody"}
    runs.client.post(f"/pipelines/{pipeline}/run", body, expect=400)


def test_what_an_older_version_made_is_made_again(runs: Runs) -> None:
    first, second = runs.upload(picture("red")), runs.upload(picture("blue"), "b.jpg")
    pipeline = runs.make(MD5)
    runs.run(pipeline, [first, second])
    assert runs.run(pipeline, outdated=True)["mediaCount"] == 0
    execute(runs.platform, f"UPDATE node_result SET version = '0', key = 'old' WHERE asset_id = '{first}'")
    run = runs.run(pipeline, outdated=True)
    assert (run["mediaCount"], runs.items(run)[0]["assetUuid"]) == (1, first)
    assert runs.run(pipeline, outdated=True)["mediaCount"] == 0


def test_runs_are_for_a_pool_a_folder_or_patterns(runs: Runs, tmp_path: Path) -> None:
    pooled = Pooled(runs, tmp_path / "one")
    for name, colour in (("x/b.jpg", "blue"), ("x/y/c.jpg", "green"), ("xy.jpg", "black"), ("x_z.jpg", "white")):
        (tmp_path / "one" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "one" / name).write_bytes(picture(colour))
    pooled.scan()
    runs.upload(picture("pink"), "up.jpg")
    pipeline = runs.make(MD5)

    def chosen(**body: Any) -> int:
        return int(runs.run(pipeline, **body)["mediaCount"])

    pool = pooled.pool
    assert [chosen(poolUuid=pool), chosen(poolUuid=pool, path="x"), chosen(poolUuid=pool, path="x/b.jpg")] == [5, 2, 1]
    assert [chosen(pathGlobs=[glob]) for glob in ("x/*", "*.jpg", "x?.jpg", "x_z*", "none")] == [2, 5, 1, 1, 0]
    bad: Any
    for bad in ({}, {"path": "x"}, {"poolUuid": "x"}, {"poolUuid": pipeline}, {"pathGlobs": []}):
        answer = runs.client.request("POST", f"/pipelines/{pipeline}/run", bad)
        assert answer.status_code in {400, 404}, bad


def test_a_run_that_says_nothing_is_for_nothing(runs: Runs, actor: Actor) -> None:
    runs.upload(picture("red"))
    pipeline = runs.make(MD5)
    for is_for_all, count in ((False, 0), (True, 1)):
        payload = RunPipeline(pipeline_uuid=UUID(pipeline), version=1, is_for_all=is_for_all)
        with runs.platform.unit_of_work() as uow:
            task = submit(
                uow, RUN_PIPELINE, payload, space_id=actor.space_id, title="Run", actor=actor, max_attempts=3
            )  # fmt: skip
            uow.commit()
        run_all(runs.platform)
        assert rows(runs.platform, f"SELECT count(*) FROM run_item WHERE task_id = '{task.id}'") == [(count,)]
