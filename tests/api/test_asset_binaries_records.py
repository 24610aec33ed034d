"""Declared binaries: records of where bytes of assets are said to be; Loom never looks there."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.entities import Asset, Library, Pool
from models.ids import new_id
from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.api.test_components import make_asset
from tests.support.assets import add_pool_file, is_kept, put_in_library, run_removals, run_uploads, sha512_of
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.forms import fetch
from tests.support.people import make_space, make_user, sign_in

DATA = b"stored bytes"
FILE = {"filesystem": {"path": "/srv/a.mov"}}
OBJECT = {"s3": {"bucket": "films", "objectPath": "a/b.mov"}}
JSON = {"Accept": "application/json"}


@pytest.fixture
def asset(client: ApiClient) -> str:
    made = client.post("/assets", {"sha512": sha512_of(DATA), "filename": "a"}, expect=201)
    return str(made["uuid"])


def declare(client: ApiClient, asset: str, place: dict[str, Any] = FILE, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/asset-binaries", {"assetUuid": asset, **place, **more}, expect=201)
    return made


def make_library(platform: Platform, actor: Actor, name: str, pool_id: UUID | None = None) -> str:
    library = Library(id=new_id(), space_id=actor.space_id, name=name, pool_id=pool_id)
    with platform.unit_of_work() as uow:
        uow.session.add(library)
        uow.commit()
    return str(library.id)


def make_pool(platform: Platform, actor: Actor, name: str) -> UUID:
    pool = Pool(id=new_id(), space_id=actor.space_id, name=name, fs_path=f"/{name}")
    with platform.unit_of_work() as uow:
        uow.session.add(pool)
        uow.commit()
    return pool.id


def test_life_of_a_record(client: ApiClient, asset: str) -> None:
    assert client.get("/asset-binaries")["data"] == client.get("/binaries")["data"] == []
    filekey = {"inode": 2**64 - 1, "stDev": 0, "edate": -1, "edateNano": 999_999_999}
    filesystem = {"path": "/srv/a.mov", "filekey": filekey, "lastSeen": "2026-01-02T03:04:05Z"}
    made = declare(client, asset, {"filesystem": filesystem, "s3": None}, meta={"a": 1}, unknown=1)
    assert {name: made[name] for name in made.keys() - {"uuid", "status"}} == {
        "assetUuid": asset, "storageType": "filesystem", "filesystem": filesystem, "meta": {"a": 1},
    }  # fmt: skip
    path = f"/asset-binaries/{made['uuid']}"
    assert client.get(path) == client.get(f"/binaries/{made['uuid']}") == made
    assert client.get("/asset-binaries")["data"] == [made]
    changed = client.patch(path, {"filesystem": {"path": "/srv/b.mov"}, "meta": None})
    assert changed["filesystem"] == {**filesystem, "path": "/srv/b.mov"}
    moved = client.post(path, OBJECT)
    assert (moved["storageType"], moved["s3"], "filesystem" in moved) == ("s3", OBJECT["s3"], False)
    assert client.patch(path, {"s3": {"objectPath": "c"}})["s3"] == {"bucket": "films", "objectPath": "c"}
    back = client.patch(path, {"filesystem": {"path": "/x"}})
    assert (back["storageType"], back["filesystem"]) == ("filesystem", {"path": "/x"})
    client.delete(path)
    client.get(path, expect=404)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "filesystem, s3"),
        ({**FILE, **OBJECT}, "filesystem, s3"),
        ({"filesystem": None, "s3": None}, "filesystem, s3"),
        ({"filesystem": {}}, "filesystem.path"),
        ({"filesystem": {"path": ""}}, "filesystem.path"),
        ({"filesystem": {"path": "a\\q"}}, "filesystem.path"),
        ({"filesystem": {"path": "a\x00"}}, "filesystem.path"),
        ({"filesystem": {"path": "/" + "a" * 2048}}, "filesystem.path"),
        ({"filesystem": {"path": "/" + "ä" * 1024}}, "filesystem.path"),
        ({"filesystem": {"path": "/a", "filekey": {"inode": 2**64}}}, "filesystem.filekey.inode"),
        ({"filesystem": {"path": "/a", "lastSeen": "yesterday"}}, "filesystem.lastSeen"),
        ({"s3": {"bucket": "b"}}, "s3.objectPath"),
        ({"s3": {"objectPath": "ä" * 513}}, "s3.objectPath"),
        ({**FILE, "libraryUuid": str(uuid4())}, "libraryUuid"),
        ({**FILE, "poolUuid": str(uuid4())}, "poolUuid"),
        ({**FILE, "assetUuid": str(uuid4())}, "assetUuid"),
        ({**FILE, "assetUuid": None}, "assetUuid"),
    ],
)
def test_what_is_wrong_is_named(client: ApiClient, asset: str, body: dict[str, Any], told: str) -> None:
    assert told in client.post("/asset-binaries", {"assetUuid": asset, **body}, expect=400)["message"]
    assert client.get("/asset-binaries")["data"] == []


def test_a_replacement_says_what_both_places_are(client: ApiClient, asset: str) -> None:
    path = f"/asset-binaries/{declare(client, asset, meta={'a': 1})['uuid']}"
    whole: dict[str, Any] = {"libraryUuid": None, "poolUuid": None, "filesystem": None, "s3": None, "meta": None}
    assert "libraryUuid" in client.request("PUT", path, FILE, expect=400).json["message"]
    assert "filesystem, s3" in client.request("PUT", path, whole, expect=400).json["message"]
    assert "filesystem, s3" in client.request("PUT", path, {**whole, **FILE, **OBJECT}, expect=400).json["message"]
    replaced = client.request("PUT", path, {**whole, **OBJECT}, expect=200).json
    assert (replaced["s3"], replaced["meta"], "filesystem" in replaced) == (OBJECT["s3"], {}, False)


def test_a_place_once_in_a_library(client: ApiClient, platform: Platform, actor: Actor, asset: str) -> None:
    library = make_library(platform, actor, "films")
    declare(client, asset)
    declare(client, asset, libraryUuid=library)
    other = declare(client, make_asset(client, "other"), OBJECT)
    for more in ({}, {"libraryUuid": library}):
        client.post("/asset-binaries", {"assetUuid": asset, **FILE, **more}, expect=409)
    client.patch(f"/asset-binaries/{other['uuid']}", FILE, expect=409)
    assert set(crowd(lambda _: client.request(
        "POST", "/asset-binaries", {"assetUuid": asset, "filesystem": {"path": "/new"}}
    ).status_code, 20)) == {201, 409}  # fmt: skip


def test_a_library_brings_its_pool(client: ApiClient, platform: Platform, actor: Actor, asset: str) -> None:
    one, two = (make_pool(platform, actor, name) for name in ("one", "two"))
    films, photos = make_library(platform, actor, "films", one), make_library(platform, actor, "photos")
    made = declare(client, asset, libraryUuid=films)
    path = f"/asset-binaries/{made['uuid']}"
    assert (made["libraryUuid"], made["poolUuid"]) == (films, str(one))
    assert client.patch(path, {"poolUuid": str(two)})["poolUuid"] == str(two)
    assert client.patch(path, {"libraryUuid": films})["poolUuid"] == str(two)
    assert "poolUuid" not in client.patch(path, {"libraryUuid": photos})
    assert client.patch(path, {"libraryUuid": films})["poolUuid"] == str(one)
    whole = {"libraryUuid": films, "poolUuid": None, "s3": None, "meta": None, **FILE}
    assert client.request("PUT", path, whole, expect=200).json["poolUuid"] == str(one)
    both = declare(client, asset, OBJECT, libraryUuid=films, poolUuid=str(two))
    assert both["poolUuid"] == str(two)
    for term in (f"pool[eq]={two}", f"library[eq]={films},bucket[eq]=films", "objectPath[eq]=a/b.mov"):
        found = client.get("/asset-binaries", query_string={"filter": term})["data"]
        assert [each["uuid"] for each in found] == [both["uuid"]], term
    found = client.get("/asset-binaries", query_string={"filter": "path[eq]=/srv/a.mov"})["data"]
    assert [each["uuid"] for each in found] == [made["uuid"]]


def test_the_binaries_of_an_asset_are_all_that_is_known(
    client: ApiClient, platform: Platform, actor: Actor, asset: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(DATA)
    declared = declare(client, asset)
    with platform.unit_of_work() as uow:
        add_pool_file(platform, actor, uow.session.get_one(Asset, UUID(asset)), file)
    client.request("POST", f"/assets/{asset}/binary?filename=a", DATA, headers={"Content-Type": "a/b"}, expect=202)
    run_uploads(platform)
    stored, second, place = client.get(f"/assets/{asset}/binaries")["data"]
    assert (stored["uuid"], second, place["filesystem"]["path"]) == (asset, declared, str(file))
    client.delete(f"/assets/{asset}/binary")
    run_removals(platform)
    assert [each["uuid"] for each in client.get(f"/assets/{asset}/binaries")["data"]] == [place["uuid"]]
    assert not is_kept(platform, DATA)
    client.delete(f"/assets/{asset}/binary", expect=404)
    declare(client, asset)
    client.delete(f"/assets/{asset}/binary")
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT type FROM event WHERE type LIKE 'asset-binary.%%' ORDER BY id")
    assert [row[0] for row in rows] == ["asset-binary.created", "asset-binary.deleted"] * 2


def test_nothing_is_served_from_where_bytes_are_said_to_be(client: ApiClient, asset: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    made = declare(client, asset, {"filesystem": {"path": str(secret)}})
    client.request("GET", f"/assets/{asset}/binary", expect=404)
    client.request("GET", f"/assets/{asset}/binary/data", headers=JSON, expect=404)
    assert client.get(f"/assets/{asset}/binary", headers=JSON) == made


def test_a_nameless_json_object_is_a_record(client: ApiClient, platform: Platform, asset: str) -> None:
    path = f"/assets/{asset}/binary"
    made = client.post(path, {**FILE, "meta": {"a": 1}, "assetUuid": str(uuid4())}, expect=201)
    assert (made["assetUuid"], made["filesystem"], made["meta"]) == (asset, FILE["filesystem"], {"a": 1})
    assert "filesystem, s3" in client.post(path, {**FILE, **OBJECT}, expect=400)["message"]
    client.post(path, FILE, expect=409)
    client.post(f"/assets/{uuid4()}/binary", FILE, expect=404)


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("?filename=a.json", b'{"filesystem": {"path": "/a"}}'),
        ("/data", b'{"filesystem": {"path": "/a"}}'),
        ("", b'{"other": 1}'),
        ("", b'["filesystem"]'),
        ("", b"{"),
        ("", b'{"filesystem": {"path": "/a"}, "x": "' + b"x" * 70_000 + b'"}'),
    ],
)
def test_other_json_is_a_file(client: ApiClient, platform: Platform, query: str, data: bytes) -> None:
    asset = client.post("/assets", {"sha512": sha512_of(data), "filename": "a"}, expect=201)["uuid"]
    headers = {"Content-Type": "application/json"}
    client.request("POST", f"/assets/{asset}/binary{query}", data, headers=headers, expect=202)
    run_uploads(platform)
    assert fetch(client, f"/assets/{asset}/binary/data", expect=200).data == data


def test_records_go_with_their_asset(client: ApiClient, asset: str) -> None:
    made = declare(client, asset)
    client.delete(f"/assets/{asset}")
    client.get(f"/asset-binaries/{made['uuid']}", expect=404)


def test_pages(client: ApiClient, asset: str) -> None:
    made = [declare(client, asset, {"filesystem": {"path": f"/{number}"}})["uuid"] for number in range(5)]
    assert [each["uuid"] for each in client.all("/asset-binaries", limit=2)] == made
    assert [each["uuid"] for each in client.all("/asset-binaries", limit=2, sort="created", dir="desc")] == made[::-1]
    assert client.get("/asset-binaries", query_string={"limit": 1, "fields": "uuid"})["data"] == [{"uuid": made[0]}]


def test_grants_for_a_library(client: ApiClient, platform: Platform, actor: Actor, asset: str) -> None:
    other = make_asset(client, "other")
    library = put_in_library(platform, actor, asset)
    seen, hidden = declare(client, asset), declare(client, other, OBJECT)
    may = (Permission.READ_ASSET, Permission.READ_ASSET_BINARY, Permission.CREATE_ASSET_BINARY, Permission.READ_LIBRARY)
    make_user(platform, "scoped", scoped=[(it, "library", library) for it in may])
    scoped = sign_in(client.app, "scoped")
    page = scoped.get("/asset-binaries")
    assert ([it["uuid"] for it in page["data"]], page["_metainfo"]["totalCount"]) == ([seen["uuid"]], 1)
    scoped.get(f"/asset-binaries/{hidden['uuid']}", expect=404)
    scoped.patch(f"/asset-binaries/{seen['uuid']}", {"meta": {}}, expect=403)
    scoped.request("DELETE", f"/assets/{asset}/binary", expect=403)
    place = {"filesystem": {"path": "/new"}}
    assert declare(scoped, asset, place, libraryUuid=str(library))["libraryUuid"] == str(library)
    scoped.post("/asset-binaries", {"assetUuid": other, **place}, expect=400)
    foreign = make_library(platform, actor, "foreign")
    scoped.post("/asset-binaries", {"assetUuid": asset, **place, "libraryUuid": foreign}, expect=400)
    pool = str(make_pool(platform, actor, "p"))
    scoped.post("/asset-binaries", {"assetUuid": asset, **place, "poolUuid": pool}, expect=400)


def test_another_space_sees_nothing(client: ApiClient, platform: Platform, actor: Actor, asset: str) -> None:
    made = declare(client, asset)
    make_user(platform, "stranger", Permission, space_id=make_space(platform, "elsewhere"))
    stranger = sign_in(client.app, "stranger", "elsewhere")
    assert stranger.get("/asset-binaries")["_metainfo"]["totalCount"] == 0
    for method in ("GET", "PATCH", "DELETE"):
        stranger.request(method, f"/asset-binaries/{made['uuid']}", {}, expect=404)
    stranger.post("/asset-binaries", {"assetUuid": asset, **FILE}, expect=400)
    stranger.get(f"/assets/{asset}/binaries", expect=404)
    theirs = make_asset(stranger, "theirs")
    library, pool = make_library(platform, actor, "films"), str(make_pool(platform, actor, "p"))
    for key, value in (("libraryUuid", library), ("poolUuid", pool)):
        assert key in stranger.post("/asset-binaries", {"assetUuid": theirs, **FILE, key: value}, expect=400)["message"]
    declare(stranger, theirs)
