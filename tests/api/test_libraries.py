"""Libraries: their pools and assets, whom they show what, and their removal. The plain part is in test_specs.py."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.permissions import Actor, Permission
from models.services import announcing, holders
from models.wiring import Platform
from tests.support.assets import run_uploads, sha512_of
from tests.support.client import ApiClient
from tests.support.forms import send_form
from tests.support.organising import at_once, events_about, make_assets, put_into_pool, status_of, uuids
from tests.support.people import make_space, make_user, sign_in
from workers.inline import run_all

READER = (Permission.READ_LIBRARY, Permission.READ_ASSET)


def _library(client: ApiClient, name: str = "l", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/libraries", {"name": name, **more}, expect=201)
    return made


@pytest.fixture
def pools(client: ApiClient, tmp_path: Path) -> list[str]:
    """Three empty pools."""
    made = []
    for number in range(3):
        folder = tmp_path / f"pool-{number}"
        folder.mkdir()
        made.append(client.post("/asset-pools", {"name": f"p{number}", "fsPath": str(folder)}, expect=201)["uuid"])
    return made


@pytest.fixture
def assets(platform: Platform, actor: Actor) -> list[str]:
    return make_assets(platform, actor.space_id, 10)


def test_a_library_spans_its_upload_pool_as_well(client: ApiClient, pools: list[str]) -> None:
    empty = _library(client)
    assert (empty["poolUuids"], empty["storageType"]) == ([], "filesystem")
    made = _library(client, "m", poolUuid=pools[1], poolUuids=[pools[0], pools[0]], description="d")
    assert (made["poolUuid"], made["poolUuids"]) == (pools[1], sorted(pools[:2]))
    path = f"/libraries/{made['uuid']}"
    assert client.get(path) == made
    assert client.get("/libraries")["data"][1] == made
    assert client.patch(path, {"poolUuid": pools[2]})["poolUuids"] == sorted(pools)
    assert client.patch(path, {"poolUuids": []})["poolUuids"] == [pools[2]]
    answer = client.request("GET", path)
    changed = client.request("PATCH", path, {"poolUuids": [pools[0]]}, expect=200)
    assert changed.headers["ETag"] != answer.headers["ETag"]
    body = {"name": "m", "description": None, "poolUuid": None, "poolUuids": None, "meta": None}
    replaced = client.request("PUT", path, body, expect=200).json
    assert replaced["poolUuids"] == []
    assert not {"poolUuid", "description"} & replaced.keys()


def test_a_pool_that_is_none_is_named(client: ApiClient) -> None:
    assert "poolUuids" in client.post("/libraries", {"name": "l", "poolUuids": [str(uuid4())]}, expect=400)["message"]
    assert "poolUuid:" in client.post("/libraries", {"name": "l", "poolUuid": str(uuid4())}, expect=400)["message"]
    made = _library(client)
    client.patch(f"/libraries/{made['uuid']}", {"poolUuids": [str(uuid4())]}, expect=400)
    client.post("/libraries", {"name": "l2", "poolUuids": "x"}, expect=400)


def test_a_deleted_pool_leaves_its_libraries(client: ApiClient, pools: list[str]) -> None:
    made = _library(client, poolUuid=pools[0], poolUuids=pools)
    client.delete(f"/asset-pools/{pools[0]}")
    left = client.get(f"/libraries/{made['uuid']}")
    assert ("poolUuid" in left, left["poolUuids"]) == (False, sorted(pools[1:]))


def test_members_are_added_once_and_removed(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    made = _library(client)
    path = f"/libraries/{made['uuid']}/assets"
    assert client.post(path, {"assetUuid": assets[0]}, expect=201)["uuid"] == made["uuid"]
    assert client.post(path, {"assetUuid": assets[0]}, expect=200)["uuid"] == made["uuid"]
    stranger = str(uuid4())
    assert client.request("PUT", path, {"assetUuids": [*assets[:3], assets[2], stranger]}, expect=200).json == {
        "total": 4, "added": 2, "failed": 1, "failedUuids": [stranger],
    }  # fmt: skip
    assert client.request("PUT", path, {"assetUuids": []}, expect=200).json["total"] == 0
    assert events_about(platform, "asset.updated") == sorted(assets[:3])
    assert uuids(client.get(path)) == assets[:3]
    client.delete(f"{path}/{assets[1]}")
    client.delete(f"{path}/{assets[1]}")
    assert events_about(platform, "asset.updated") == [assets[1]]
    assert uuids(client.get(path)) == [assets[0], assets[2]]
    assert uuids(client.get(f"/assets/{assets[0]}/libraries")) == [made["uuid"]]
    assert uuids(client.get(f"/assets/{assets[1]}/libraries")) == []


def test_what_cannot_be_added_is_refused(client: ApiClient, assets: list[str]) -> None:
    path = f"/libraries/{_library(client)['uuid']}/assets"
    assert "assetUuid" in client.post(path, {"assetUuid": str(uuid4())}, expect=400)["message"]
    client.post(path, {}, expect=400)
    client.request("PUT", path, {}, expect=400)
    client.request("PUT", path, {"assetUuids": [str(uuid4())] * 10_001}, expect=400)
    client.delete(f"{path}/{uuid4()}", expect=404)
    for method, body in (("GET", None), ("POST", {"assetUuid": assets[0]}), ("PUT", {"assetUuids": assets})):
        client.request(method, f"/libraries/{uuid4()}/assets", body, expect=404)


@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_pages_merge_what_was_added_and_what_lies_in_pools(
    client: ApiClient, platform: Platform, assets: list[str], pools: list[str], direction: str
) -> None:
    put_into_pool(platform, pools[0], assets[0:4], copies=3)
    put_into_pool(platform, pools[1], assets[2:6])
    put_into_pool(platform, pools[2], assets[9:])
    made = _library(client, poolUuids=pools[:2])
    path = f"/libraries/{made['uuid']}/assets"
    client.request("PUT", path, {"assetUuids": [assets[1], assets[5], assets[7]]}, expect=200)
    expected = [*assets[:6], assets[7]]
    ordered = expected if direction == "ASCENDING" else expected[::-1]
    for limit in (1, 2, 3, 7, 8):
        assert uuids(client.all(path, limit=limit, dir=direction)) == ordered
    assert uuids(client.all(path, limit=2, sort="name", dir=direction)) == ordered
    assert client.get(path, query_string={"limit": 2})["_metainfo"]["totalCount"] == 7
    assert client.get(path, query_string={"filter": "name[eq]=5"})["_metainfo"]["totalCount"] == 1
    assert uuids(client.get("/assets", query_string={"filter": f"library[eq]={made['uuid']}"})) == expected
    others = client.get("/assets", query_string={"filter": f"library[ne]={made['uuid']}"})
    assert uuids(others) == [assets[6], *assets[8:]]
    assert uuids(client.get(f"/assets/{assets[4]}/libraries")) == [made["uuid"]]
    client.delete(f"{path}/{assets[5]}")
    assert assets[5] in uuids(client.get(path))


def test_a_change_of_pools_is_told_of_their_assets(
    client: ApiClient, platform: Platform, assets: list[str], pools: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into_pool(platform, pools[0], assets[:7], copies=2)
    put_into_pool(platform, pools[1], assets[7:])
    made = _library(client, poolUuids=pools[:1])
    assert events_about(platform, "asset.updated") == assets[:7]
    client.patch(f"/libraries/{made['uuid']}", {"poolUuids": pools[1:2]})
    assert events_about(platform, "asset.updated") == assets
    monkeypatch.setattr(announcing, "MOST_AT_ONCE", 3)
    client.patch(f"/libraries/{made['uuid']}", {"poolUuids": pools[:1]})
    assert events_about(platform, "asset.updated") == assets[7:]
    run_all(platform)
    assert events_about(platform, "asset.updated") == assets[:7]
    assert [task["kind"] for task in client.get("/tasks")["data"]] == ["assets.announce"]
    assert client.get("/tasks")["data"][0]["result"] == {"assets": 7}


def test_deleting_a_library_keeps_its_assets(
    client: ApiClient, platform: Platform, assets: list[str], pools: list[str]
) -> None:
    put_into_pool(platform, pools[0], assets[:2])
    made = _library(client, poolUuids=pools[:1])
    client.request("PUT", f"/libraries/{made['uuid']}/assets", {"assetUuids": assets[5:]}, expect=200)
    events_about(platform, "asset.updated")
    client.delete(f"/libraries/{made['uuid']}")
    assert events_about(platform, "asset.updated") == [*assets[:2], *assets[5:]]
    assert events_about(platform, "library.deleted") == [made["uuid"]]
    assert len(client.all("/assets")) == 10


def test_a_large_library_is_deleted_by_a_task(
    client: ApiClient, platform: Platform, assets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _library(client)
    path = f"/libraries/{made['uuid']}"
    client.request("PUT", f"{path}/assets", {"assetUuids": assets}, expect=200)
    events_about(platform, "asset.updated")
    monkeypatch.setattr(holders, "MOST_AT_ONCE", 9)
    task = client.request("DELETE", path, expect=202).json
    assert (task["kind"], task["subjectUuid"]) == ("libraries.delete", made["uuid"])
    assert client.request("DELETE", path, expect=202).json["uuid"] == task["uuid"]
    run_all(platform)
    client.get(path, expect=404)
    assert client.get(f"/tasks/{task['uuid']}")["result"] == {"assets": 10}
    assert events_about(platform, "asset.updated") == assets
    assert events_about(platform, "library.deleted") == [made["uuid"]]


def test_many_add_the_same_at_once(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    made = _library(client)
    path = f"/libraries/{made['uuid']}/assets"
    one = partial(status_of, client, "POST", path, {"assetUuid": assets[0]})
    several = [partial(status_of, client, "PUT", path, {"assetUuids": each}) for each in (assets, assets[::-1])]
    outcomes = at_once([one] * 26 + several * 12)
    assert set(outcomes) <= {200, 201}
    assert events_about(platform, "asset.updated") == sorted(assets)
    assert uuids(client.get(path)) == assets


def test_members_race_with_the_removal_of_the_library(client: ApiClient, assets: list[str]) -> None:
    for attempt in range(5):
        made = _library(client, str(attempt))
        path = f"/libraries/{made['uuid']}"
        add = [partial(status_of, client, "POST", f"{path}/assets", {"assetUuid": asset}) for asset in assets]
        outcomes = at_once([*add, partial(status_of, client, "DELETE", path)])
        assert set(outcomes) <= {201, 204, 404, 409}, outcomes


def test_a_scoped_user_sees_and_changes_their_library_only(
    client: ApiClient, platform: Platform, assets: list[str], pools: list[str]
) -> None:
    mine, other = _library(client, "mine"), _library(client, "other", poolUuids=pools[:1])
    put_into_pool(platform, pools[0], assets[8:])
    for library, held in ((mine, assets[:3]), (other, assets[2:5])):
        client.request("PUT", f"/libraries/{library['uuid']}/assets", {"assetUuids": held}, expect=200)
    key = UUID(mine["uuid"])
    permissions = (*READER, Permission.UPDATE_LIBRARY)
    make_user(platform, "ines", [Permission.READ_ASSET_POOL], scoped=[(it, "library", key) for it in permissions])
    ines = sign_in(client.app, "ines")
    assert uuids(ines.get("/libraries")) == [mine["uuid"]]
    assert uuids(ines.get(f"/libraries/{mine['uuid']}/assets")) == assets[:3]
    ines.get(f"/libraries/{other['uuid']}", expect=404)
    ines.get(f"/libraries/{other['uuid']}/assets", expect=404)
    assert uuids(ines.get(f"/assets/{assets[2]}/libraries")) == [mine["uuid"]]
    ines.get(f"/assets/{assets[4]}/libraries", expect=404)
    # What they may not read is as if it did not exist.
    found = ines.get("/assets", query_string={"filter": f"library[eq]={other['uuid']}"})
    assert (found["data"], found["_metainfo"]["totalCount"]) == ([], 0)
    path = f"/libraries/{mine['uuid']}/assets"
    ines.post(path, {"assetUuid": assets[4]}, expect=400)
    outcome = ines.request("PUT", path, {"assetUuids": [assets[0], assets[4]]}, expect=200).json
    assert (outcome["added"], outcome["failedUuids"]) == (0, [assets[4]])
    ines.post(f"/libraries/{other['uuid']}/assets", {"assetUuid": assets[0]}, expect=404)
    # A pool would let them read all assets in it.
    ines.patch(f"/libraries/{mine['uuid']}", {"poolUuids": pools[:1]}, expect=403)
    ines.patch(f"/libraries/{mine['uuid']}", {"description": "d"})
    ines.delete(f"/libraries/{mine['uuid']}", expect=403)
    ines.delete(f"{path}/{assets[4]}", expect=404)
    ines.delete(f"{path}/{assets[0]}")
    ines.get(f"/assets/{assets[0]}", expect=404)


def test_a_reader_changes_nothing(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    made = _library(client)
    key = UUID(made["uuid"])
    make_user(platform, "rui", READER, scoped=[(Permission.UPDATE_LIBRARY, "library", uuid4_library(client))])
    rui = sign_in(client.app, "rui")
    rui.post(f"/libraries/{key}/assets", {"assetUuid": assets[0]}, expect=403)
    rui.request("PUT", f"/libraries/{key}/assets", {"assetUuids": assets}, expect=403)
    rui.delete(f"/libraries/{key}/assets/{assets[0]}", expect=403)
    rui.post("/libraries", {"name": "x"}, expect=403)


def uuid4_library(client: ApiClient) -> UUID:
    """Make a library for nothing but a grant."""
    return UUID(_library(client, "for a grant")["uuid"])


def test_spaces_are_apart(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    made = _library(client)
    client.post(f"/libraries/{made['uuid']}/assets", {"assetUuid": assets[0]}, expect=201)
    space = make_space(platform, "elsewhere")
    make_user(platform, "eva", Permission, space_id=space)
    eva, theirs = sign_in(client.app, "eva", "elsewhere"), make_assets(platform, space, 1)
    assert eva.get("/libraries")["data"] == []
    eva.get(f"/libraries/{made['uuid']}/assets", expect=404)
    eva.get(f"/assets/{assets[0]}/libraries", expect=404)
    assert eva.get("/assets", query_string={"filter": f"library[eq]={made['uuid']}"})["data"] == []
    own = _library(eva)
    eva.post(f"/libraries/{own['uuid']}/assets", {"assetUuid": assets[0]}, expect=400)
    eva.request("PUT", f"/libraries/{made['uuid']}/assets", {"assetUuids": theirs}, expect=404)
    outcome = eva.request("PUT", f"/libraries/{own['uuid']}/assets", {"assetUuids": [*theirs, assets[0]]}, expect=200)
    assert (outcome.json["added"], outcome.json["failed"]) == (1, 1)


def _upload(client: ApiClient, data: bytes, **query: str) -> Any:
    query = {"filename": "a.txt", **query}
    return client.request("POST", "/assets/upload", data, query_string=query)


def test_an_upload_goes_into_a_library(client: ApiClient, platform: Platform, actor: Actor) -> None:
    made = _library(client)
    for _ in range(2):
        task = _upload(client, b"bytes", libraryUuid=made["uuid"]).json
        run_uploads(platform)
        assert client.get(f"/tasks/{task['uuid']}")["result"]["libraryUuid"] == made["uuid"]
    held = client.get(f"/libraries/{made['uuid']}/assets")["data"]
    assert [asset["file"]["filename"] for asset in held] == ["a.txt"]
    boundary = {"Content-Type": "multipart/form-data; boundary=x"}
    form = (
        f'--x\r\nContent-Disposition: form-data; name="libraryUuid"\r\n\r\n{made["uuid"]}\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="b.txt"\r\n\r\nother\r\n--x--\r\n'
    )
    client.request("POST", "/assets/upload", form.encode(), headers=boundary, expect=202)
    run_uploads(platform)
    assert len(client.get(f"/libraries/{made['uuid']}/assets")["data"]) == 2


def test_an_upload_into_no_library_leaves_nothing(client: ApiClient, platform: Platform) -> None:
    for bad in (str(uuid4()), "nonsense"):
        answer = _upload(client, b"bytes", libraryUuid=bad)
        assert (answer.status_code, "libraryUuid" in answer.json["message"]) == (400, True)
    made = _library(client)
    permissions = (Permission.CREATE_ASSET, *READER)
    make_user(platform, "rui", permissions)
    assert _upload(sign_in(client.app, "rui"), b"bytes", libraryUuid=made["uuid"]).status_code == 403
    assert client.get("/tasks")["data"] == []


def test_a_library_that_goes_away_does_not_keep_back_the_upload(client: ApiClient, platform: Platform) -> None:
    made = _library(client)
    task = _upload(client, b"bytes", libraryUuid=made["uuid"]).json
    client.delete(f"/libraries/{made['uuid']}")
    run_uploads(platform)
    ended = client.get(f"/tasks/{task['uuid']}")
    assert (ended["state"], "libraryUuid" in ended["result"]) == ("SUCCEEDED", False)


def test_the_bytes_of_an_asset_may_name_a_library(client: ApiClient, platform: Platform) -> None:
    made = _library(client)
    asset = client.post("/assets", {"sha512": sha512_of(b"bytes"), "filename": "f"}, expect=201)
    query = {"libraryUuid": made["uuid"], "filename": "f"}
    client.request("POST", f"/assets/{asset['uuid']}/binary", b"bytes", query_string=query, expect=202)
    run_uploads(platform)
    assert uuids(client.get(f"/libraries/{made['uuid']}/assets")) == [asset["uuid"]]


def test_nobody_gains_rights_by_adding_assets(client: ApiClient, platform: Platform) -> None:
    asset = client.post("/assets", {"sha512": "d" * 128, "filename": "d"}, expect=201)["uuid"]
    library = client.post("/libraries", {"name": "mine"}, expect=201)["uuid"]
    scoped = [(each, "library", UUID(library)) for each in (Permission.UPDATE_LIBRARY, Permission.DELETE_ASSET)]
    make_user(platform, "eve", [Permission.READ_ASSET, Permission.READ_LIBRARY], scoped=scoped)
    eve = sign_in(client.app, "eve")
    for method, body in (("POST", {"assetUuid": asset}), ("PUT", {"assetUuids": [asset]})):
        eve.request(method, f"/libraries/{library}/assets", body, expect=403)
    eve.delete(f"/assets/{asset}", expect=403)
    client.post(f"/libraries/{library}/assets", {"assetUuid": asset}, expect=201)
    eve.delete(f"/assets/{asset}")


def test_an_upload_names_one_library(client: ApiClient) -> None:
    one, two = (client.post("/libraries", {"name": name}, expect=201)["uuid"] for name in ("one", "two"))
    for named, asked, status in ((one, one, 202), (one, two, 400), (one, "x", 400), ("x", one, 400), (one, "", 202)):
        parts = ("libraryUuid", None, named.encode()), ("file", "a", b"x")
        answer = send_form(client, "/assets/upload", *parts, query_string={"libraryUuid": asked})
        assert answer.status_code == status, (named, asked, answer.json)
