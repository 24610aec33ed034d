"""Asset locations: what scans have seen, what people say about it, and forgetting it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.assets import put_in_library
from tests.support.client import ApiClient
from tests.support.people import make_space, make_user, sign_in
from workers.inline import run_all

PATH = "/asset-locations"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.txt").write_text(f"file {number}")
    return folder


@pytest.fixture
def pool(client: ApiClient, platform: Platform, folder: Path) -> str:
    made = client.post("/asset-pools", {"name": "media", "fsPath": str(folder)}, expect=201)
    scan(client, platform, made["uuid"])
    return str(made["uuid"])


def scan(client: ApiClient, platform: Platform, pool: str) -> None:
    client.post(f"/asset-pools/{pool}/scan", expect=202)
    run_all(platform)


def find(client: ApiClient, name: str) -> dict[str, Any]:
    """Give the location of a file."""
    return next(each for each in client.all(PATH) if each["filesystem"]["path"].endswith(f"/{name}"))


@pytest.mark.usefixtures("pool")
def test_a_location_says_what_a_scan_has_seen(client: ApiClient, folder: Path, pool: str) -> None:
    location = find(client, "1.txt")
    status = os.stat(folder / "1.txt")
    assert location["filesystem"]["path"] == str(folder / "1.txt")
    assert location["filesystem"]["filekey"] == {
        "inode": status.st_ino, "stDev": status.st_dev, "edate": status.st_mtime_ns // 10**9,
        "edateNano": status.st_mtime_ns % 10**9,
    }  # fmt: skip
    assert (location["poolUuid"], location["state"], location["mimeType"]) == (pool, "PRESENT", "text/plain")
    assert (location["storageType"], location["meta"], "license" in location) == ("filesystem", {}, False)
    assert client.get(f"{PATH}/{location['uuid']}") == client.get(f"/locations/{location['uuid']}") == location
    (shown,) = client.get(f"/assets/{location['assetUuid']}")["locations"]
    assert shown == {key: location[key] for key in shown}


def test_nobody_creates_a_location(client: ApiClient) -> None:
    assert client.get(PATH) == client.get("/locations") == {"data": [], "_metainfo": {"perPage": 25, "totalCount": 0}}
    client.request("POST", PATH, {}, expect=405)
    for method in ("GET", "POST", "PATCH", "DELETE"):
        client.request(method, f"{PATH}/{uuid4()}", {}, expect=404)
        client.request(method, f"{PATH}/1", {}, expect=400)
    client.request("PUT", f"{PATH}/{uuid4()}", {}, expect=405)


@pytest.mark.usefixtures("pool")
def test_pages(client: ApiClient) -> None:
    ids = [each["uuid"] for each in client.all(PATH, limit=2)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 5
    assert [each["uuid"] for each in client.all(PATH, limit=2, dir="DESCENDING")] == ids[::-1]
    page = client.get(PATH, query_string={"limit": 2, "from": ids[0], "fields": "uuid"})
    assert page == {"data": [{"uuid": it} for it in ids[1:3]],
                    "_metainfo": {"lastUuid": ids[2], "perPage": 2, "totalCount": 5}}  # fmt: skip
    end = client.get(PATH, query_string={"from": ids[-1]})
    assert (end["data"], end["_metainfo"]) == ([], {"perPage": 25, "totalCount": 5})


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"sort": "path"}, "path"), ({"filter": "path[eq]=x"}, "path"), ({"filter": "state[eq]=GONE"}, "state"),
        ({"filter": "asset[eq]=x"}, "asset"), ({"filter": "size[range]=a"}, "size"), ({"from": "1"}, "from"),
        ({"fields": "secret"}, "secret"), ({"limit": "0"}, "limit"),
    ],
)  # fmt: skip
def test_bad_list_parameters_are_named(client: ApiClient, query: dict[str, str], told: str) -> None:
    assert told in client.get(PATH, query_string=query, expect=400)["message"]


def test_filters(client: ApiClient, platform: Platform, pool: str, folder: Path) -> None:
    location = find(client, "2.txt")
    (folder / "4.txt").unlink()
    for _ in range(2):
        scan(client, platform, pool)
    client.patch(f"{PATH}/{location['uuid']}", {"license": "CC0"})

    def count(term: str) -> int:
        return int(client.get(PATH, query_string={"filter": term})["_metainfo"]["totalCount"])

    assert count(f"pool[eq]={pool}") == 5
    assert count(f"pool[eq]={uuid4()}") == 0
    assert count("state[eq]=MISSING") == 1
    assert count("state[ne]=MISSING,size[gte]=1") == 4
    assert count(f"asset[eq]={location['assetUuid']}") == count("license[eq]=CC0") == 1
    assert count("lastSeen[after]=2020-01-01T00:00:00Z") == 5


@pytest.mark.usefixtures("pool")
def test_what_people_say(client: ApiClient, platform: Platform) -> None:
    location = find(client, "1.txt")
    path = f"{PATH}/{location['uuid']}"
    before = client.request("GET", path).headers["ETag"]
    said = {"license": "CC-BY-4.0", "meta": {"shelf": [1, None]}, "filesystem": {"path": "/else"}, "state": "MISSING"}
    changed = client.request("PATCH", path, said, headers={"If-Match": before}, expect=200)
    assert changed.json == {**location, "license": "CC-BY-4.0", "meta": {"shelf": [1, None]}}
    assert client.get(path) == changed.json
    client.request("GET", path, headers={"If-None-Match": changed.headers["ETag"]}, expect=304)
    client.request("PATCH", path, said, headers={"If-Match": before}, expect=412)
    for _ in range(2):
        assert client.post(path, said | {"license": None}) == changed.json
    cleared = client.patch(path, {"license": "", "meta": {}})
    assert cleared == location
    for license_text in (1, "a" * 1025, "\x00"):
        client.patch(path, {"license": license_text}, expect=400)
    client.patch(path, {"meta": []}, expect=400)
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT type FROM event WHERE subject_id = %(id)s ORDER BY id", id=location["assetUuid"])
    assert [row[0] for row in rows] == ["asset.created", "asset.updated", "asset.updated"]


def test_what_people_say_survives_scans_and_moves(
    client: ApiClient, platform: Platform, pool: str, folder: Path
) -> None:
    path = f"{PATH}/{find(client, '1.txt')['uuid']}"
    client.patch(path, {"license": "CC0", "meta": {"a": 1}})
    (folder / "1.txt").rename(folder / "moved.txt")
    scan(client, platform, pool)
    moved = client.get(path)
    assert (moved["filesystem"]["path"], moved["license"]) == (str(folder / "moved.txt"), "CC0")
    (folder / "moved.txt").write_text("another content")
    scan(client, platform, pool)
    assert client.get(path)["meta"] == {"a": 1}


def test_what_is_forgotten_is_found_again(client: ApiClient, platform: Platform, pool: str, folder: Path) -> None:
    location = find(client, "1.txt")
    path = f"{PATH}/{location['uuid']}"
    client.request("DELETE", path, headers={"If-Match": '"other"'}, expect=412)
    etag = client.request("GET", path).headers["ETag"]
    client.request("DELETE", path, headers={"If-Match": etag}, expect=204)
    client.delete(path, expect=404)
    assert client.get(f"/assets/{location['assetUuid']}")["locations"] == []
    assert (folder / "1.txt").exists()
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT type FROM event WHERE subject_id = %(id)s ORDER BY id", id=location["assetUuid"])
    assert [row[0] for row in rows] == ["asset.created", "asset.updated"]
    scan(client, platform, pool)
    again = find(client, "1.txt")
    assert (again["assetUuid"], again["uuid"] == location["uuid"]) == (location["assetUuid"], False)


def test_any_name_of_a_file(client: ApiClient, platform: Platform, pool: str, folder: Path) -> None:
    with open(os.fsencode(folder) + b"/\xff\n\\.bin", "wb") as file:
        file.write(b"\0\1\2")
    scan(client, platform, pool)
    assert find(client, "\\xff\\x0a\\\\.bin")["filesystem"]["filekey"]["inode"]


@pytest.mark.usefixtures("pool")
def test_grants_for_a_library(client: ApiClient, platform: Platform, actor: Actor) -> None:
    mine, other = find(client, "1.txt"), find(client, "2.txt")
    library = put_in_library(platform, actor, mine["assetUuid"])
    scoped_to = [(it, "library", library) for it in (Permission.READ_ASSET, Permission.READ_ASSET_LOCATION)]
    make_user(platform, "reader", scoped=scoped_to)
    everywhere = [Permission.READ_ASSET_LOCATION, Permission.READ_ASSET]
    changes = (Permission.UPDATE_ASSET_LOCATION, Permission.DELETE_ASSET_LOCATION)
    make_user(platform, "writer", everywhere, scoped=[(it, "library", library) for it in changes])
    make_user(platform, "blind", [Permission.READ_ASSET_LOCATION])
    reader, writer, blind = (sign_in(client.app, name) for name in ("reader", "writer", "blind"))
    page = reader.get(PATH)
    assert ([it["uuid"] for it in page["data"]], page["_metainfo"]["totalCount"]) == ([mine["uuid"]], 1)
    reader.get(f"{PATH}/{other['uuid']}", expect=404)
    reader.patch(f"{PATH}/{mine['uuid']}", {"license": "x"}, expect=403)
    assert blind.get(PATH)["_metainfo"]["totalCount"] == 0
    blind.get(f"{PATH}/{mine['uuid']}", expect=404)
    for method, status in (("PATCH", 200), ("DELETE", 204)):
        writer.request(method, f"{PATH}/{mine['uuid']}", {"license": "x"}, expect=status)
        writer.request(method, f"{PATH}/{other['uuid']}", {"license": "x"}, expect=403)


@pytest.mark.usefixtures("pool")
def test_another_space_sees_nothing(client: ApiClient, platform: Platform) -> None:
    location = find(client, "1.txt")
    make_user(platform, "stranger", Permission, space_id=make_space(platform, "elsewhere"))
    stranger = sign_in(client.app, "stranger", "elsewhere")
    assert stranger.get(PATH)["_metainfo"]["totalCount"] == 0
    for method in ("GET", "PATCH", "DELETE"):
        stranger.request(method, f"{PATH}/{location['uuid']}", {}, expect=404)
