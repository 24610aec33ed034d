"""Collections: their tree, their order, whom they show what, and their removal. The plain part is in test_specs.py."""

from __future__ import annotations

import random
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.permissions import Actor, Permission
from models.services import holders
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.organising import at_once, events_about, make_assets, status_of, uuids
from tests.support.people import make_space, make_user, sign_in
from workers.inline import run_all

READER = (Permission.READ_COLLECTION, Permission.READ_ASSET)


def _collection(client: ApiClient, name: str = "c", **more: Any) -> str:
    made: dict[str, Any] = client.post("/collections", {"name": name, **more}, expect=201)
    return str(made["uuid"])


@pytest.fixture
def assets(platform: Platform, actor: Actor) -> list[str]:
    return make_assets(platform, actor.space_id, 10)


@pytest.fixture
def path(client: ApiClient, assets: list[str]) -> str:
    """The assets of a collection that holds all ten in the order of their names."""
    path = f"/collections/{_collection(client)}/assets"
    client.request("PUT", path, {"assetUuids": assets}, expect=200)
    return path


def _order(client: ApiClient, path: str, **query: Any) -> str:
    return "".join(asset["file"]["filename"] for asset in client.all(path, limit=3, **query))


def test_collections_lie_in_each_other(client: ApiClient, platform: Platform) -> None:
    outer = _collection(client, "outer")
    inner = _collection(client, "inner", parentUuid=outer, description="d")
    assert client.get(f"/collections/{inner}")["parentUuid"] == outer
    found = client.get("/collections", query_string={"filter": f"parent[eq]={outer}"})
    assert uuids(found) == [inner]
    assert "parentUuid" in client.post("/collections", {"name": "x", "parentUuid": str(uuid4())}, expect=400)["message"]
    before = client.request("GET", f"/collections/{inner}").headers["ETag"]
    client.delete(f"/collections/{outer}")
    left = client.request("GET", f"/collections/{inner}")
    assert ("parentUuid" in left.json, left.headers["ETag"] == before) == (False, False)
    assert events_about(platform, "collection.updated") == [inner]


def test_a_collection_never_lies_in_itself(client: ApiClient) -> None:
    chain = [_collection(client, "0")]
    for number in range(1, 5):
        chain.append(_collection(client, str(number), parentUuid=chain[-1]))
    for inner in chain:
        client.patch(f"/collections/{chain[0]}", {"parentUuid": inner}, expect=409)
    client.patch(f"/collections/{chain[4]}", {"parentUuid": chain[0]})
    body = {"name": "3", "description": None, "parentUuid": None, "query": None, "meta": None}
    assert "parentUuid" not in client.request("PUT", f"/collections/{chain[3]}", body, expect=200).json
    client.patch(f"/collections/{chain[0]}", {"parentUuid": chain[3]})


def test_two_who_move_collections_into_each_other(client: ApiClient) -> None:
    for attempt in range(5):
        made = [_collection(client, f"{attempt}-{number}") for number in range(4)]
        moves = [
            partial(status_of, client, "PATCH", f"/collections/{one}", {"parentUuid": other, "name": f"{one} moved"})
            for one, other in zip(made, [*made[1:], made[0]], strict=True)
        ]
        outcomes = at_once(moves)
        assert sorted(outcomes) == [200, 200, 200, 409]


def test_members_keep_the_order_that_they_came_in(client: ApiClient, path: str, assets: list[str]) -> None:
    assert _order(client, path) == "0123456789"
    assert _order(client, path, dir="desc") == "9876543210"
    assert _order(client, path, sort="name", dir="desc") == "9876543210"
    page = client.get(path, query_string={"limit": 4, "from": assets[3]})
    assert uuids(page) == assets[4:8]
    assert page["_metainfo"] == {"lastUuid": assets[7], "perPage": 4, "totalCount": 10}
    client.get(path, query_string={"from": str(uuid4())}, expect=400)
    reverse = f"/collections/{_collection(client, 'reverse')}/assets"
    client.request("PUT", reverse, {"assetUuids": assets[::-1]}, expect=200)
    assert _order(client, reverse) == "9876543210"
    assert len(uuids(client.get(f"/assets/{assets[0]}/collections"))) == 2
    assert uuids(client.get(reverse, query_string={"filter": "name[eq]=3"})) == [assets[3]]


