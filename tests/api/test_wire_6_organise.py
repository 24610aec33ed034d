"""Section 6 of the wire contract: libraries, collections, spaces, pipelines, webhooks, tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models.messages import Queue
from models.permissions import Actor
from models.services.task_parts import Outcome
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.finishing import begin, settle
from tests.support.organising import make_assets, uuids

NOBODY = str(UUID(int=1))
ENTITIES = ("USER", "GROUP", "ROLE", "TAG", "WEBHOOK")
TRIGGERS = [f"{entity}_{verb}" for entity in ENTITIES for verb in ("CREATED", "UPDATED", "DELETED")] + [
    "USER_LOGGED_IN", "USER_MAPPED", "ASSET_UPLOADED", "ASSET_CREATED", "ASSET_UPDATED", "ASSET_DELETED",
    "ASSET_TAGGED",
]  # fmt: skip


@pytest.fixture
def pool(client: ApiClient, tmp_path: Path) -> str:
    (tmp_path / "media").mkdir()
    return str(client.post("/pools", {"name": "p", "fsPath": str(tmp_path / "media")}, expect=201)["uuid"])


@pytest.mark.parametrize("holder", ["libraries", "collections"])
def test_6_1_put_adds_several_and_counts_them(
    client: ApiClient, platform: Platform, actor: Actor, holder: str
) -> None:  # fmt: skip
    assets = make_assets(platform, actor.space_id, 3)
    path = f"/{holder}/{client.post(f'/{holder}', {'name': 'x'}, expect=201)['uuid']}/assets"
    client.post(path, {"assetUuid": assets[0]}, expect=201)
    told = client.request("PUT", path, {"assetUuids": [*assets, NOBODY]}, expect=200).json
    assert told == {"total": 4, "added": 2, "failed": 1, "failedUuids": [NOBODY]}
    page = client.get(path)
    assert uuids(page) == assets
    assert page["_metainfo"]["totalCount"] == 3
    client.delete(f"{path}/{assets[0]}")
    assert uuids(client.get(path)) == assets[1:]


def test_6_1_a_library_has_a_storage_type_and_a_pool_for_uploads(client: ApiClient, pool: str) -> None:
    plain = client.post("/libraries", {"name": "a"}, expect=201)
    assert plain["storageType"] == "filesystem"
    made = client.post("/libraries", {"name": "b", "poolUuid": pool}, expect=201)
    assert (made["poolUuid"], made["poolUuids"], made["storageType"]) == (pool, [pool], "filesystem")
    client.post("/libraries", {"poolUuid": pool}, expect=400)
    client.post("/collections", {"name": "c"}, expect=201)
    client.post("/collections", {"name": "c"}, expect=409)


def test_6_1_users_of_a_space(client: ApiClient) -> None:
    space = client.post("/spaces", {"name": "s"}, expect=201)["uuid"]
    user = client.post("/users", {"username": "u"}, expect=201)["uuid"]
    for status in (201, 200):
        assert client.post(f"/spaces/{space}/users/{user}", expect=status)["uuid"] == space
    client.post("/spaces", {}, expect=400)


def test_6_1_libraries_and_collections_of_a_space(client: ApiClient) -> None:
    here, there = client.get("/me")["spaceUuid"], client.post("/spaces", {"name": "s"}, expect=201)["uuid"]
    for kind in ("libraries", "collections"):
        made = client.post(f"/{kind}", {"name": "a"}, expect=201)["uuid"]
        assert [each["uuid"] for each in client.get(f"/spaces/{here}/{kind}")["data"]] == [made]
        assert client.get(f"/spaces/{there}/{kind}")["data"] == []
        assert client.post(f"/spaces/{here}/{kind}/{made}")["uuid"] == here
        client.post(f"/spaces/{there}/{kind}/{made}", expect=409)


def test_6_2_a_pipeline_needs_no_definition_and_counts_its_versions(client: ApiClient) -> None:
    made = client.post("/pipelines", {"name": "p"}, expect=201)
    path = f"/pipelines/{made['uuid']}"
    assert (made["versionNumber"], UUID(made["versionUuid"]).version) == (1, 7)
    ports = {"sourcePort": "media", "targetPort": "media"}
    graph = {"nodes": [{"id": "a", "type": "asset-source", "name": "A"}, {"id": "b", "type": "md5"}],
             "edges": [{"id": "e", "source": "a", "target": "b", **ports}]}  # fmt: skip
    changed = client.post(path, {"definition": graph, "description": "d", "priority": 3, "dryRun": True})
    assert changed["definition"] == {**graph, "version": 1}
    assert (changed["versionNumber"], changed["dryRun"], changed["priority"]) == (2, True, 3)
    restored = client.post(f"{path}/versions/1/restore", {"name": "q", "description": "again"}, expect=201)
    assert (restored["name"], restored["description"]) == ("q", "again")
    assert [version["number"] for version in client.get(f"{path}/versions")["data"]] == [1, 2, 3]
    client.get(f"{path}/versions/x", expect=404)


def test_6_3_combined_descriptors_have_three_parts(client: ApiClient) -> None:
    assert set(client.get("/pipeline/node-descriptors")) == {"nodeDescriptors", "contentTypes", "availability"}
    kinds = client.get("/pipeline/content-types")["data"]
    assert all({"id", "label", "family", "description", "wildcard"} == set(kind) for kind in kinds)
    client.get("/pipeline/node-descriptors/nothing", expect=404)


def test_6_5_webhooks_know_all_triggers_and_hide_the_secret(client: ApiClient) -> None:
    body = {"url": "https://example.org/hook", "triggers": TRIGGERS, "secretToken": "hush, hush"}
    made = client.post("/webhooks", body, expect=201)
    assert (made["triggers"], made["active"], made["hasSecret"]) == (TRIGGERS, True, True)
    assert b"hush, hush" not in client.request("GET", "/webhooks").data
    client.post("/webhooks", {"triggers": []}, expect=400)
    assert client.patch(f"/webhooks/{made['uuid']}", {"triggers": ["ASSET_CREATED"]})["triggers"] == ["ASSET_CREATED"]


@pytest.fixture
def task(client: ApiClient) -> dict[str, Any]:
    body = {"kind": "search.reindex", "priority": "HIGH", "meta": {"a": 1}}
    submitted: dict[str, Any] = client.post("/tasks", body, expect=202)
    return submitted


def test_6_6_a_task_has_all_its_fields_while_it_lives(
    client: ApiClient, platform: Platform, task: dict[str, Any]
) -> None:  # fmt: skip
    always = {"uuid", "status", "meta", "kind", "title", "state", "payload", "priority", "progress", "attempt",
              "maxAttempts", "queued", "waitMs", "traceId"}  # fmt: skip
    assert set(task) == always | {"waiting"}
    assert (task["state"], task["priority"], task["waiting"]["reason"]) == (
        "PENDING",
        "HIGH",
        task["waiting"]["reason"],
    )
    claimed = begin(platform, Queue.INDEX)
    path = f"/tasks/{task['uuid']}"
    assert always | {"started", "runMs"} <= set(client.get(path))
    settle(platform, claimed, Outcome(done=1, result={"n": 1}))
    ended = client.get(path)
    assert set(ended) == always | {"started", "finished", "runMs", "result"}
    assert ended["result"] == {"n": 1}


def test_6_6_accepted_work_names_its_task(client: ApiClient, pool: str) -> None:
    for method, path, body in (
        ("POST", "/tasks", {"kind": "search.reindex"}), ("POST", f"/pools/{pool}/scan", None),
        ("POST", "/assets/upload?filename=a", b"x"),
    ):  # fmt: skip
        answer = client.request(method, path, body, expect=202)
        assert answer.headers["Location"] == f"/api/v1/tasks/{answer.json['uuid']}"
        assert int(answer.headers["Retry-After"]) > 0


def test_6_6_a_task_is_changed_cancelled_retried_and_forgotten(client: ApiClient, task: dict[str, Any]) -> None:
    path = f"/tasks/{task['uuid']}"
    assert client.post(path, {"title": "T", "priority": "LOW", "kind": "x"})["title"] == "T"
    client.delete(path, expect=409)
    client.post(f"{path}/retry", expect=409)
    assert client.post(f"{path}/cancel", expect=202)["state"] == "CANCELLED"
    client.post(f"{path}/cancel", expect=409)
    assert client.post(f"{path}/retry", {"items": "all"}, expect=202)["state"] == "PENDING"
    client.post(f"{path}/cancel", expect=202)
    client.delete(path)


def test_6_6_kinds_tell_what_a_payload_is(client: ApiClient) -> None:
    kinds = {kind["kind"]: kind for kind in client.get("/tasks/kinds")["data"]}
    assert {"pools.scan", "search.reindex"} <= set(kinds)
    assert all(kind["payload"]["type"] == "object" for kind in kinds.values())


def test_6_6_a_poll_has_an_etag_and_a_waiting_time(client: ApiClient, task: dict[str, Any]) -> None:
    answer = client.request("GET", f"/tasks/{task['uuid']}?wait=0", expect=200)
    assert answer.headers["Retry-After"]
    client.request("GET", f"/tasks/{task['uuid']}", headers={"If-None-Match": answer.headers["ETag"]}, expect=304)
