"""Tasks over the API: submitted, watched, cancelled, tried again, forgotten."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event

from models.bus import WorkerInfo
from models.messages import KINDS, Queue
from models.permissions import Entity, Permission, Verb
from models.services.task_parts import Outcome
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.finishing import begin, give_up, scan_with_failures, settle
from tests.support.people import make_space, make_user, sign_in
from tests.support.waiting import wait_until
from web.state import KEY

SWEEP = {"kind": "maintenance.sweep"}


def _submit(client: ApiClient, **more: Any) -> dict[str, Any]:
    task: dict[str, Any] = client.post("/tasks", {**SWEEP, **more}, expect=202)
    return task


def _scan(client: ApiClient, folder: Path) -> str:
    media = folder / "media"
    media.mkdir()
    pool = client.post("/asset-pools", {"name": "p", "fsPath": str(media)}, expect=201)
    return str(client.post(f"/asset-pools/{pool['uuid']}/scan", expect=202)["uuid"])


def test_life_of_a_task(client: ApiClient, platform: Platform) -> None:
    answer = client.request("POST", "/tasks", {**SWEEP, "title": "Tidy", "meta": {"a": 1}}, expect=202)
    task, path = answer.json, f"/tasks/{answer.json['uuid']}"
    assert answer.headers["Location"] == f"/api/v1{path}"
    assert (task["title"], task["state"], task["priority"], task["attempt"]) == ("Tidy", "PENDING", "MEDIUM", 0)
    assert task["traceId"] == answer.headers["X-Trace-Id"]
    assert task["progress"] == {"total": 1, "done": 0, "failed": 0, "skipped": 0, "percent": 0.0}
    assert {"started", "finished", "error", "result", "runMs"}.isdisjoint(task)
    assert "Retry-After" in client.request("GET", path).headers
    client.delete(path, expect=409)
    claimed = begin(platform, Queue.MAINTENANCE)
    running = client.get(path)
    assert running["state"] == "RUNNING"
    assert "waiting" not in running
    settle(platform, claimed, Outcome(done=1, result={"tasks": 3}))
    ended = client.request("GET", path)
    assert "Retry-After" not in ended.headers
    assert (ended.json["state"], ended.json["result"], ended.json["progress"]["percent"]) == (
        "SUCCEEDED", {"tasks": 3}, 100.0,
    )  # fmt: skip
    assert ended.json["waitMs"] >= 0
    assert ended.json["runMs"] >= 0
    client.post(f"{path}/cancel", expect=409)
    client.delete(path)
    client.get(path, expect=404)


def test_kinds_tell_their_payload(client: ApiClient) -> None:
    kinds = {kind["kind"]: kind for kind in client.get("/tasks/kinds")["data"]}
    assert set(kinds) == set(KINDS)
    assert kinds["pools.scan"]["submittable"] is False
    assert kinds["search.reindex"]["submittable"] is True
    assert all(kind["payload"]["type"] == "object" and kind["description"] for kind in kinds.values())


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": None}, {"kind": 5}, {"kind": "nothing"}, {"kind": "pools.scan"}, {"kind": "pools.scan\x00"},
        {**SWEEP, "payload": {"unknown": 1}}, {**SWEEP, "payload": []}, {**SWEEP, "priority": "URGENT"},
        {**SWEEP, "priority": 1}, {**SWEEP, "title": ""}, {**SWEEP, "title": "a" * 256}, {**SWEEP, "meta": "x"},
    ],
)  # fmt: skip
def test_bad_tasks_are_refused(client: ApiClient, body: dict[str, Any]) -> None:
    client.post("/tasks", body, expect=400)
    assert client.get("/tasks")["data"] == []


def test_why_it_waits(client: ApiClient, platform: Platform) -> None:
    first, second = _submit(client), _submit(client)
    assert first["waiting"] == {"reason": "No worker serves the queue 'maintenance'", "position": 1}
    assert second["waiting"]["position"] == 2
    platform.bus.announce(WorkerInfo("w", ("maintenance",)), 10)
    waiting = client.get("/tasks")["data"][1]["waiting"]
    assert waiting == {"reason": "Waits for a free worker"}
    client.patch(f"/tasks/{second['uuid']}", {"priority": "HIGH"})
    assert client.get(f"/tasks/{second['uuid']}")["waiting"]["position"] == 1
    assert client.get(f"/tasks/{first['uuid']}")["waiting"]["position"] == 2


def test_items_are_paged_and_tried_again(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    task = _scan(client, tmp_path)
    scan_with_failures(platform, 5)
    ended = client.get(f"/tasks/{task}")
    assert (ended["state"], ended["progress"]["failed"], ended["progress"]["total"]) == ("PARTIAL", 5, 10)
    items = client.all(f"/tasks/{task}/items", limit=2, state="FAILED")
    assert [item["index"] for item in items] == [0, 1, 2, 3, 4]
    assert items[0] == {"index": 0, "subject": "file 0", "state": "FAILED", "code": "unreadable", "message": "No"}
    assert client.get(f"/tasks/{task}/items", query_string={"state": "DONE"})["data"] == []
    client.get(f"/tasks/{task}/items", query_string={"state": "LOST"}, expect=400)
    client.get(f"/tasks/{task}/items", query_string={"from": "f" * 8 + "-ffff" * 3 + "-" + "f" * 12}, expect=400)
    again = client.post(f"/tasks/{task}/retry", {"items": "failed"}, expect=202)
    assert (again["state"], again["progress"]["failed"], again["progress"]["total"]) == ("PENDING", 0, 10)
    client.post(f"/tasks/{task}/retry", {"items": "all"}, expect=409)


def test_a_failed_task_tells_why_and_runs_again(client: ApiClient, platform: Platform) -> None:
    path = f"/tasks/{_submit(client)['uuid']}"
    give_up(platform, begin(platform, Queue.MAINTENANCE), "worker-died", "The worker died 3 times")
    failed = client.get(path)
    assert (failed["state"], failed["error"]) == (
        "FAILED", {"code": "worker-died", "message": "The worker died 3 times"},
    )  # fmt: skip
    bodies: tuple[Any, ...] = ({"items": "some"}, {"items": 1}, [])
    for bad in bodies:
        client.post(f"{path}/retry", bad, expect=400)
    assert client.post(f"{path}/retry", {"items": "all"}, expect=202)["state"] == "PENDING"
    settle(platform, begin(platform, Queue.MAINTENANCE))
    assert client.get(path)["state"] == "SUCCEEDED"
    client.post(f"{path}/retry", {"items": "failed"}, expect=409)


def test_cancel(client: ApiClient, platform: Platform) -> None:
    waiting, running = _submit(client)["uuid"], _submit(client)["uuid"]
    assert client.post(f"/tasks/{waiting}/cancel", expect=202)["state"] == "CANCELLED"
    begin(platform, Queue.MAINTENANCE)
    assert client.post(f"/tasks/{running}/cancel", expect=202)["state"] == "CANCELLING"
    assert client.post(f"/tasks/{running}/cancel", expect=202)["state"] == "CANCELLING"


def test_the_list_is_filtered_and_sorted(client: ApiClient, platform: Platform) -> None:
    low = _submit(client, priority="LOW")
    high = _submit(client, priority="CRITICAL")
    other = client.post("/tasks", {"kind": "search.reindex"}, expect=202)
    settle(platform, begin(platform, Queue.INDEX))

    def found(**query: str) -> list[str]:
        return [task["uuid"] for task in client.get("/tasks", query_string=query)["data"]]

    assert found(filter="kind[eq]=search.reindex") == [other["uuid"]]
    assert found(filter="state[ne]=SUCCEEDED") == [low["uuid"], high["uuid"]]
    assert found(filter="priority[eq]=CRITICAL") == [high["uuid"]]
    assert found(filter=f"creator[eq]={client.get('/me')['uuid']},state[eq]=SUCCEEDED") == [other["uuid"]]
    assert found(filter="queued[after]=2100-01-01T00:00:00Z") == []
    assert found(sort="priority", dir="desc") == [high["uuid"], other["uuid"], low["uuid"]]
    assert found(sort="finished")[0] == other["uuid"]
    assert [task["uuid"] for task in client.all("/tasks", sort="finished", limit=1)] == [
        other["uuid"], low["uuid"], high["uuid"],
    ]  # fmt: skip
    for bad in ("state[eq]=DONE", "priority[eq]=7", "queued[eq]=yesterday", "creator[eq]=me", "payload[eq]=x"):
        client.get("/tasks", query_string={"filter": bad}, expect=400)


def test_an_etag_covers_the_progress(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    path = f"/tasks/{_scan(client, tmp_path)}"
    etag = client.request("GET", path).headers["ETag"]
    client.request("GET", path, headers={"If-None-Match": etag}, expect=304)
    claimed = begin(platform, Queue.BULK)
    second = client.request("GET", path, headers={"If-None-Match": etag}, expect=200).headers["ETag"]
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE task SET total = 10")
        uow.execute("UPDATE task_part SET items_done = 3 WHERE id = :id", id=claimed.part_id)
        uow.commit()
    moved = client.request("GET", path, headers={"If-None-Match": second}, expect=200)
    assert moved.json["progress"]["done"] == 3
    client.request("PATCH", path, {"title": "x"}, headers={"If-Match": etag}, expect=412)
    client.request("PATCH", path, {"title": "x"}, headers={"If-Match": moved.headers["ETag"]}, expect=200)


def test_a_long_poll_answers_at_the_end_of_the_task(client: ApiClient, platform: Platform) -> None:
    path = f"/tasks/{_submit(client)['uuid']}"
    started = time.monotonic()
    assert client.get(path, query_string={"wait": "1"})["state"] == "PENDING"
    assert 0.9 < time.monotonic() - started < 3
    thread = _settle_once_awaited(client, platform)
    assert client.get(path, query_string={"wait": "60"})["state"] == "SUCCEEDED"
    assert time.monotonic() - started < 10
    thread.join()
    for bad in ("x", "-1", "1.5"):
        client.get(path, query_string={"wait": bad}, expect=400)
    assert client.get(path, query_string={"wait": "9" * 5000})["state"] == "SUCCEEDED"


def test_prefer_wait_answers_with_the_outcome(client: ApiClient, platform: Platform) -> None:
    thread = _settle_once_awaited(client, platform)
    answer = client.request("POST", "/tasks", SWEEP, headers={"Prefer": "wait=20"}, expect=200)
    thread.join()
    assert answer.json["state"] == "SUCCEEDED"
    assert answer.headers["Preference-Applied"] == "wait=20"


def _settle_once_awaited(client: ApiClient, platform: Platform) -> Thread:
    """Work the next task off as soon as a request waits for it."""
    hub = client.app.extensions[KEY].hub

    def run() -> None:
        wait_until(lambda: hub._bells)
        settle(platform, begin(platform, Queue.MAINTENANCE))

    thread = Thread(target=run)
    thread.start()
    return thread


def test_tasks_of_another_space_do_not_exist(client: ApiClient, platform: Platform) -> None:
    path = f"/tasks/{_submit(client)['uuid']}"
    with platform.unit_of_work() as uow:
        uow.execute("INSERT INTO space (id, name) VALUES (gen_random_uuid(), 'other')")
        uow.execute("UPDATE task SET space_id = (SELECT id FROM space WHERE name = 'other')")
        uow.commit()
    assert client.get("/tasks")["_metainfo"]["totalCount"] == 0
    for method, suffix in (("GET", ""), ("GET", "/items"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
        client.request(method, path + suffix, expect=404)


def test_lists_cost_the_same_number_of_statements(client: ApiClient, platform: Platform) -> None:
    _submit(client)
    few = _count_statements(client, platform)
    for _ in range(20):
        _submit(client)
    assert _count_statements(client, platform) == few


def _count_statements(client: ApiClient, platform: Platform) -> int:
    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(platform.engine, "before_cursor_execute", note)
    try:
        client.get("/tasks")
    finally:
        event.remove(platform.engine, "before_cursor_execute", note)
    return count


def test_the_place_in_the_queue_tells_nothing_of_other_spaces(client: ApiClient, platform: Platform) -> None:
    make_user(platform, "far", list(Permission), space_id=make_space(platform, "far"))
    far, path = sign_in(client.app, "far", "far"), "/assets/upload?filename=a.txt"
    for data in (b"a", b"b"):
        far.request("POST", path, data, expect=202)
    first = client.request("POST", path, b"c", expect=202).json
    assert first["waiting"]["position"] == 1
    assert client.request("POST", path, b"d", expect=202).json["waiting"]["position"] == 2
    far.get(f"/tasks/{first['uuid']}", expect=404)


def test_only_operators_set_off_what_concerns_all_spaces(client: ApiClient, platform: Platform) -> None:
    task = _submit(client)["uuid"]
    settle(platform, begin(platform, Queue.MAINTENANCE), Outcome(done=1))
    of_tasks = [Permission.of(verb, Entity.TASK) for verb in Verb]
    make_user(platform, "eve", of_tasks)
    eve = sign_in(client.app, "eve")
    assert eve.get(f"/tasks/{task}")["state"] == "SUCCEEDED"
    eve.post(f"/tasks/{task}/retry", {"items": "all"}, expect=403)
    make_user(platform, "far", list(Permission), space_id=make_space(platform, "far"))
    for caller in (eve, sign_in(client.app, "far", "far")):
        for kind in ("maintenance.sweep", "search.reindex"):
            caller.post("/tasks", {"kind": kind}, expect=403)
    client.post(f"/tasks/{task}/retry", {"items": "all"}, expect=202)