def test_an_asset_is_added_once_and_moves_if_told_to(
    client: ApiClient, platform: Platform, path: str, assets: list[str]
) -> None:
    collection = path.split("/")[2]
    events_about(platform, "asset.updated")
    client.delete(f"{path}/{assets[4]}")
    client.delete(f"{path}/{assets[4]}")
    assert client.post(path, {"assetUuid": assets[4], "after": assets[0]}, expect=201)["uuid"] == collection
    assert events_about(platform, "asset.updated") == [assets[4]] * 2
    client.post(path, {"assetUuid": assets[4]}, expect=200)
    assert _order(client, path) == "0412356789"
    client.post(path, {"assetUuid": assets[4], "before": assets[9]}, expect=200)
    assert _order(client, path) == "0123567849"
    client.post(path, {"assetUuid": assets[4], "position": 0}, expect=200)
    assert _order(client, path) == "4012356789"
    client.post(path, {"assetUuid": assets[4], "position": 99}, expect=200)
    assert _order(client, path) == "0123567894"
    client.post(path, {"assetUuid": assets[4], "position": 4}, expect=200)
    assert _order(client, path) == "0123456789"
    assert events_about(platform, "asset.updated") == []


def test_several_move_together(client: ApiClient, path: str, assets: list[str]) -> None:
    def move(names: str, **place: Any) -> str:
        client.post(f"{path}/move", {"assetUuids": [assets[int(name)] for name in names], **place})
        return _order(client, path)

    assert move("73", after=assets[0]) == "0731245689"
    assert move("980", before=assets[7]) == "9807312456"
    assert move("98", position=3) == "0739812456"
    assert move("0") == "7398124560"
    assert move("7398124560"[::-1]) == "0654218937"
    assert move("06", before=assets[5]) == "0654218937"
    assert move("55") == "0642189375"


@pytest.mark.parametrize(
    "place",
    [{"after": "0"}, {"before": "1"}, {"after": str(UUID(int=1))}, {"position": -1}, {"after": "8", "before": "9"},
     {"after": "8", "position": 1}, {"position": 2**70}, {"after": "nonsense"}],
)  # fmt: skip
def test_a_place_that_is_none_moves_nothing(
    client: ApiClient, path: str, assets: list[str], place: dict[str, Any]
) -> None:
    spelled = {key: assets[int(it)] if isinstance(it, str) and it.isdigit() else it for key, it in place.items()}
    client.post(f"{path}/move", {"assetUuids": assets[:2], **spelled}, expect=400)
    assert _order(client, path) == "0123456789"


def test_only_members_move(client: ApiClient, path: str, assets: list[str]) -> None:
    client.delete(f"{path}/{assets[4]}")
    client.post(f"{path}/move", {"assetUuids": [assets[3], assets[4]]}, expect=400)
    client.post(f"{path}/move", {"assetUuids": []}, expect=400)
    client.post(path, {"assetUuid": assets[4], "after": assets[4]}, expect=400)
    client.post(path, {"assetUuid": str(uuid4())}, expect=400)
    assert _order(client, path) == "012356789"


def test_a_gap_that_is_used_up_is_made_anew(client: ApiClient, path: str, assets: list[str]) -> None:
    expected = list(range(10))
    for step in range(150):
        moved = 1 + step % 8
        client.post(f"{path}/move", {"assetUuids": [assets[moved]], "after": assets[0]})
        expected.remove(moved)
        expected.insert(1, moved)
    assert _order(client, path) == "".join(map(str, expected))


def test_concurrent_moves_lose_and_double_nothing(client: ApiClient, path: str, assets: list[str]) -> None:
    chance = random.Random(5)
    moves = []
    for _ in range(30):
        one, other = chance.sample(assets, 2)
        moves.append(partial(status_of, client, "POST", path, {"assetUuid": one, "after": other}))
    moves += [partial(status_of, client, "POST", f"{path}/move", {"assetUuids": assets[::-1]})] * 5
    moves += [partial(status_of, client, "PUT", path, {"assetUuids": assets})] * 5
    assert set(at_once(moves)) == {200}
    assert sorted(_order(client, path)) == list("0123456789")


