"""Runs of pipelines: assets go through graphs, and what is found out is on them afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from PIL import Image

from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import rows
from tests.support.runs import Runs, edge, node, picture
from workers.inline import run_all

LOOKING = ("metadata", "quality", "thumbnail", "dominant-color", "image-hash", "sha256", "md5")
GRAPH = {
    "nodes": [node("source", "asset-source"), *(node(kind, kind) for kind in LOOKING)],
    "edges": [edge("source", kind) for kind in LOOKING],
}


@pytest.fixture
def runs(client: ApiClient, platform: Platform) -> Runs:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    return Runs(client, platform)


def test_what_nodes_find_out_is_on_the_asset(runs: Runs) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Two boats"
    exif[0x0112] = 6
    asset = runs.upload(picture("#ff0000", exif=exif))
    run = runs.run(runs.make(GRAPH), [asset])
    assert {key: run[key] for key in ("status", "mediaCount", "successCount", "failureCount", "skippedCount")} == {
        "status": "SUCCESS", "mediaCount": 1, "successCount": 1, "failureCount": 0, "skippedCount": 0,
    }  # fmt: skip
    (item,) = runs.items(run)
    assert (item["assetUuid"], item["state"], item["itemSeq"], item["mediaPath"]) == (asset, "SUCCESS", 0, "a.jpg")
    done = runs.tasks(run, item)
    assert {name: each["state"] for name, each in done.items()} == dict.fromkeys(("source", *LOOKING), "COMPLETED")
    assert done["metadata"]["outputs"]["text"] == "Two boats"
    assert done["dominant-color"]["outputs"]["hex"] == "#fe0000"
    assert done["thumbnail"]["outputs"]["width"] == 200, "it is upright"
    shown = runs.client.get(f"/assets/{asset}")
    assert len(shown["hashes"]["sha256"]) == 64
    assert len(shown["hashes"]["md5"]) == 32
    (thumbnail,) = runs.client.get("/attachments")["data"]
    assert (thumbnail["assetUuid"], thumbnail["type"], thumbnail["nodeKind"]) == (asset, "ASSET_THUMBNAIL", "thumbnail")
    assert rows(runs.platform, "SELECT count(*) FROM component WHERE source = 'pipeline'") == [(4,)]


def test_what_is_known_is_not_computed_again(runs: Runs) -> None:
    asset, pipeline = runs.upload(picture("blue")), runs.make(GRAPH)
    runs.run(pipeline, [asset])
    run = runs.run(pipeline, [asset])
    done = runs.tasks(run, runs.items(run)[0])
    assert {each["origin"] for each in done.values() if each["nodeKind"] != "asset-source"} == {"CACHED"}
    changed = {**GRAPH, "nodes": [node("source", "asset-source"), *(node(k, k) for k in LOOKING if k != "thumbnail"),
                                  node("thumbnail", "thumbnail", size=64)]}  # fmt: skip
    runs.client.patch(f"/pipelines/{pipeline}", {"definition": changed})
    run = runs.run(pipeline, [asset])
    done = runs.tasks(run, runs.items(run)[0])
    assert (done["thumbnail"]["origin"], done["md5"]["origin"]) == ("COMPUTED", "CACHED")
    assert done["thumbnail"]["outputs"]["width"] == 64
    (thumbnail,) = runs.client.get("/attachments")["data"]
    runs.client.delete(f"/attachments/{thumbnail['uuid']}")
    run = runs.run(pipeline, [asset])
    assert runs.tasks(run, runs.items(run)[0])["thumbnail"]["origin"] == "COMPUTED", "it is not there any more"


def test_a_dry_run_writes_nothing_but_what_became_of_the_items(runs: Runs) -> None:
    asset = runs.upload(picture("green"))
    before = runs.client.get(f"/assets/{asset}")
    run = runs.run(runs.make(GRAPH, dryRun=True), [asset])
    assert (run["dryRun"], run["status"], len(runs.items(run))) == (True, "SUCCESS", 1)
    assert runs.client.get(f"/assets/{asset}") == before
    assert runs.client.get("/attachments")["data"] == []
    assert rows(runs.platform, "SELECT count(*) FROM node_result") == [(0,)]


def test_a_broken_file_fails_by_itself(runs: Runs) -> None:
    whole = picture("red", (2000, 2000), quality=95)
    good, bad = runs.upload(whole), runs.upload(whole[: len(whole) // 2], "b.jpg")
    pipeline = runs.make(GRAPH)
    run = runs.run(pipeline, [good, bad])
    assert (run["status"], run["successCount"], run["failureCount"]) == ("PARTIAL", 1, 1)
    (failed,) = runs.items(run, "?state=FAILED")
    assert (failed["assetUuid"], "cannot be decoded" in failed["errorMessage"]) == (bad, True)
    states = {name: each["state"] for name, each in runs.tasks(run, failed).items()}
    assert (states["thumbnail"], states["md5"]) == ("FAILED", "COMPLETED")
    runs.client.post(f"/tasks/{run['uuid']}/retry", {"items": "failed"}, expect=202)
    run_all(runs.platform)
    again = runs.client.get(f"/pipelines/{pipeline}/runs/{run['uuid']}")
    assert (again["successCount"], again["failureCount"]) == (1, 1)


def test_ways_through_a_graph(runs: Runs) -> None:
    buckets = [{"id": "picture", "match": "image/*"}, {"id": "text", "match": "text/plain"}]
    graph = {
        "nodes": [node("source", "asset-source"), node("kind", "filter", buckets=buckets), node("thumb", "thumbnail"),
                  node("sum", "md5"), node("rest", "sha256"), node("welcome", "blacklist-check"), node("q", "quality")],
        "edges": [edge("source", "kind"), edge("kind", "thumb", sourcePort="picture"),
                  edge("kind", "sum", sourcePort="text"), edge("kind", "rest", sourcePort="other"),
                  edge("source", "welcome"), edge("welcome", "q", branch="PASS"), edge("source", "q")],
    }  # fmt: skip
    image, text, other = runs.upload(picture("red")), runs.upload(b"words", "a.txt"), runs.upload(b"%PDF-1.4", "a.pdf")
    listed = runs.client.get(f"/assets/{image}")["hashes"]["sha512"]
    runs.client.post("/blacklists", {"name": "no", "sha512": listed}, expect=201)
    run = runs.run(runs.make(graph), [image, text, other])
    done = {each["assetUuid"]: runs.tasks(run, each) for each in runs.items(run)}
    ways = {asset: {name for name in ("thumb", "sum", "rest") if nodes[name]["state"] == "COMPLETED"}
            for asset, nodes in done.items()}  # fmt: skip
    assert ways == {image: {"thumb"}, text: {"sum"}, other: {"rest"}}
    assert done[image]["q"]["state"] == "SKIPPED"
    assert "another way" in done[image]["q"]["errorMessage"]
    assert "Does not apply" in done[text]["q"]["errorMessage"]


def test_assets_are_chosen_by_a_filter_within_the_callers_rights(app: Flask, runs: Runs) -> None:
    for number in range(3):
        runs.upload(picture(f"#{number}00000"), f"{number}.jpg")
    runs.upload(b"words", "a.txt")
    pipeline = runs.make(GRAPH)
    run = runs.run(pipeline, filter=["type[eq]=image/jpeg"])
    assert (run["mediaCount"], run["status"]) == (3, "SUCCESS")
    make_user(runs.platform, "u", [Permission.READ_PIPELINE, Permission.CREATE_PIPELINE_RUN])
    eve = sign_in(app, "u")
    eve.post(f"/pipelines/{pipeline}/run", {"filter": ["type[eq]=image/jpeg"]}, expect=202)
    run_all(runs.platform)
    latest = runs.client.get(f"/pipelines/{pipeline}/runs")["data"]
    assert [each["mediaCount"] for each in latest] == [0, 3]
    eve.get(f"/pipelines/{pipeline}/runs", expect=403)


def test_what_cannot_run_is_refused(runs: Runs) -> None:
    asset = runs.upload(picture("red"))
    empty = runs.make({"nodes": [], "edges": []})
    assert runs.client.post(f"/pipelines/{empty}/run", {"mediaUuids": [asset]}, expect=400)["code"] == "bad-definition"
    wrong: list[dict[str, Any]] = [
        {}, {"mediaUuids": []}, {"mediaUuids": ["x"]}, {"filter": ["nothing=1"]},
        {"mediaUuids": ["0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e"]},
    ]  # fmt: skip
    for body in wrong:
        runs.client.post(f"/pipelines/{empty}/run", body, expect=400)
    path = f"/pipelines/{empty}/runs"
    runs.client.get(f"{path}/0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e", expect=404)
    bad = {"nodes": [node("s", "asset-source"), node("t", "thumbnail", size=5)], "edges": [edge("s", "t")]}
    refused = runs.client.post("/pipelines", {"name": "q", "definition": bad}, expect=400)
    assert "option 'size'" in refused["message"]
    told = runs.client.post("/pipelines/validate", {"definition": bad})["errors"]
    assert [(each["code"], each["nodeId"], each["option"]) for each in told] == [("OPTION_INVALID", "t", "size")]
