"""Contents that are not wanted: refused wherever they come in, left out wherever assets are listed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from models.permissions import Entity, Permission, Verb
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from workers.inline import run_all

DATA = b"nobody wants this"
SHA = hashlib.sha512(DATA).hexdigest()
ASSET = {"sha512": SHA, "filename": "bad.txt"}


def _blacklist(client: ApiClient, **more: Any) -> Any:
    return client.post("/blacklists", {"sha512": SHA, "name": "bad", "type": "abuse", **more}, expect=201)


def _listed(client: ApiClient, **query: str) -> list[str]:
    return [asset["uuid"] for asset in client.get("/assets", query_string=query)["data"]]


def test_an_entry_is_made_of_an_asset_and_outlives_it(client: ApiClient) -> None:
    asset = client.post("/assets", ASSET, expect=201)
    entry = client.post("/blacklists", {"assetUuid": asset["uuid"]}, expect=201)
    assert (entry["sha512"], entry["assetUuid"], entry["reviewCount"]) == (SHA, asset["uuid"], 0)
    assert client.post(f"/blacklists/{entry['uuid']}/review")["reviewCount"] == 1
    client.delete(f"/assets/{asset['uuid']}")
    kept = client.get(f"/blacklists/{entry['uuid']}")
    assert kept["sha512"] == SHA
    assert "assetUuid" not in kept
    assert client.get("/blacklists", query_string={"filter": f"sha512[eq]={SHA.upper()}"})["data"] == [kept]


def test_what_an_entry_cannot_be_about(client: ApiClient) -> None:
    asset = client.post("/assets", ASSET, expect=201)
    assert "sha512" in client.post("/blacklists", {"name": "of nothing"}, expect=400)["message"]
    client.post("/blacklists", {"assetUuid": asset["uuid"], "sha512": "b" * 128}, expect=400)
    client.post("/blacklists", {"assetUuid": SHA[:8] + "-0000-7000-8000-000000000000"}, expect=404)
    client.post("/blacklists", {"sha512": "short"}, expect=400)


def test_a_blacklisted_content_is_refused_everywhere(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    entry = _blacklist(client)
    assert client.post("/assets", ASSET, expect=409)["code"] == "blacklisted"
    task = client.request("POST", "/assets/upload?filename=bad.txt", DATA, expect=202).json["uuid"]
    run_all(platform)
    ended = client.get(f"/tasks/{task}")
    assert (ended["state"], ended["error"]["code"]) == ("FAILED", "blacklisted")
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "bad.txt").write_bytes(DATA)
    (tmp_path / "media" / "good.txt").write_bytes(b"welcome")
    pool = client.post("/asset-pools", {"name": "p", "fsPath": str(tmp_path / "media")}, expect=201)
    scan = client.post(f"/asset-pools/{pool['uuid']}/scan", expect=202)["uuid"]
    run_all(platform)
    ended = client.get(f"/tasks/{scan}")
    assert (ended["state"], ended["progress"]["skipped"], ended["result"]["new"]) == ("SUCCEEDED", 1, 1)
    (item,) = client.get(f"/tasks/{scan}/items")["data"]
    assert (item["subject"], item["state"], item["code"]) == ("bad.txt", "SKIPPED", "blacklisted")
    assert len(_listed(client)) == 1
    with platform.unit_of_work() as uow:
        assert uow.fetch("SELECT count(*) FROM blob WHERE sha512 = %(sha)s", sha=bytes.fromhex(SHA)) == [(0,)]
    client.delete(f"/blacklists/{entry['uuid']}")
    client.post("/assets", ASSET, expect=201)


def test_assets_vanish_from_lists_unless_asked_for(client: ApiClient, platform: Platform) -> None:
    bad = client.post("/assets", ASSET, expect=201)["uuid"]
    good = client.post("/assets", {**ASSET, "sha512": "c" * 128}, expect=201)["uuid"]
    _blacklist(client)
    assert _listed(client) == [good]
    assert client.get("/assets")["_metainfo"]["totalCount"] == 1
    assert _listed(client, blacklisted="include") == [bad, good]
    assert _listed(client, blacklisted="only") == [bad]
    client.get("/assets?blacklisted=x", expect=400)
    assert client.get(f"/assets/{bad}")["uuid"] == bad
    make_user(platform, "eve", [Permission.READ_ASSET])
    eve = sign_in(client.app, "eve")
    assert _listed(eve) == [good]
    eve.get("/assets?blacklisted=only", expect=403)


def test_an_entry_of_another_hash_is_about_the_asset_no_more(client: ApiClient) -> None:
    first = client.post("/assets", ASSET, expect=201)
    second = client.post("/assets", {**ASSET, "sha512": "c" * 128}, expect=201)
    path = f"/blacklists/{client.post('/blacklists', {'assetUuid': first['uuid']}, expect=201)['uuid']}"
    moved = client.post(path, {"sha512": "c" * 128})
    assert (moved["sha512"], moved.get("assetUuid")) == ("c" * 128, None)
    assert client.post(path, {"assetUuid": second["uuid"]})["assetUuid"] == second["uuid"]
    client.post(path, {"assetUuid": second["uuid"], "sha512": SHA}, expect=400)
    assert _listed(client) == [first["uuid"]]


def test_an_entry_does_not_tell_of_an_asset_that_one_may_not_read(client: ApiClient, platform: Platform) -> None:
    asset = client.post("/assets", ASSET, expect=201)["uuid"]
    entry = client.post("/blacklists", {"assetUuid": asset}, expect=201)["uuid"]
    other = client.post("/blacklists", {"sha512": "d" * 128}, expect=201)["uuid"]
    make_user(platform, "eve", [Permission.of(verb, Entity.BLACKLIST) for verb in Verb])
    eve = sign_in(client.app, "eve")
    listed = eve.get("/blacklists")
    assert ([each["uuid"] for each in listed["data"]], listed["_metainfo"]["totalCount"]) == ([other], 1)
    eve.get(f"/blacklists/{entry}", expect=404)
    eve.delete(f"/blacklists/{entry}", expect=404)
    eve.post("/blacklists", {"assetUuid": asset}, expect=404)
    client.delete(f"/assets/{asset}")
    assert "assetUuid" not in eve.get(f"/blacklists/{entry}")


def test_a_refused_upload_stays_refused_when_it_is_tried_again(client: ApiClient, platform: Platform) -> None:
    entry = _blacklist(client)["uuid"]
    task = client.request("POST", "/assets/upload?filename=bad.txt", DATA, expect=202).json["uuid"]
    run_all(platform)
    client.delete(f"/blacklists/{entry}")
    client.post(f"/tasks/{task}/retry", {"items": "all"}, expect=202)
    run_all(platform)
    assert client.get(f"/tasks/{task}")["state"] == "FAILED"
    assert client.get("/assets")["data"] == []


def _scan(client: ApiClient, platform: Platform, pool: str) -> Any:
    task = client.post(f"/asset-pools/{pool}/scan", expect=202)["uuid"]
    run_all(platform)
    return client.get(f"/tasks/{task}")["progress"]["skipped"]


def test_a_scan_lets_known_places_be_but_no_unwanted_content_in(
    client: ApiClient, platform: Platform, tmp_path: Path
) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "bad.txt").write_bytes(DATA)
    (folder / "good.txt").write_bytes(b"welcome")
    pool = client.post("/asset-pools", {"name": "p", "fsPath": str(folder)}, expect=201)["uuid"]
    assert _scan(client, platform, pool) == 0
    _blacklist(client)
    os.utime(folder / "bad.txt", (1, 1))
    assert _scan(client, platform, pool) == 0
    (folder / "good.txt").write_bytes(DATA)
    (folder / "copy.txt").write_bytes(DATA)
    assert _scan(client, platform, pool) == 2
    places = {
        each["filesystem"]["path"].rpartition("/")[2]: each["state"] for each in client.get("/asset-locations")["data"]
    }
    assert places == {"bad.txt": "PRESENT", "good.txt": "MISSING"}
    assert _scan(client, platform, pool) == 2
    bad = client.get(f"/assets/sha512/{SHA}")["uuid"]
    assert client.request("GET", f"/assets/{bad}/binary/data", buffered=True, expect=200).data == DATA
