"""Tags on assets: placements, sets of them, filters by them, and what many do at the same time."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.organising import at_once, events_about, make_assets, status_of, uuids
from tests.support.people import make_space, make_user, sign_in

BAD_TAGS: list[Any] = [
    {}, {"name": ""}, {"name": None}, {"uuid": "x"}, {"uuid": str(UUID(int=1))}, {"name": "t", "confidence": 1.1},
    {"name": "t", "confidence": -0.1}, {"name": "t", "area": {"from": -1}}, {"name": "t", "area": {"from": 2**70}},
    {"name": "t", "area": "all"}, {"name": "t", "area": {"width": 1.5}}, {"name": "t", "nodeKind": ""},
    {"name": "t", "nodeId": "\x00"}, {"name": "t", "color": "red"}, {"name": "t", "collection": "x" * 256},
]  # fmt: skip


@pytest.fixture
def assets(platform: Platform, actor: Actor) -> list[str]:
    return make_assets(platform, actor.space_id, 4)


@pytest.fixture
def path(assets: list[str]) -> str:
    return f"/assets/{assets[0]}/tags"


def test_a_tag_is_made_and_put_on_an_asset(
    client: ApiClient, platform: Platform, assets: list[str], path: str, actor: Actor
) -> None:
    before = client.request("GET", f"/assets/{assets[0]}").headers["ETag"]
    put = client.post(path, {"name": "t", "color": "#FFFFFF", "meta": {"a": 1}}, expect=201)
    assert (put["name"], put["collection"], put["color"], put["meta"]) == ("t", "default", "ffffff", {"a": 1})
    assert (put["nodeKind"], put["attachedBy"]) == ("manual", str(actor.user_id))
    assert put["attached"] > 1.7e9
    again = client.post(path, {"name": "t", "collection": "default", "color": "000000"}, expect=200)
    assert again == put
    client.post(path, {"uuid": put["uuid"]}, expect=200)
    assert events_about(platform, "asset.tagged") == [assets[0]]
    assert events_about(platform, "asset.updated") == [assets[0]]
    assert events_about(platform, "tag.created") == [put["uuid"]]
    asset = client.request("GET", f"/assets/{assets[0]}")
    assert [(tag["uuid"], tag["placementUuid"]) for tag in asset.json["tags"]] == [(put["uuid"], put["placementUuid"])]
    assert asset.headers["ETag"] != before
    client.request("PATCH", f"/assets/{assets[0]}", {"meta": {}}, headers={"If-Match": before}, expect=412)


def test_a_tag_may_be_on_many_areas_by_many_producers(client: ApiClient, platform: Platform, path: str) -> None:
    area = {"from": 0, "to": 5000, "startX": 1, "startY": 2, "width": 3, "height": 4}
    first = client.post(path, {"name": "face", "area": area}, expect=201)
    assert first["area"] == area
    client.post(path, {"name": "face", "area": {**dict(reversed(area.items())), "more": 1}}, expect=200)
    client.post(path, {"name": "face", "area": {}}, expect=201)
    client.post(path, {"name": "face", "area": None}, expect=200)
    node = {"name": "face", "nodeKind": "face-detector", "nodeId": "n1", "producerVersion": "1", "confidence": 0.5}
    by_node = client.post(path, node, expect=201)
    assert (by_node["nodeId"], by_node["producerVersion"], by_node["confidence"]) == ("n1", "1", 0.5)
    client.post(path, {**node, "nodeId": "n2"}, expect=201)
    client.post(path, node, expect=200)
    events_about(platform, "asset.updated")
    surer = client.post(path, {**node, "confidence": 0.9, "producerVersion": "2"}, expect=200)
    assert (surer["placementUuid"], surer["confidence"]) == (by_node["placementUuid"], 0.9)
    assert len(events_about(platform, "asset.updated")) == 1
    listed = client.get(path)
    assert listed["_metainfo"]["totalCount"] == 1
    assert [place.get("nodeId") for place in listed["data"][0]["placements"]] == [None, None, "n1", "n2"]


@pytest.mark.parametrize("body", BAD_TAGS, ids=str)
def test_what_is_no_tag_is_refused(client: ApiClient, path: str, body: dict[str, Any]) -> None:
    client.post(path, body, expect=400)
    client.request("PUT", path, {"tags": [{"name": "fine"}, body]}, expect=400)
    assert client.get("/tags")["data"] == []


def test_a_set_of_tags_is_applied_and_withdrawn(client: ApiClient, platform: Platform, path: str) -> None:
    old = client.post(path, {"name": "old"}, expect=201)
    events_about(platform, "asset.updated")
    body = {
        "collection": "scene", "nodeKind": "classifier", "nodeId": "c", "producerVersion": "3",
        "tags": [{"name": "b"}, {"name": "a", "collection": "mood", "confidence": 0.5}, {"name": "b"},
                 {"uuid": old["uuid"]}, {"name": "b", "area": {"from": 1}}],
    }  # fmt: skip
    answer = client.request("PUT", path, body, expect=200).json
    assert [(tag["name"], tag["collection"]) for tag in answer["tags"]] == [
        ("b", "scene"), ("a", "mood"), ("old", "default"),
    ]  # fmt: skip
    assert (answer["total"], answer["applied"], answer["withdrawn"]) == (5, 4, 0)
    assert client.request("PUT", path, body, expect=200).json["applied"] == 0
    assert len(events_about(platform, "asset.updated")) == 1
    # A node takes back only what it has put there itself.
    node = {"nodeKind": "classifier", "nodeId": "c", "withdraw": [old["uuid"], str(uuid4())]}
    assert client.request("PUT", path, node, expect=200).json == {"tags": [], "total": 0, "applied": 0, "withdrawn": 1}
    assert "old" in [tag["name"] for tag in client.get(path)["data"]]
    tags = [tag["uuid"] for tag in answer["tags"]]
    outcome = client.request("PUT", path, {"withdraw": tags, "tags": [{"name": "new"}]}, expect=200).json
    assert (outcome["applied"], outcome["withdrawn"]) == (1, 4)
    assert [tag["name"] for tag in client.get(path)["data"]] == ["new"]
    assert client.request("PUT", path, {}, expect=200).json["total"] == 0


def test_a_set_is_all_or_nothing(client: ApiClient, path: str) -> None:
    client.request("PUT", path, {"tags": [{"name": "a"}, {"uuid": str(uuid4())}]}, expect=400)
    client.request("PUT", path, {"tags": [{"name": str(number)} for number in range(1001)]}, expect=400)
    assert client.get(path)["data"] == client.get("/tags")["data"] == []


def test_tags_are_taken_off(client: ApiClient, platform: Platform, assets: list[str], path: str) -> None:
    tag = client.post(path, {"name": "t"}, expect=201)
    second = client.post(path, {"name": "t", "area": {"from": 1}}, expect=201)
    third = client.post(path, {"name": "t", "area": {"from": 2}}, expect=201)
    events_about(platform, "asset.updated")
    placement = f"/assets/{assets[0]}/tag-placements/{second['placementUuid']}"
    client.delete(f"/assets/{assets[1]}/tag-placements/{second['placementUuid']}", expect=404)
    client.delete(placement)
    client.delete(placement, expect=404)
    left = [place["placementUuid"] for place in client.get(path)["data"][0]["placements"]]
    assert left == [tag["placementUuid"], third["placementUuid"]]
    client.delete(f"{path}/{tag['uuid']}")
    client.delete(f"{path}/{tag['uuid']}")
    assert events_about(platform, "asset.updated") == [assets[0]] * 2
    assert client.get(path)["data"] == []
    assert uuids(client.get("/tags")) == [tag["uuid"]]


def test_assets_are_found_by_their_tags(client: ApiClient, assets: list[str]) -> None:
    for asset, names in zip(assets, (["a"], ["a", "b"], ["b"], []), strict=True):
        client.request("PUT", f"/assets/{asset}/tags", {"tags": [{"name": name} for name in names]}, expect=200)
    tag = client.get("/tags", query_string={"filter": "name[eq]=a"})["data"][0]
    other = client.post(f"/assets/{assets[3]}/tags", {"name": "a", "collection": "x"}, expect=201)

    def found(*terms: str) -> list[int]:
        page = client.get("/assets", query_string=[("filter", term) for term in terms])
        assert page["_metainfo"]["totalCount"] == len(page["data"])
        return [assets.index(key) for key in uuids(page)]

    assert found("tag[eq]=a") == [0, 1, 3]
    assert found(f"tag[eq]={tag['uuid']}") == found(f"tag[eq]={tag['uuid'].upper()}") == [0, 1]
    assert found(f"tag[eq]={other['uuid']}") == [3]
    assert found("tag[eq]=a,tag[eq]=b") == found("tag[eq]=a", "tag[eq]=b") == [1]
    assert found("tag[ne]=a") == [2]
    assert found("tag[eq]=b,tag[ne]=a") == [2]
    assert found("tag[eq]=nothing") == []
    assert found(f"tag[eq]={uuid4()}") == []
    for bad in ("tag[gte]=a", "tag[eq]=\x00", "library[eq]=x", "collection[eq]=x", "library[range]=a_b"):
        client.get("/assets", query_string={"filter": bad}, expect=400)


def test_a_tag_named_like_a_uuid(client: ApiClient, assets: list[str], path: str) -> None:
    name = str(uuid4())
    client.post(path, {"name": name}, expect=201)
    assert uuids(client.get("/assets", query_string={"filter": f"tag[eq]={name}"})) == [assets[0]]


def test_fifty_put_the_same_tag_at_once(client: ApiClient, platform: Platform, path: str) -> None:
    outcomes = at_once([partial(status_of, client, "POST", path, {"name": "t"})] * 50)
    assert sorted(outcomes) == [200] * 49 + [201]
    assert len(events_about(platform, "tag.created")) == len(events_about(platform, "asset.tagged")) == 1
    assert len(client.get(path)["data"][0]["placements"]) == 1


def test_many_put_the_same_new_tags_on_many_assets_in_any_order(client: ApiClient, assets: list[str]) -> None:
    names = [{"name": str(number)} for number in range(10)]
    requests = [
        partial(status_of, client, "PUT", f"/assets/{asset}/tags", {"tags": names[turn:] + names[:turn]})
        for asset in assets
        for turn in range(8)
    ]
    assert set(at_once(requests)) == {200}
    assert len(client.get("/tags")["data"]) == 10
    assert [len(client.get(f"/assets/{asset}/tags")["data"]) for asset in assets] == [10] * 4


def test_tagging_races_with_the_removal_of_tags_and_assets(client: ApiClient, assets: list[str]) -> None:
    for _ in range(4):
        tag = client.post("/tags", {"name": "t"}, expect=201)["uuid"]
        change = {"withdraw": [tag], "tags": [{"name": "t"}, {"name": "u"}]}
        requests = [partial(status_of, client, "POST", f"/assets/{asset}/tags", {"name": "t"}) for asset in assets] * 3
        requests += [partial(status_of, client, "PUT", f"/assets/{asset}/tags", change) for asset in assets]
        requests.append(partial(status_of, client, "DELETE", f"/tags/{tag}"))
        assert set(at_once(requests)) <= {200, 201, 204}
        for left in client.get("/tags")["data"]:
            client.delete(f"/tags/{left['uuid']}")
    requests = [partial(status_of, client, "POST", f"/assets/{assets[0]}/tags", {"name": str(n)}) for n in range(10)]
    requests.append(partial(status_of, client, "DELETE", f"/assets/{assets[0]}"))
    assert set(at_once(requests)) <= {201, 204, 404}


def test_a_scoped_user_tags_what_is_in_their_library(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    client.request("PUT", f"/libraries/{library}/assets", {"assetUuids": assets[:2]}, expect=200)
    tag = client.post(f"/assets/{assets[2]}/tags", {"name": "t"}, expect=201)
    scope = UUID(library)
    make_user(platform, "ines", [Permission.READ_ASSET], scoped=[(Permission.TAG_ASSET, "library", scope)])
    ines = sign_in(client.app, "ines")
    put = ines.post(f"/assets/{assets[0]}/tags", {"name": "new"}, expect=201)
    assert ines.post(f"/assets/{assets[1]}/tags", {"name": "t"}, expect=201)["uuid"] == tag["uuid"]
    ines.post(f"/assets/{assets[2]}/tags", {"name": "new"}, expect=403)
    ines.request("PUT", f"/assets/{assets[2]}/tags", {"tags": [{"name": "x"}]}, expect=403)
    ines.request("PUT", f"/assets/{assets[0]}/tags", {"withdraw": [put["uuid"]]}, expect=403)
    ines.delete(f"/assets/{assets[0]}/tags/{put['uuid']}", expect=403)
    ines.delete(f"/assets/{assets[0]}/tag-placements/{put['placementUuid']}", expect=403)
    # Without READ_TAG there are no tags, by whatever way one asks.
    ines.get(f"/assets/{assets[0]}/tags", expect=403)
    ines.post(f"/assets/{assets[0]}/tags", {"uuid": tag["uuid"]}, expect=400)
    for text in ("t", tag["uuid"]):
        assert ines.get("/assets", query_string={"filter": f"tag[eq]={text}"})["data"] == []
        assert len(ines.get("/assets", query_string={"filter": f"tag[ne]={text}"})["data"]) == 4


def test_who_may_not_read_an_asset_does_not_find_it_by_tagging(
    client: ApiClient, platform: Platform, assets: list[str], path: str
) -> None:
    tag = client.post(path, {"name": "t"}, expect=201)
    make_user(platform, "rui", [Permission.TAG_ASSET, Permission.UNTAG_ASSET, Permission.READ_TAG])
    rui = sign_in(client.app, "rui")
    rui.post(path, {"name": "t"}, expect=404)
    rui.delete(f"{path}/{tag['uuid']}", expect=404)
    rui.delete(f"/assets/{assets[0]}/tag-placements/{tag['placementUuid']}", expect=404)


def test_spaces_are_apart(client: ApiClient, platform: Platform, path: str) -> None:
    tag = client.post(path, {"name": "t"}, expect=201)
    space = make_space(platform, "elsewhere")
    make_user(platform, "eva", Permission, space_id=space)
    eva, theirs = sign_in(client.app, "eva", "elsewhere"), make_assets(platform, space, 1)[0]
    for method, body in (("GET", None), ("POST", {"name": "t"}), ("PUT", {"tags": [{"name": "t"}]})):
        eva.request(method, path, body, expect=404)
    eva.post(f"/assets/{theirs}/tags", {"uuid": tag["uuid"]}, expect=400)
    own = eva.post(f"/assets/{theirs}/tags", {"name": "t"}, expect=201)
    assert own["uuid"] != tag["uuid"]
    assert uuids(eva.get("/assets", query_string={"filter": "tag[eq]=t"})) == [theirs]
    assert eva.get("/assets", query_string={"filter": f"tag[eq]={tag['uuid']}"})["data"] == []
    eva.delete(f"{path}/{tag['uuid']}", expect=404)
