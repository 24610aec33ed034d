"""Pools in buckets, of a server that speaks S3 and of one that is in trouble."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Actor
from models.storage.buckets import Bucket
from models.wiring import Platform
from tests.support.assets import find_asset
from tests.support.client import ApiClient
from tests.support.platforms import rows
from tests.support.runs import Runs, edge, node, picture
from tests.support.s3_server import BUCKET, S3, s3_server
from tests.support.settings import PASSWORD
from web.app import close_app, create_app
from workers.inline import run_all

URL = f"s3://{BUCKET}/photos"
LARGE = bytes(range(256)) * 12_000
Scan = Callable[..., Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as (s3, port), pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment(port).items():
            patch.setenv(name, value)
        yield s3


@pytest.fixture
def s3(server: S3) -> S3:
    server.empty()
    server.faults.clear()
    return server


@pytest.fixture
def platform(platform: Platform) -> Platform:
    update = {"pool_buckets": (f"s3://{BUCKET}/",), "task_max_attempts": 1}
    return replace(platform, settings=platform.settings.model_copy(update=update))


@pytest.fixture
def client(platform: Platform) -> Iterator[ApiClient]:
    app: Flask = create_app(platform)
    login = ApiClient(app).post("/auth/login", {"username": "admin", "password": PASSWORD})
    yield ApiClient(app, login["token"])
    close_app(app)


@pytest.fixture
def pool(client: ApiClient, s3: S3) -> str:
    return str(client.post("/asset-pools", {"name": "bucket", "url": f"{URL}/"}, expect=201)["uuid"])


@pytest.fixture
def scan(client: ApiClient, platform: Platform, pool: str) -> Scan:
    def run(**body: Any) -> Any:
        task = client.post(f"/asset-pools/{pool}/scan", body, expect=202)["uuid"]
        run_all(platform)
        return client.get(f"/tasks/{task}")

    return run


def result(task: Any) -> dict[str, int]:
    assert task["state"] == "SUCCEEDED", task
    return {name: value for name, value in task["result"].items() if value and name != "bytesHashed"}


def fill(s3: S3) -> dict[str, bytes]:
    files = {
        "a.txt": b"a", "a/b.txt": b"b", "a-b.txt": b"c", "same.txt": b"a", "fjörd & co?.txt": b"d",
        "plus+%20.txt": b"e", "empty": b"", "deep/er/large.bin": LARGE,
    }  # fmt: skip
    for name, data in files.items():
        s3.put(f"photos/{name}", data)
    s3.put("photos/folder/", b"")
    s3.put("photosother/x", b"not of this pool")
    return files


def test_objects_become_assets(client: ApiClient, s3: S3, scan: Scan, platform: Platform, pool: str) -> None:
    files = fill(s3)
    counts = result(scan())
    assert (counts["new"], counts["duplicates"]) == (8, 1)
    found = dict(rows(platform, """SELECT convert_from(path, 'UTF8'), encode(sha512, 'hex') FROM location
                                   JOIN asset ON asset.id = asset_id"""))  # fmt: skip
    assert found == {name: hashlib.sha512(data).hexdigest() for name, data in files.items()}
    before = s3.requests
    assert result(scan())["unchanged"] == 8
    assert s3.requests - before < 8
    shown = client.get(f"/asset-pools/{pool}")
    assert (shown["url"], shown["usedSpace"]) == (URL, sum(map(len, files.values())))
    assert "fsPath" not in shown


def test_what_happens_to_objects(s3: S3, scan: Scan, platform: Platform) -> None:
    fill(s3)
    scan()
    s3.put("photos/a.txt", b"changed")
    s3.put("photos/same.txt", b"a")
    s3.move("photos/deep/er/large.bin", "photos/moved/large.bin")
    s3.delete("photos/a-b.txt")
    s3.put("photos/later", b"later")
    counts = result(scan())
    assert (counts["changed"], counts["moved"], counts["new"], counts["suspected"]) == (1, 1, 1, 1)
    assert result(scan())["missing"] == 1
    s3.put("photos/a-b.txt", b"c")
    assert result(scan())["returned"] == 1
    assert result(scan())["unchanged"] == 9
    states = rows(platform, "SELECT DISTINCT state FROM location")
    assert states == [("PRESENT",)]


def test_the_bytes_come_from_the_bucket(
    client: ApiClient, s3: S3, scan: Scan, platform: Platform, actor: Actor
) -> None:
    fill(s3)
    scan()
    asset = find_asset(platform, LARGE, actor)
    assert asset is not None
    path = f"/assets/{asset.id}/binary"
    assert client.request("GET", path, expect=200).get_data() == LARGE
    part = client.request("GET", path, headers={"Range": "bytes=2000000-2000099"}, expect=206)
    assert part.get_data() == LARGE[2_000_000:2_000_100]
    place = client.get(f"/assets/{asset.id}/binaries")["data"][0]
    assert place["s3"] == {"bucket": BUCKET, "objectPath": "photos/deep/er/large.bin"}
    assert (place["storageType"], place["state"]) == ("s3", "PRESENT")
    s3.faults.extend([503, 503, -1_500_000, -900_000])
    assert client.request("GET", path, expect=200).get_data() == LARGE
    s3.put("photos/deep/er/large.bin", LARGE[::-1])
    client.request("GET", path, expect=404)


def test_throttling_errors_and_cuts_cost_timeonly(s3: S3, scan: Scan, platform: Platform) -> None:
    files = fill(s3)
    s3.faults.extend([503, 500, 0, 503, 0, 0, 500, 503, 0, 0, 0, -1])
    for _ in range(6):
        s3.faults.extend([0, 0, 0, -1_000_000, 503, -10, 500])
    assert result(scan())["new"] == 8
    found = {row[0] for row in rows(platform, "SELECT encode(sha512, 'hex') FROM asset")}
    assert found == {hashlib.sha512(data).hexdigest() for data in files.values()}


def test_a_bucket_that_is_away_changes_nothing(s3: S3, scan: Scan, platform: Platform) -> None:
    fill(s3)
    scan()
    before = rows(platform, "SELECT id, state, missing_task_id FROM location ORDER BY id")
    for faults in ([403] * 9, [404] * 9, [503] * 99):
        s3.faults.extend(faults)
        task = scan()
        assert (task["state"], task["error"]["code"]) == ("FAILED", "pool-root-unreachable"), task
        s3.faults.clear()
    for key in ("a.txt", "a/b.txt", "a-b.txt", "same.txt", "fjörd & co?.txt", "plus+%20.txt", "empty",
                "deep/er/large.bin", "folder/"):  # fmt: skip
        s3.delete(f"photos/{key}")
    assert scan()["error"]["code"] == "pool-root-empty"
    s3.empty()
    assert scan()["state"] == "FAILED"
    assert rows(platform, "SELECT id, state, missing_task_id FROM location ORDER BY id") == before


def test_a_part_of_the_pool_and_patterns(s3: S3, scan: Scan) -> None:
    fill(s3)
    assert result(scan(path="deep"))["new"] == 1
    assert result(scan(include=["*.txt"], exclude=["a/"]))["new"] == 5
    assert result(scan())["new"] == 2


def test_contents_are_verified(client: ApiClient, s3: S3, scan: Scan, platform: Platform, pool: str) -> None:
    fill(s3)
    scan()
    body = {"kind": "pools.verify", "payload": {"poolUuid": pool}}
    task = client.post("/tasks", body, expect=202)["uuid"]
    run_all(platform)
    assert client.get(f"/tasks/{task}")["result"]["verified"] == 8


@pytest.mark.parametrize(
    "body",
    [
        {"url": "s3://another-bucket/x"}, {"url": f"s3://{BUCKET}x"}, {"url": f"s3://{BUCKET}/../x"},
        {"url": f"s3://{BUCKET}//x"}, {"url": "s3://"}, {"url": "http://example.org/"}, {"url": "file:///etc"},
        {"url": f"s3://user:pass@{BUCKET}"}, {"url": f"s3://{BUCKET}?x"}, {"url": URL, "fsPath": "/tmp"},
        {"url": URL, "s3Bucket": BUCKET}, {"url": URL, "s3Endpoint": "http://169.254.169.254"}, {"fsPath": URL},
        {"url": URL, "watch": True}, {"url": "memory:///"}, {},
    ],
)  # fmt: skip
def test_places_that_are_refused(client: ApiClient, s3: S3, body: dict[str, Any]) -> None:
    client.post("/asset-pools", {"name": "x", **body}, expect=400)


def test_pools_in_one_bucket_lie_apart(client: ApiClient, pool: str) -> None:
    client.post("/asset-pools", {"name": "all", "s3Bucket": BUCKET}, expect=409)
    client.post("/asset-pools", {"name": "below", "url": f"{URL}/a"}, expect=409)
    other = client.post("/asset-pools", {"name": "other", "url": f"{URL}other"}, expect=201)["uuid"]
    client.patch(f"/asset-pools/{other}", {"url": f"{URL}/b"}, expect=409)
    client.patch(f"/asset-pools/{other}", {"watch": True}, expect=400)


def test_what_nodes_have_made_is_written_into_a_bucket(client: ApiClient, platform: Platform, s3: S3) -> None:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    runs = Runs(client, platform)
    asset = runs.upload(picture("red"))
    sink = {"bucket": f"s3://{BUCKET}/out", "keyTemplate": "{uuid}/{number}-{filename}", "includeSource": True}
    made = runs.make({
        "nodes": [node("source", "asset-source"), node("t", "thumbnail"), node("s", "s3-sink", **sink)],
        "edges": [edge("source", "t"), edge("source", "s", targetPort="media"),
                  edge("t", "s", sourcePort="thumbnail", targetPort="artifacts")],
    })  # fmt: skip

    def written(**more: Any) -> int:
        run = runs.run(made, [asset], **more)
        told = runs.tasks(run, runs.items(run)[0])["s"]
        assert told["state"] == "COMPLETED", told
        assert told["outputs"]["keys"] == [f"{asset}/0-thumbnail.webp", f"{asset}/1-a.jpg"]
        return int(told["outputs"]["count"])

    assert written(dryRun=True) == 0
    bucket = Bucket(f"s3://{BUCKET}/out")
    assert bucket.find(f"{asset}/1-a.jpg") is None
    assert written() == 2
    found = bucket.find(f"{asset}/1-a.jpg")
    assert found is not None
    assert found.size == len(picture("red"))
    assert written() == 0, "what is the same is not written again"
