"""Duplicates: found, decided about, and acted on after another look."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from compose.demo_files.scenes import paint_scene
from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import execute
from tests.support.runs import Runs, graph, node
from workers.inline import run_all

HASHES = graph(node("hash", "image-hash"))


class Folder:
    """A pool with a picture, a smaller copy of it, the same bytes again, and something else."""

    def __init__(self, client: ApiClient, platform: Platform, root: Path) -> None:
        self.client, self.platform, self.root = client, platform, root
        self.runs = Runs(client, platform)
        root.mkdir()
        scene = paint_scene(Random(3), (640, 480))
        scene.save(root / "large.jpg", quality=92)
        scene.resize((320, 240), Image.Resampling.LANCZOS).save(root / "small.jpg", quality=60)
        (root / "again.jpg").write_bytes((root / "large.jpg").read_bytes())
        paint_scene(Random(4), (640, 480)).save(root / "other.jpg")
        platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
        self.pool = client.post("/asset-pools", {"name": "p", "fsPath": str(root)}, expect=201)["uuid"]
        self.scan()
        self.runs.run(self.runs.make(HASHES), list(self.names()))

    def scan(self) -> None:
        self.client.post(f"/asset-pools/{self.pool}/scan", expect=202)
        run_all(self.platform)

    def names(self) -> dict[str, str]:
        return {each["uuid"]: each["file"]["filename"] for each in self.client.get("/assets")["data"]}

    def find(self, **wanted: Any) -> Any:
        task = self.client.post("/dedup-groups/find", wanted, expect=202)
        run_all(self.platform)
        return self.client.get(f"/tasks/{task['uuid']}")["result"]

    def group(self, algorithm: str) -> Any:
        (found,) = self.client.get(f"/dedup-groups?filter=algorithm[eq]={algorithm}")["data"]
        return found

    def confirm(self, group: Any, **more: Any) -> Any:
        return self.client.post(f"/dedup-groups/{group['uuid']}", {"reviewStatus": "CONFIRMED", **more})

    def apply(self, **wanted: Any) -> tuple[Any, list[Any]]:
        task = self.client.post("/dedup-groups/apply", wanted, expect=202)
        run_all(self.platform)
        items = self.client.get(f"/tasks/{task['uuid']}/items")["data"]
        return self.client.get(f"/tasks/{task['uuid']}")["result"], items

    def files(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def folder(client: ApiClient, platform: Platform, tmp_path: Path) -> Folder:
    return Folder(client, platform, tmp_path / "pool")


def test_what_looks_the_same_is_proposed_around_the_largest(folder: Folder) -> None:
    result = folder.find(algorithms=["IMAGE"])
    assert result == {"phash+dhash": {"new": 1, "pending": 0, "decided": 0}}
    group = folder.group("phash%2Bdhash")
    names = folder.names()
    roles = {names[each["assetUuid"]]: each["role"] for each in group["members"]}
    assert roles in ({"again.jpg": "KEEP", "small.jpg": "DUP"}, {"large.jpg": "KEEP", "small.jpg": "DUP"})
    assert group["reviewStatus"] == "PENDING"
    assert 0.8 <= group["score"] <= 1
    assert folder.find(algorithms=["IMAGE"])["phash+dhash"] == {"new": 0, "pending": 1, "decided": 0}


def test_what_lies_in_several_places_is_proposed(folder: Folder) -> None:
    assert folder.find(algorithms=["EXACT"]) == {"sha512": {"new": 1, "pending": 0, "decided": 0}}
    group = folder.group("sha512")
    assert len({each["locationUuid"] for each in group["members"]}) == 2
    assert [each["role"] for each in group["members"]] == ["KEEP", "DUP"]
    other = group["members"][1]["locationUuid"]
    refused = folder.client.post(
        f"/dedup-groups/{group['uuid']}", {"keepAssetUuid": group["keepAssetUuid"]}, expect=409
    )
    assert "keepLocationUuid" in refused["message"]
    changed = folder.client.post(f"/dedup-groups/{group['uuid']}", {"keepLocationUuid": other})
    assert {each["locationUuid"]: each["role"] for each in changed["members"]}[other] == "KEEP"


@pytest.mark.parametrize("decision", ["CONFIRMED", "REJECTED"])
def test_what_was_decided_is_not_proposed_again(folder: Folder, decision: str) -> None:
    folder.find()
    for group in folder.client.get("/dedup-groups")["data"]:
        folder.client.post(f"/dedup-groups/{group['uuid']}", {"reviewStatus": decision})
    result = folder.find()
    assert [result[name]["decided"] for name in ("sha512", "phash+dhash")] == [1, 1]
    assert folder.client.get("/dedup-groups?filter=status[eq]=PENDING")["data"] == []


def test_what_is_not_found_any_more_is_pending_no_more(folder: Folder) -> None:
    folder.find()
    execute(folder.platform, "DELETE FROM component")
    folder.find()
    assert [each["algorithm"] for each in folder.client.get("/dedup-groups")["data"]] == ["sha512"]


def test_confirmed_duplicates_are_moved_and_nothing_else(folder: Folder) -> None:
    folder.find()
    assert folder.apply() == ({"groups": 0, "failed": 0, "moved": 0, "tagged": 0, "dryRun": False}, [])
    for group in folder.client.get("/dedup-groups")["data"]:
        folder.confirm(group)
    before = folder.files()
    planned, _ = folder.apply(dryRun=True)
    assert (planned["groups"], planned["moved"]) == (2, 0)
    assert folder.files() == before
    done, items = folder.apply()
    assert (done["groups"], done["failed"], done["moved"]) == (2, 0, 2)
    assert [each["state"] for each in items] == ["DONE", "DONE"]
    moved = {"duplicates/small.jpg", "duplicates/large.jpg", "duplicates/again.jpg"} & folder.files()
    assert len(moved) == 2
    assert len(folder.files()) == 4
    folder.scan()
    assert folder.client.get("/asset-locations?filter=state[eq]=MISSING")["data"] == []
    assert folder.apply()[0]["moved"] == 0, "they lie there already"


def test_confirmed_duplicates_are_tagged(folder: Folder) -> None:
    folder.find(algorithms=["IMAGE"])
    group = folder.confirm(folder.group("phash%2Bdhash"))
    done, _ = folder.apply(action="TAG", tag="twice", groupUuids=[group["uuid"]])
    assert done["tagged"] == 1
    (tagged,) = folder.client.get("/assets?filter=tag[eq]=twice")["data"]
    assert tagged["file"]["filename"] == "small.jpg"


def _spoil(folder: Folder) -> None:
    for name in ("large.jpg", "again.jpg"):
        path = folder.root / name
        data, times = bytearray(path.read_bytes()), path.stat()
        data[500] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _remove(folder: Folder) -> None:
    for name in ("large.jpg", "again.jpg"):
        (folder.root / name).unlink()


def _holes(folder: Folder) -> None:
    execute(folder.platform, "UPDATE asset SET zero_chunk_count = 1 WHERE filename <> 'small.jpg'")


def _larger(folder: Folder) -> None:
    execute(folder.platform, "UPDATE asset SET size = 10000000 WHERE filename = 'small.jpg'")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_spoil, "bytes changed"), (_remove, "cannot be read"), (_holes, "not whole"), (_larger, "larger"),
    ],
)  # fmt: skip
def test_nothing_is_done_if_what_is_kept_is_not_there_whole(folder: Folder, spoil: Any, said: str) -> None:
    folder.find(algorithms=["IMAGE"])
    folder.confirm(folder.group("phash%2Bdhash"))
    spoil(folder)
    done, (item,) = folder.apply()
    assert (done["failed"], done["moved"]) == (1, 0)
    assert (item["state"], item["code"]) == ("FAILED", "recheck-failed")
    assert said in item["message"]
    assert (folder.root / "small.jpg").exists()


def test_a_group_is_proposed_by_hand_and_replaced_while_pending(folder: Folder) -> None:
    ids = list(folder.names())
    body = {"algorithm": "mine", "keepAssetUuid": ids[0], "members": [{"assetUuid": each} for each in ids[:2]]}
    first = folder.client.post("/dedup-groups", body, expect=201)
    assert first["keepAssetUuid"] == ids[0]
    larger = {**body, "members": [{"assetUuid": each, "score": 0.5} for each in ids]}
    second = folder.client.post("/dedup-groups", larger, expect=201)
    assert (second["score"], len(second["members"])) == (0.5, len(ids))
    folder.client.get(f"/dedup-groups/{first['uuid']}", expect=404)
    changed = folder.client.post(f"/dedup-groups/{second['uuid']}", {"keepAssetUuid": ids[1]})
    assert [each["assetUuid"] for each in changed["members"] if each["role"] == "KEEP"] == [ids[1]]
    folder.confirm(second)
    again = folder.client.post("/dedup-groups", larger, expect=200)
    assert (again["uuid"], again["reviewStatus"]) == (second["uuid"], "CONFIRMED")
    with_asset = folder.client.get(f"/dedup-groups?filter=asset[eq]={ids[2]}")["data"]
    assert [each["uuid"] for each in with_asset] == [second["uuid"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"members": []}, "members"),
        ({"keepAssetUuid": "00000000-0000-0000-0000-000000000001"}, "keepAssetUuid"),
        ({"members": [{"assetUuid": "00000000-0000-0000-0000-000000000001"}] * 2}, "members"),
    ],
)
def test_wrong_groups_are_refused(folder: Folder, change: Any, said: str) -> None:
    ids = list(folder.names())
    body = {"algorithm": "mine", "keepAssetUuid": ids[0], "members": [{"assetUuid": each} for each in ids[:2]]}
    assert said in str(folder.client.post("/dedup-groups", {**body, **change}, expect=400))
    assert "folder" in str(folder.client.post("/dedup-groups/apply", {"folder": "../x"}, expect=400)).replace(
        "path", "folder"
    )


def test_who_may_not_read_all_assets_sees_no_groups(folder: Folder, platform: Platform, app: Any) -> None:
    folder.find()
    make_user(platform, "half", [Permission.READ_DEDUP])
    assert sign_in(app, "half").get("/dedup-groups")["data"] == []
    make_user(platform, "whole", [Permission.READ_DEDUP, Permission.READ_ASSET])
    assert len(sign_in(app, "whole").get("/dedup-groups")["data"]) == 2
