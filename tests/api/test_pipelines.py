"""Pipelines as they are stored, with every version, and what they are made of; webhooks as they are stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in

GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "source", "type": "asset-source"},
        {"id": "hash", "type": "sha512", "options": {"maxAttempts": 1}},
    ],
    "edges": [{"source": "source", "target": "hash", "branch": "ANY"}],
}


def _versions(client: ApiClient, path: str) -> list[int]:
    return [version["number"] for version in client.all(f"{path}/versions", limit=2)]


def test_every_change_is_a_version_and_can_be_restored(client: ApiClient) -> None:
    made = client.post("/pipelines", {"name": "p", "definition": GRAPH}, expect=201)
    path = f"/pipelines/{made['uuid']}"
    assert (made["versionNumber"], made["enabled"], made["priority"], made["dryRun"]) == (1, True, 0, False)
    assert made["definition"] == {**GRAPH, "version": 1}
    assert client.patch(path, {"priority": 5})["versionNumber"] == 2
    unchanged = client.patch(path, {"priority": 5, "meta": {"a": 1}})
    assert (unchanged["versionNumber"], unchanged["meta"]) == (2, {"a": 1})
    assert _versions(client, path) == [1, 2]
    first = client.get(f"{path}/versions/1")
    assert (first["priority"], first["definition"]) == (0, made["definition"])
    restored = client.post(f"{path}/versions/1/restore", {"name": "as it was"}, expect=201)
    assert (restored["number"], restored["name"], restored["priority"]) == (3, "as it was", 0)
    now = client.get(path)
    assert (now["versionNumber"], now["versionUuid"], now["name"]) == (3, restored["uuid"], "as it was")
    client.get(f"{path}/versions/9", expect=404)
    client.post(f"{path}/versions/9/restore", {}, expect=404)
    client.delete(path)
    client.get(f"{path}/versions", expect=404)


def test_a_truth_value_is_another_option_than_a_number(client: ApiClient) -> None:
    def graph(value: Any) -> dict[str, Any]:
        return {"nodes": [{"id": "a", "type": "asset-source", "x": [value]}], "edges": []}

    made = client.post("/pipelines", {"name": "p", "definition": graph(1), "meta": {"a": 0}}, expect=201)
    path = f"/pipelines/{made['uuid']}"
    changed = client.patch(path, {"definition": graph(True), "meta": {"a": False}})
    assert (changed["versionNumber"], changed["definition"]["nodes"][0]["x"][0]) == (2, True)
    loaded = client.get(path)
    assert loaded["definition"]["nodes"][0]["x"][0] is True
    assert loaded["meta"]["a"] is False
    assert client.patch(path, {"definition": graph(True)})["versionNumber"] == 2
    assert client.patch(path, {"meta": {"a": 0}})["meta"]["a"] is not False


def test_versions_are_found_by_their_number(client: ApiClient) -> None:
    path = f"/pipelines/{client.post('/pipelines', {'name': 'p'}, expect=201)['uuid']}/versions"
    for number in ("0", "2", str(2**63), "9" * 30, "-1", "x"):
        client.get(f"{path}/{number}", expect=404)
        client.post(f"{path}/{number}/restore", expect=404)
    assert client.post(f"{path}/1/restore", {"name": None, "description": None}, expect=201)["name"] == "p"
    client.post(f"{path}/1/restore", {"name": ""}, expect=400)
    assert client.post(f"{path}/1/restore", expect=201)["number"] == 3
    assert "from" in client.get(path, query_string={"from": "x"}, expect=400)["message"]
    last = client.get(path)["_metainfo"]
    assert (last["totalCount"], client.get(path, query_string={"from": last["lastUuid"]})["data"]) == (3, [])


def test_a_name_that_is_taken_is_not_restored(client: ApiClient) -> None:
    path = f"/pipelines/{client.post('/pipelines', {'name': 'p'}, expect=201)['uuid']}"
    client.patch(path, {"name": "q"})
    client.post("/pipelines", {"name": "p"}, expect=201)
    client.post(f"{path}/versions/1/restore", expect=409)
    assert _versions(client, path) == [1, 2]


def test_changes_at_once_leave_no_gap(client: ApiClient) -> None:
    path = f"/pipelines/{client.post('/pipelines', {'name': 'p'}, expect=201)['uuid']}"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: client.patch(path, {"priority": number}), range(1, 21)))
    assert _versions(client, path) == list(range(1, 22))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"nodes": {}}, "nodes"),
        ({"nodes": [1]}, "node 0"),
        ({"nodes": [{"id": "A", "type": "x"}]}, "node 0"),
        ({"nodes": [{"id": "a"}]}, "node 'a'"),
        ({"nodes": [{"id": "a", "type": "x" * 256}]}, "node 'a'"),
        ({"nodes": [{"id": "a", "type": "x", "name": 5}]}, "node 'a'"),
        ({"nodes": [{"id": "a\n", "type": "x"}]}, "node 0"),
        ({"nodes": [{"id": f"n{n}", "type": "x"} for n in range(501)]}, "nodes"),
        ({"nodes": [{"id": "a", "type": "x"}] * 2, "edges": []}, "node 'a'"),
        ({"edges": [{"source": "source", "target": "nowhere"}]}, "edge 0"),
        ({"edges": [{"source": "source", "target": "hash", "branch": 1}]}, "edge 0"),
        ({"edges": [{"source": "hash", "target": "hash"}]}, "cycle"),
        ({"edges": [{"source": "source", "target": "hash"}, {"source": "hash", "target": "source"}]}, "cycle"),
    ],
)
def test_a_definition_that_is_no_graph_is_refused(client: ApiClient, change: Any, told: str) -> None:
    answer = client.post("/pipelines", {"name": "p", "definition": {**GRAPH, **change}}, expect=400)
    assert answer["code"] == "bad-definition"
    assert told in answer["message"]


def test_all_that_is_wrong_is_found_at_once_and_nothing_is_kept(client: ApiClient) -> None:
    nodes = [{"id": "A", "type": "x"}, {"id": "a", "type": "x"}, {"id": "b", "type": "x", "options": []}]
    edges = [{"source": "a", "target": "c"}, {"id": "e", "source": "a", "target": "b", "branch": "NO"}]
    definition = {"nodes": nodes, "edges": edges}
    found = client.post("/pipelines/validate", {"definition": definition})
    assert found["valid"] is False
    assert {(each["code"], each.get("nodeId"), each.get("edgeId")) for each in found["errors"]} == {
        ("NODE_ID_INVALID", None, None), ("NODE_INVALID", "b", None), ("EDGE_TARGET_UNKNOWN", None, "a->c"),
        ("BRANCH_UNKNOWN", None, "e"), ("NODE_TYPE_UNKNOWN", "a", None), ("NODE_TYPE_UNKNOWN", "b", None),
    }  # fmt: skip
    refused = client.post("/pipelines", {"name": "p", "definition": definition}, expect=400)
    assert "(and 5 more)" in refused["message"]
    fine = client.post("/pipelines/validate", {"definition": GRAPH})
    assert (fine["valid"], fine["errors"]) == (True, [])
    assert client.post("/pipelines/validate", {"definition": {}})["warnings"][0]["code"] == "EMPTY_GRAPH"
    client.post("/pipelines/validate", {}, expect=400)
    assert client.get("/pipelines")["_metainfo"]["totalCount"] == 0


def test_versions_are_compared(client: ApiClient) -> None:
    path = f"/pipelines/{client.post('/pipelines', {'name': 'p', 'definition': GRAPH}, expect=201)['uuid']}"
    nodes = [{**GRAPH["nodes"][1], "options": {"maxAttempts": 2}}, {"id": "new", "type": "asset-source"}]
    edges = [{"source": "new", "target": "hash"}]
    client.patch(path, {"priority": 3, "definition": {"nodes": nodes, "edges": edges}})
    client.patch(path, {"priority": 4})
    changes = client.get(f"{path}/versions/2/changes")
    assert (changes["from"], changes["to"], changes["fields"]) == (1, 2, {"priority": {"from": 0, "to": 3}})
    assert changes["nodes"] == {
        "added": [nodes[1]], "removed": [GRAPH["nodes"][0]],
        "changed": [{"id": "hash", "from": GRAPH["nodes"][1], "to": nodes[0]}],
    }  # fmt: skip
    assert changes["edges"] == {"added": edges, "removed": GRAPH["edges"]}
    assert client.get(f"{path}/versions/3/changes?since=1")["fields"] == {"priority": {"from": 0, "to": 4}}
    assert client.get(f"{path}/versions/1/changes")["nodes"] == {"added": [], "removed": [], "changed": []}
    for since, status in (("x", 400), ("9", 404), ("0", 404)):
        client.get(f"{path}/versions/1/changes?since={since}", expect=status)


def test_versions_have_permissions_of_their_own(client: ApiClient, platform: Platform) -> None:
    path = f"/pipelines/{client.post('/pipelines', {'name': 'p'}, expect=201)['uuid']}"
    make_user(platform, "eve", [Permission.READ_PIPELINE, Permission.UPDATE_PIPELINE])
    eve = sign_in(client.app, "eve")
    eve.get(path)
    eve.get(f"{path}/versions", expect=403)
    eve.get(f"{path}/versions/1", expect=403)
    eve.post(f"{path}/versions/1/restore", {}, expect=403)


def test_what_pipelines_are_made_of(client: ApiClient) -> None:
    palette = client.get("/pipeline/node-descriptors")
    assert palette["nodeDescriptors"] == client.get("/node-descriptors")["data"]
    assert palette["contentTypes"] == client.get("/pipeline/content-types")["data"]
    media, image = palette["contentTypes"][:2]
    assert (media["id"], media["family"], media["wildcard"]) == ("media/*", "media", True)
    assert (image["id"], image["wildcard"]) == ("media/image", False)
    client.get("/node-descriptors/nothing", expect=404)
    client.get("/pipeline/node-descriptors/nothing", expect=404)
    client.anonymous().get("/node-descriptors", expect=401)


def test_the_secret_of_a_webhook_never_comes_out(client: ApiClient) -> None:
    body = {"url": "https://example.org/hook", "triggers": ["ASSET_CREATED"], "secretToken": "s3cret-and-long"}
    made = client.post("/webhooks", body, expect=201)
    path = f"/webhooks/{made['uuid']}"
    assert (made["hasSecret"], made["active"], made["triggers"]) == (True, True, ["ASSET_CREATED"])
    assert made["secretToken"] == "s3cret-and-long", "once, when it is made"
    assert "s3cret-and-long" not in client.request("GET", path).get_data(as_text=True)
    assert client.patch(path, {"active": False})["hasSecret"] is True
    others = ("libraryUuids", "collectionUuids", "ordering", "maxConcurrency", "maxPerSecond", "active", "meta")
    replaced = client.request("PUT", path, {**body, "secretToken": None, **dict.fromkeys(others)}, expect=200)
    assert (replaced.json["hasSecret"], replaced.json["active"]) == (True, True)
    assert b"s3cret-and-long" not in replaced.data


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org", "example.org", "https://", "https://u:p@example.org/", "https://a b", "http://x:99999/", ""],
)
def test_what_is_no_address_of_a_webhook(client: ApiClient, url: str) -> None:
    assert "url" in client.post("/webhooks", {"url": url}, expect=400)["message"]
    client.post("/webhooks", {"url": "https://example.org", "triggers": ["NOTHING"]}, expect=400)
