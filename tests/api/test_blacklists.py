"""Contents that are not wanted: refused wherever they come in, left out wherever assets are listed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from models.permissions import Permission
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
