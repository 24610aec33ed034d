"""The life of an asset over the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.assets import add_pool_file, find_asset, make_space, sha512_of, upload
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from web.asset_bodies import AssetSchema

DATA = b"content"
SHA = sha512_of(DATA)
NOWHERE = "01890000-0000-7000-8000-000000000000"


def body(data: bytes = DATA, **changes: Any) -> dict[str, Any]:
    file = {"mimeType": "text/plain", "filename": "note.txt", "origin": "api", "size": len(data), **changes}
    return {"file": file, "hashes": {"sha512": sha512_of(data)}}


def create(client: ApiClient, number: int, **changes: Any) -> dict[str, Any]:
    created: dict[str, Any] = client.post("/assets", body(f"{number}".encode(), **changes), expect=201)
    return created


def json_of(answer: TestResponse) -> dict[str, Any]:
    content: dict[str, Any] = answer.get_json()
    return content


def message(answer: TestResponse) -> str:
    return str(json_of(answer)["message"])


@contextmanager
def counted_statements(platform: Platform) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(platform.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(platform.engine, "before_cursor_execute", note)


def test_the_whole_life_of_an_asset(client: ApiClient) -> None:
    assert client.get("/assets") == {"data": [], "_metainfo": {"perPage": 25, "totalCount": 0}}
    given = {**body(), "meta": {"a": [1, None]}, "geo": {"lon": 8.5, "lat": 47.0, "source": "gps"}, "unknown": 1}
    created = client.post("/assets", given, expect=201)
    path = f"/assets/{created['uuid']}"
    assert created["file"] == {**body()["file"], "firstSeen": created["status"]["created"]}
    assert created["hashes"] == {"sha512": SHA}
    assert created["geo"] == {"lon": 8.5, "lat": 47.0, "source": "gps"}
    assert created["meta"] == {"a": [1, None]}
    assert created["status"]["creator"]["name"] == "admin"
    assert (created["locations"], created["tags"], created["videoComponents"]) == ([], [], [])
    assert client.get(path) == created
    assert client.get(f"/assets/sha512/{SHA.upper()}") == created
    assert client.get("/assets")["data"] == [created]
    changed = client.post(path, {"file": {"filename": "other.txt"}, "meta": None})
    assert changed["file"] == {**created["file"], "filename": "other.txt"}
    assert changed["meta"] == {"a": [1, None]}
    assert client.patch(f"/assets/sha512/{SHA}", {"meta": {}})["meta"] == {}
    client.delete(path)
    client.request("GET", path, expect=404)
    client.request("DELETE", path, expect=404)
    client.request("GET", f"/assets/sha512/{SHA}", expect=404)


def test_answers_hold_exactly_what_the_document_says(client: ApiClient, platform: Platform, actor: Actor) -> None:
    upload(platform, actor, DATA)
    asset = client.patch(f"/assets/sha512/{SHA}", {"geo": {"lat": 1.0}, "hashes": {"md5": "A" * 32}})
    assert asset["hashes"]["md5"] == "a" * 32
    assert set(asset) <= {field.data_key or name for name, field in AssetSchema().fields.items()}


def test_a_second_asset_of_the_same_content_is_a_conflict(client: ApiClient) -> None:
    client.post("/assets", body(), expect=201)
    answer = client.request("POST", "/assets", body(filename="x"), expect=409)
    assert "SHA-512" in message(answer)


def test_the_short_form_of_a_creation(client: ApiClient) -> None:
    created = client.post("/assets", {"sha512": SHA, "filename": "a"}, expect=201)
    assert created["file"]["mimeType"] == "application/octet-stream"
    assert created["file"]["size"] == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hashes": {}}, "sha512"), ({"hashes": {"sha512": "abc"}}, "sha512"), ({"hashes": "x"}, "hashes"),
        ({"file": {"filename": "a"}}, "file.mimeType"), ({"file": None}, "file"), ({"file": []}, "file"),
        ({"file": {**body()["file"], "size": -1}}, "file.size"), ({"file": {**body()["file"], "size": 2**70}}, "size"),
        ({"file": {**body()["file"], "size": "12"}}, "file.size"), ({"file": {**body()["file"], "size": 1.5}}, "size"),
        ({"file": {**body()["file"], "filename": ""}}, "filename"),
        ({"file": {**body()["file"], "filename": "a\x00b"}}, "filename"),
        ({"file": {**body()["file"], "filename": "\ud800"}}, "filename"),
        ({"file": {**body()["file"], "filename": "x" * 300}}, "filename"),
        ({"file": {**body()["file"], "mimeType": "text"}}, "mimeType"),
        ({"file": {**body()["file"], "mimeType": "text/html\r\nX: y"}}, "mimeType"),
        ({"geo": {"lat": 91}}, "geo.lat"), ({"geo": {"lon": "x"}}, "geo.lon"), ({"meta": []}, "meta"),
        ({"hashes": {"sha512": SHA, "md5": "zz"}}, "md5"),
    ],
)  # fmt: skip
def test_what_a_creation_is_refused_for(client: ApiClient, change: dict[str, Any], named: str) -> None:
    answer = client.request("POST", "/assets", {**body(), **change}, expect=400)
    assert named in message(answer)
    assert client.get("/assets")["data"] == []


def test_the_content_of_an_asset_never_changes(client: ApiClient) -> None:
    path = f"/assets/{client.post('/assets', body(), expect=201)['uuid']}"
    client.post(path, {"hashes": {"sha512": SHA}, "file": {"size": 0}})
    client.request("POST", path, {"hashes": {"sha512": "ab" * 64}}, expect=409)
    client.request("POST", path, {"file": {"size": 99}}, expect=409)


def test_a_replacement_names_everything(client: ApiClient) -> None:
    created = client.post("/assets", {**body(), "meta": {"a": 1}, "geo": {"lat": 1.0}}, expect=201)
    path = f"/assets/{created['uuid']}"
    refused = client.request("PUT", path, {"file": {"filename": "b"}}, expect=400)
    assert all(name in message(refused) for name in ("hashes", "tags", "meta"))
    client.request("PUT", path, {"file": None, "hashes": None, "tags": [], "meta": None}, expect=400)
    client.patch(path, {"hashes": {"md5": "ab" * 16}})
    whole: dict[str, Any] = {"file": {"filename": "b"}, "hashes": None, "tags": [], "meta": None}
    replaced = json_of(client.request("PUT", path, whole, expect=200))
    assert (replaced["file"]["filename"], replaced["hashes"], replaced["meta"]) == ("b", {"sha512": SHA}, {})
    assert replaced["geo"] == {"lat": 1.0}
    cleared = client.request("PUT", f"/assets/sha512/{SHA}", {**whole, "geo": None}, expect=200)
    assert "geo" not in json_of(cleared)


def test_bad_addresses_are_told_apart_from_unknown_ones(client: ApiClient) -> None:
    client.request("GET", "/assets/nonsense", expect=400)
    client.request("GET", "/assets/sha512/abc", expect=400)
    client.request("GET", "/assets/sha512", expect=400)
    client.request("GET", f"/assets/{NOWHERE}", expect=404)
    client.request("POST", f"/assets/{NOWHERE}", {}, expect=404)
    client.request("GET", f"/assets/sha512/{'0' * 128}", expect=404)
    client.anonymous().request("GET", f"/assets/{NOWHERE}", expect=401)


def test_assets_of_another_space_do_not_exist(client: ApiClient, platform: Platform, actor: Actor) -> None:
    other = make_space(platform, actor, "other")
    upload(platform, other, DATA)
    asset = find_asset(platform, DATA, other)
    assert asset is not None
    for method in ("GET", "POST", "PUT", "DELETE"):
        given: Any = {"file": {}, "hashes": {}, "tags": [], "meta": {}} if method in {"POST", "PUT"} else None
        client.request(method, f"/assets/{asset.id}", given, expect=404)
        client.request(method, f"/assets/sha512/{SHA}", given, expect=404)
    assert client.get("/assets")["_metainfo"]["totalCount"] == 0
    client.post("/assets", body(), expect=201)


@pytest.mark.parametrize("sort", ["uuid", "name", "created", "edited", "sha512", "size"])
@pytest.mark.parametrize("direction", ["ASCENDING", "desc"])
def test_pages_neither_skip_nor_repeat(client: ApiClient, sort: str, direction: str) -> None:
    made = [create(client, number, filename=f"n{number % 3}", size=number % 2) for number in range(11)]
    found = client.all("/assets", limit=3, sort=sort, dir=direction)
    keys = {
        "uuid": lambda asset: asset["uuid"], "name": lambda asset: (asset["file"]["filename"], asset["uuid"]),
        "sha512": lambda asset: asset["hashes"]["sha512"], "size": lambda asset: (asset["file"]["size"], asset["uuid"]),
    }  # fmt: skip
    expected = sorted(made, key=keys.get(sort, keys["uuid"]), reverse=direction == "desc")
    assert [asset["uuid"] for asset in found] == [asset["uuid"] for asset in expected]


def test_a_page_knows_the_whole_number(client: ApiClient) -> None:
    made = [create(client, number) for number in range(5)]
    page = client.get("/assets", query_string={"limit": 2})
    assert page["_metainfo"] == {"perPage": 2, "totalCount": 5, "lastUuid": made[1]["uuid"]}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("size[gte]=1KB", {1, 2}), ("size[range]=500_1500", {1}), ("name[eq]=n1", {1}), ("name[ne]=n1", {0, 2}),
        ("type[eq]=image/png", {2}), ("size[gte]=1,name[eq]=n2", {2}),
        ("created[after]=2020-01-01T00:00:00Z", {0, 1, 2}),
        ("created[before]=2020-01-01T00:00:00Z", set()), ("origin[eq]=api", {0, 1, 2}), ("size[eq]=0", {0}),
        (f"creator[eq]={NOWHERE}", set()), (f"creator[ne]={NOWHERE}", {0, 1, 2}),
    ],
)  # fmt: skip
def test_filters(client: ApiClient, terms: str, expected: set[int]) -> None:
    made = [
        create(client, number, filename=f"n{number}", size=size, mimeType=mime)
        for number, (size, mime) in enumerate([(0, "text/plain"), (1000, "text/plain"), (5000, "image/png")])
    ]
    page = client.get("/assets", query_string={"filter": terms})
    assert {asset["uuid"] for asset in page["data"]} == {made[number]["uuid"] for number in expected}
    assert page["_metainfo"]["totalCount"] == len(expected)


@pytest.mark.parametrize(
    "query", ["sort=status", "sort=blob_sha512", "filter=sha512[eq]=x", "filter=size[like]=1", "filter=size[gte]=x",
              "filter=nonsense", "limit=0", "limit=x", "limit=-1", "from=x", "from=",
              "filter=created[after]=yesterday"],
)  # fmt: skip
def test_what_lists_do_not_understand_is_a_bad_request(client: ApiClient, query: str) -> None:
    client.request("GET", f"/assets?{query}", expect=400)


def test_places_are_shown_and_change_the_etag(
    client: ApiClient, platform: Platform, actor: Actor, tmp_path: Path
) -> None:
    created = client.post("/assets", body(), expect=201)
    path = f"/assets/{created['uuid']}"
    first = client.request("GET", path, expect=200)
    assert client.request("GET", path, headers={"If-None-Match": first.headers["ETag"]}, expect=304).data == b""
    file = tmp_path / "näme.txt"
    file.write_bytes(DATA)
    asset = find_asset(platform, DATA, actor)
    assert asset is not None
    pool_id = add_pool_file(platform, actor, asset, file)
    second = client.request("GET", path, headers={"If-None-Match": first.headers["ETag"]}, expect=200)
    (place,) = json_of(second)["locations"]
    status = file.stat()
    assert (place["poolUuid"], place["assetUuid"], place["state"]) == (str(pool_id), created["uuid"], "PRESENT")
    assert place["storageType"] == "filesystem"
    assert place["filesystem"]["path"] == str(file)
    assert place["filesystem"]["filekey"]["inode"] == status.st_ino
    assert place["filesystem"]["filekey"]["edate"] == int(status.st_mtime)
    client.post(path, {"meta": {"a": 1}}, headers={"If-Match": first.headers["ETag"]})
    client.request("POST", path, {"meta": {}}, headers={"If-Match": first.headers["ETag"]}, expect=412)
    client.request("DELETE", path, headers={"If-Match": '"1"'}, expect=412)
    client.delete(path, headers={"If-Match": "*"})
    assert file.read_bytes() == DATA


def test_names_of_places_may_be_any_bytes(client: ApiClient, platform: Platform, actor: Actor, tmp_path: Path) -> None:
    name = b"\xff\n\\.txt"
    file = tmp_path / os.fsdecode(name)
    file.write_bytes(DATA)
    client.post("/assets", body(), expect=201)
    asset = find_asset(platform, DATA, actor)
    assert asset is not None
    add_pool_file(platform, actor, asset, file, path=name)
    (place,) = client.get(f"/assets/{asset.id}")["locations"]
    assert place["filesystem"]["path"] == f"{tmp_path}/\\xff\\x0a\\\\.txt"


def test_the_number_of_statements_does_not_grow_with_the_page(
    client: ApiClient, platform: Platform, actor: Actor, tmp_path: Path
) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"")
    for number in range(20):
        create(client, number)
        asset = find_asset(platform, f"{number}".encode(), actor)
        assert asset is not None
        add_pool_file(platform, actor, asset, file)
    with counted_statements(platform) as statements:
        client.get("/assets", query_string={"limit": 2})
    few = len(statements)
    with counted_statements(platform) as statements:
        page = client.get("/assets", query_string={"limit": 20})
    assert all(len(asset["locations"]) == 1 for asset in page["data"])
    assert len(statements) <= few <= 5
    with counted_statements(platform) as statements:
        client.get(f"/assets/{page['data'][3]['uuid']}")
    assert len(statements) <= 3


def test_only_the_oldest_places_of_a_very_common_content_are_shown(
    client: ApiClient, platform: Platform, actor: Actor, tmp_path: Path
) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"")
    created = create(client, 1)
    asset = find_asset(platform, b"1", actor)
    assert asset is not None
    pool_id = add_pool_file(platform, actor, asset, file)
    with platform.unit_of_work() as uow:
        uow.execute(
            """INSERT INTO location (id, pool_id, asset_id, path, device, inode, size, mtime_ns, ctime_ns)
               SELECT gen_random_uuid(), :pool, :asset, CAST(CAST(n AS text) AS bytea), 1, 1, 1, 1, 1
               FROM generate_series(1, 500) AS n""",
            pool=pool_id,
            asset=UUID(created["uuid"]),
        )
        uow.commit()
    assert len(client.get(f"/assets/{created['uuid']}")["locations"]) == 100


def test_what_is_said_about_an_asset_in_the_same_breath(client: ApiClient, platform: Platform) -> None:
    extras = {
        "tags": [{"name": "beach"}, {"name": "sea", "collection": "places"}],
        "timeline": [{"type": "CHAPTER", "title": "Arrival", "area": {"from": 0, "to": 10}}],
        "consistency": {"zeroChunkCount": 2},
        "fingerprint": {"fingerprintV1": "00ff"},
        "image": {"width": 4000, "height": 3000, "source": "camera"},
        "embeddings": [{"vector": [0.5, 1.0], "type": "face"}],
    }
    made = client.post("/assets", {**body(), **extras}, expect=201)
    assert [tag["name"] for tag in made["tags"]] == ["beach", "sea"]
    assert [note["title"] for note in made["annotations"]] == ["Arrival"]
    assert (made["consistency"], made["fingerprint"]) == ({"zeroChunkCount": 2}, {"fingerprintV1": "00ff"})
    assert made["image"] == made["imageComponents"][0] == {"width": 4000, "height": 3000, "source": "camera"}
    assert (made["embeddings"][0]["type"], made["embeddings"][0]["vector"]) == ("face", [0.5, 1.0])
    path = f"/assets/{made['uuid']}"
    changed = client.patch(path, {"tags": [], "timeline": [], "consistency": None})
    assert (len(changed["tags"]), changed["consistency"]) == (2, {"zeroChunkCount": 2})
    assert len(client.patch(path, {"tags": [{"name": "sun"}]})["tags"]) == 3
    make_user(platform, "eve", [Permission.READ_ASSET, Permission.CREATE_ASSET])
    eve = sign_in(client.app, "eve")
    other = {**body(), "hashes": {"sha512": "e" * 128}}
    eve.post("/assets", {**other, "tags": [{"name": "x"}]}, expect=403)
    assert client.get("/assets")["_metainfo"]["totalCount"] == 1
    assert eve.get(path)["tags"] == eve.get(path)["annotations"] == []
