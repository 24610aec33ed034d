"""Section 5 of the wire contract: assets and what hangs off them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.client import ApiClient

SHA = "cd" * 64
FILE = {"filename": "a.jpg", "mimeType": "image/jpeg", "origin": "camera", "size": 7}
GEO = {"source": "exif", "lon": 8.5, "lat": 47.25, "alias": "Home", "accuracyM": 3.5}
HASHES = {"sha512": SHA, "sha256": "ab" * 32, "md5": "ab" * 16, "chunkHash": "c"}
ADDRESSES = ("/assets/{uuid}", "/assets/sha512/{sha512}")


@pytest.fixture
def asset(client: ApiClient) -> dict[str, Any]:
    body = {"file": FILE, "hashes": HASHES, "geo": GEO, "consistency": {"zeroChunkCount": 3}}
    made: dict[str, Any] = client.post("/assets", {**body, "fingerprint": {"fingerprintV1": "f"}}, expect=201)
    return made


@pytest.fixture
def path(asset: dict[str, Any]) -> str:
    return f"/assets/{asset['uuid']}"


def test_5_1_every_block_comes_back_as_it_went_in(asset: dict[str, Any]) -> None:
    assert asset["hashes"] == HASHES
    assert asset["geo"] == GEO
    assert (asset["consistency"], asset["fingerprint"]) == ({"zeroChunkCount": 3}, {"fingerprintV1": "f"})
    assert asset["file"] == {**FILE, "firstSeen": asset["file"]["firstSeen"]}
    kinds = ("image", "video", "audio", "document")
    assert all(asset[f"{kind}Components"] == [] and kind not in asset for kind in kinds)


@pytest.mark.parametrize("address", ADDRESSES)
def test_5_1_both_addresses_take_all_verbs(client: ApiClient, asset: dict[str, Any], address: str) -> None:
    path = address.format(uuid=asset["uuid"], sha512=SHA.upper())
    assert client.get(path) == asset
    for method in ("POST", "PATCH"):
        changed = client.request(method, path, {"meta": {"by": method}}, expect=200).json
        assert changed["meta"] == {"by": method}
    whole: dict[str, Any] = {"file": {"origin": "api"}, "hashes": {}, "tags": None, "meta": None}
    replaced = client.request("PUT", path, whole, expect=200).json
    assert (replaced["file"]["origin"], replaced["meta"], replaced["hashes"]) == ("api", {}, HASHES)
    client.delete(path)
    client.get(path, expect=404)


@pytest.mark.parametrize("key", ["mimeType", "filename", "origin", "size", "sha512"])
def test_5_1_what_a_new_asset_must_have_is_named(client: ApiClient, key: str) -> None:
    body: dict[str, dict[str, Any]] = {"file": {**FILE}, "hashes": {"sha512": SHA}}
    body["hashes" if key == "sha512" else "file"].pop(key)
    assert key in client.post("/assets", body, expect=400)["message"]


def test_5_1_a_second_asset_of_a_content_is_409(client: ApiClient, asset: dict[str, Any]) -> None:
    client.post("/assets", {"sha512": asset["hashes"]["sha512"], "filename": "b"}, expect=409)


def test_5_1_tasks_about_an_asset(client: ApiClient, path: str) -> None:
    assert client.get(f"{path}/tasks")["data"] == []
    task = client.post(f"{path}/binary?filename=a.jpg", b"x", expect=202)
    assert [each["uuid"] for each in client.get(f"{path}/tasks")["data"]] == [task["uuid"]]


def test_5_1_what_an_asset_is_in_and_what_is_said_of_it(client: ApiClient, path: str) -> None:
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    collection = client.post("/collections", {"name": "c"}, expect=201)["uuid"]
    for holder in (f"/libraries/{library}", f"/collections/{collection}"):
        client.post(f"{holder}/assets", {"assetUuid": path.removeprefix("/assets/")}, expect=201)
    comment = client.post(f"{path}/comments", {"title": "T", "text": "x"}, expect=201)["uuid"]
    for name, key in (("libraries", library), ("collections", collection), ("comments", comment)):
        assert [each["uuid"] for each in client.get(f"{path}/{name}")["data"]] == [key]
    assert client.get(path)["collections"] == [{"uuid": collection, "name": "c"}]


def test_5_2_put_of_tags_counts_what_it_did(client: ApiClient, path: str) -> None:
    old = client.post(f"{path}/tags", {"name": "old", "collection": "c"}, expect=201)
    body = {"collection": "c", "tags": [{"name": "a"}, {"name": "b"}], "withdraw": [old["uuid"]], "nodeKind": None}
    told = client.request("PUT", f"{path}/tags", body, expect=200).json
    assert ([tag["name"] for tag in told["tags"]], told["total"], told["applied"], told["withdrawn"]) == (
        ["a", "b"], 2, 2, 1,
    )  # fmt: skip
    reference = client.get(path)["tags"][0]
    assert {"uuid", "name", "placementUuid", "nodeKind", "attached", "attachedBy"} <= set(reference)
    client.delete(f"{path}/tag-placements/{reference['placementUuid']}")
    client.delete(f"{path}/tags/{client.get(path)['tags'][0]['uuid']}")
    assert client.get(path)["tags"] == []
    assert client.get(f"/tags/{reference['uuid']}")["name"] == reference["name"]


@pytest.mark.parametrize("kind", ["THUMBSUP", "THUMBSDOWN", "PLUS_ONE", "MINUS_ONE", "SATISFIED", "RATING", "own word"])
def test_5_3_the_five_reaction_routes_and_any_type(client: ApiClient, path: str, kind: str) -> None:
    made = client.post(f"{path}/reactions", {"type": kind, "rating": 2}, expect=201)
    one = f"{path}/reactions/{made['uuid']}"
    assert client.get(f"{path}/reactions")["data"] == [client.get(one)]
    assert (made["type"], made["rating"], client.post(one, {"rating": 5})["rating"]) == (kind, 2, 5)
    assert client.get("/reactions")["data"][0]["uuid"] == client.get(f"/reactions/{made['uuid']}")["uuid"]
    client.post(f"{path}/reactions", {"type": kind}, expect=200)
    client.delete(one)


def test_5_4_a_tag_without_collection_or_with_and_what_the_caller_rates(client: ApiClient) -> None:
    assert client.post("/tags", {"name": "t"}, expect=201)["collection"] == "default"
    tag = client.post("/tags", {"name": "t", "collection": "c", "color": "FFAA00", "area": {"from": 1}}, expect=201)
    assert (tag["collection"], tag["color"]) == ("c", "ffaa00")
    client.post("/tags", {"name": "t", "collection": "c"}, expect=409)
    rating = f"/tags/{tag['uuid']}/rating"
    client.post(rating, {"rating": 4})
    assert client.get(rating) == {"rating": 4}
    client.delete(rating)
    client.get(rating, expect=404)


def test_5_5_comments_need_a_text_only_and_show_reactions(client: ApiClient, path: str) -> None:
    first = client.post("/comments", {"text": "x"}, expect=201)
    assert "title" not in first
    client.post("/comments", {"title": "T"}, expect=400)
    on_asset = client.post(f"{path}/comments", {"title": "T", "text": "x"}, expect=201)
    answer = client.post(f"{path}/comments", {"text": "y", "parentUuid": on_asset["uuid"]}, expect=201)
    assert f"/assets/{answer['assetUuid']}" == path
    assert answer["parentUuid"] == on_asset["uuid"]
    one = f"/comments/{answer['uuid']}"
    client.post(f"{one}/reactions", {"type": "THUMBSUP"}, expect=201)
    for shown in (client.get(one), client.patch(one, {"title": "U"})):
        assert shown["social"] == {"rating": {"upVotes": 1, "downVotes": 0}, "reactions": {"THUMBSUP": 1}}


@pytest.mark.parametrize("kind", ["FEEDBACK", "TAG", "CHAPTER"])
def test_5_6_annotations_of_all_types_with_area_and_comments(client: ApiClient, path: str, kind: str) -> None:
    area = {"from": 0, "to": 9, "startX": 1, "startY": 2, "width": 3, "height": 4}
    body = {"type": kind, "title": "t", "assetUuid": path.removeprefix("/assets/"), "description": "d", "area": area}
    made = client.post("/annotations", body, expect=201)
    assert {**made, **body} == made
    comment = client.post(f"/annotations/{made['uuid']}/comments", {"text": "x"}, expect=201)["uuid"]
    assert [each["uuid"] for each in client.get(f"/annotations/{made['uuid']}")["comments"]] == [comment]
    assert [note["uuid"] for note in client.get(path)["annotations"]] == [made["uuid"]]
    for key in ("type", "title", "assetUuid"):
        client.post("/annotations", {**body, key: None}, expect=400)


def test_5_8_a_pool_is_a_folder_and_not_both_or_neither(client: ApiClient, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    bucket = {"s3Bucket": "b", "s3Region": "r", "s3Endpoint": "https://example.org"}
    for body in ({"name": "p"}, {"name": "p", "fsPath": str(folder), **bucket}, {"name": "p", **bucket}):
        client.post("/asset-pools", body, expect=400)
    pool = client.post("/asset-pools", {"name": "p", "fsPath": str(folder), "freeSpace": 1}, expect=201)
    assert (pool["fsPath"], pool["usedSpace"]) == (str(folder), 0)
    assert pool["freeSpace"] > 1
    told = client.patch(f"/asset-pools/{pool['uuid']}", {"s3Bucket": "b"}, expect=400)["message"]
    assert "LOOM_POOL_BUCKETS" in told
    client.patch(f"/asset-pools/{pool['uuid']}", {**pool, "s3Bucket": None, "name": "q"})


def test_5_13_a_blacklisted_hash_is_refused(client: ApiClient) -> None:
    entry = client.post("/blacklists", {"name": "n", "type": "SPAM", "sha512": SHA.upper()}, expect=201)
    assert (entry["name"], entry["sha512"], entry["reviewCount"]) == ("n", SHA, 0)
    answer = client.post("/assets", {"sha512": SHA, "filename": "a"}, expect=409)
    assert answer["code"] == "blacklisted"