def test_fifty_add_the_same_at_once(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    path = f"/collections/{_collection(client)}/assets"
    one = partial(status_of, client, "POST", path, {"assetUuid": assets[0]})
    outcomes = at_once([one] * 50)
    assert sorted(outcomes) == [200] * 49 + [201]
    assert events_about(platform, "asset.updated") == [assets[0]]
    assert uuids(client.get(path)) == [assets[0]]


def test_the_removal_of_assets_races_with_everything(client: ApiClient, path: str, assets: list[str]) -> None:
    requests = [partial(status_of, client, "DELETE", f"/assets/{asset}") for asset in assets[:5]]
    requests += [partial(status_of, client, "POST", f"{path}/move", {"assetUuids": assets[5:]})] * 5
    requests += [partial(status_of, client, "PUT", path, {"assetUuids": assets})] * 5
    requests += [partial(status_of, client, "POST", path, {"assetUuid": asset, "position": 0}) for asset in assets]
    assert set(at_once(requests)) <= {200, 201, 204, 400, 404}
    assert sorted(_order(client, path)) == list("56789")


def test_deleting_a_collection_keeps_its_assets(
    client: ApiClient, platform: Platform, path: str, assets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"/collections/{_collection(client, 'other')}"
    client.request("PUT", f"{other}/assets", {"assetUuids": assets[:3]}, expect=200)
    events_about(platform, "asset.updated")
    client.delete(other)
    assert events_about(platform, "asset.updated") == assets[:3]
    monkeypatch.setattr(holders, "MOST_AT_ONCE", 9)
    task = client.request("DELETE", path.removesuffix("/assets"), expect=202).json
    run_all(platform)
    assert client.get(f"/tasks/{task['uuid']}")["result"] == {"assets": 10}
    client.get(path, expect=404)
    assert events_about(platform, "asset.updated") == assets
    assert len(client.all("/assets")) == 10


def test_a_scoped_user_sees_and_changes_their_collection_only(
    client: ApiClient, platform: Platform, path: str, assets: list[str]
) -> None:
    mine = _collection(client, "mine")
    client.request("PUT", f"/collections/{mine}/assets", {"assetUuids": assets[:3]}, expect=200)
    permissions = (*READER, Permission.UPDATE_COLLECTION)
    make_user(platform, "ines", scoped=[(it, "collection", UUID(mine)) for it in permissions])
    ines = sign_in(client.app, "ines")
    assert uuids(ines.get("/collections")) == [mine]
    ines.get(path, expect=404)
    assert uuids(ines.get(f"/assets/{assets[0]}/collections")) == [mine]
    other = path.split("/")[2]
    assert ines.get("/assets", query_string={"filter": f"collection[eq]={other}"})["data"] == []
    assert uuids(ines.get("/assets", query_string={"filter": f"collection[ne]={other}"})) == assets[:3]
    assert uuids(ines.get("/assets", query_string={"filter": f"collection[eq]={mine}"})) == assets[:3]
    own = f"/collections/{mine}/assets"
    ines.post(own, {"assetUuid": assets[5]}, expect=400)
    ines.post(own, {"assetUuid": assets[0], "after": assets[2]}, expect=200)
    assert _order(ines, own) == "120"
    ines.post(path, {"assetUuid": assets[0]}, expect=404)
    ines.patch(f"/collections/{mine}", {"parentUuid": other}, expect=400)
    ines.post("/collections", {"name": "x"}, expect=403)
    ines.delete(f"/collections/{mine}", expect=403)


def test_what_one_may_not_read_is_no_neighbour(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    """Whether an asset that they cannot see is in the collection is not told by how a request is refused."""
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    client.request("PUT", f"/libraries/{library}/assets", {"assetUuids": assets[:2]}, expect=200)
    collection = _collection(client)
    path = f"/collections/{collection}/assets"
    client.request("PUT", path, {"assetUuids": assets[:5]}, expect=200)
    make_user(platform, "ines", [Permission.READ_COLLECTION, Permission.UPDATE_COLLECTION],
              scoped=[(Permission.READ_ASSET, "library", UUID(library))])  # fmt: skip
    ines = sign_in(client.app, "ines")
    assert uuids(ines.get(path)) == assets[:2]
    told = {
        ines.post(path, {"assetUuid": assets[0], "after": key}, expect=400)["message"].replace(key, "")
        for key in (assets[4], assets[8], str(uuid4()))
    }
    assert len(told) == 1
    told = {
        ines.get(path, query_string={"from": key}, expect=400)["message"].replace(key, "")
        for key in (assets[4], assets[8])
    }
    assert len(told) == 1


def test_spaces_are_apart(client: ApiClient, platform: Platform, path: str, assets: list[str]) -> None:
    space = make_space(platform, "elsewhere")
    make_user(platform, "eva", Permission, space_id=space)
    eva = sign_in(client.app, "eva", "elsewhere")
    collection = path.split("/")[2]
    eva.get(path, expect=404)
    eva.get(f"/assets/{assets[0]}/collections", expect=404)
    eva.post("/collections", {"name": "c", "parentUuid": collection}, expect=400)
    own = _collection(eva)
    eva.post(f"/collections/{own}/assets", {"assetUuid": assets[0]}, expect=400)
    assert eva.get("/assets", query_string={"filter": f"collection[eq]={collection}"})["data"] == []
    eva.delete(f"/collections/{collection}", expect=404)
