"""Asset pools: which folders they may be, their schedules, scans and removal. The plain part is in test_specs.py."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models.messages import Queue
from models.paths import encode_path
from models.permissions import Actor, Permission
from models.services import holders
from models.services.retention import remove_old_tasks
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.finishing import begin, settle
from tests.support.people import make_space, make_user, sign_in
from tests.support.platforms import execute
from web.app import create_app
from workers.inline import run_all


def _pool(client: ApiClient, folder: Path, name: str = "p", **more: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Any] = client.post("/asset-pools", {"name": name, "fsPath": str(folder), **more}, expect=201)
    return made


def test_a_pool_tells_its_space(client: ApiClient, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a")
    assert made["freeSpace"] > 0
    assert made["usedSpace"] == 0
    assert made["fsPath"] == str(tmp_path / "a")
    assert "freeSpace" not in client.get("/pools")["data"][0]


def test_the_reference_path_is_an_alias(client: ApiClient, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a")
    assert client.get(f"/pools/{made['uuid']}")["name"] == "p"
    assert client.get("/pools/")["_metainfo"]["totalCount"] == 1


@pytest.mark.parametrize(
    "path",
    ["", "relative/path", "/nowhere/at/all", "/etc/passwd", "/a\\", "/a\\q", "/a\x00", "/\\x00", "/" + "a" * 300],
)
def test_what_is_no_folder_is_refused(client: ApiClient, path: str) -> None:
    assert "fsPath" in client.post("/asset-pools", {"name": "p", "fsPath": path}, expect=400)["message"]


def test_any_bytes_may_be_a_folder(client: ApiClient, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\n\\ \xc3\xa4"
    os.mkdir(folder)
    made = client.post("/asset-pools", {"name": "p", "fsPath": encode_path(folder)}, expect=201)
    assert made["fsPath"] == encode_path(folder)


def test_pools_do_not_overlap(client: ApiClient, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a" / "b")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    inside = tmp_path / "a" / "b" / "c"
    inside.mkdir()
    for folder in (tmp_path / "a", tmp_path / "a" / "b", inside, tmp_path / "link"):
        client.post("/asset-pools", {"name": "q", "fsPath": str(folder)}, expect=409)
    other = _pool(client, tmp_path / "a" / "bb", "r")
    client.patch(f"/asset-pools/{other['uuid']}", {"fsPath": str(inside)}, expect=409)
    client.patch(f"/asset-pools/{made['uuid']}", {"fsPath": str(tmp_path / "a" / "b")})


def test_a_pool_holds_no_data_of_loom_itself(platform: Platform, client: ApiClient, tmp_path: Path) -> None:
    home = platform.settings.home
    home.joinpath("blobs").mkdir(parents=True, exist_ok=True)
    for folder in (home, home / "blobs", tmp_path, Path("/"), Path("/proc/self"), Path("/dev")):
        client.post("/asset-pools", {"name": "q", "fsPath": str(folder)}, expect=400)


def test_a_symlink_is_resolved(client: ApiClient, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    made = client.post("/asset-pools", {"name": "p", "fsPath": str(tmp_path / "link")}, expect=201)
    assert made["fsPath"] == str(tmp_path / "real")


def test_pools_stay_below_the_allowed_roots(platform: Platform, client: ApiClient, tmp_path: Path) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "allowed-not"
    for folder in (allowed, outside):
        folder.mkdir()
    (allowed / "escape").symlink_to(outside)
    settings = platform.settings.model_copy(update={"pool_roots": (allowed,)})
    bounded = ApiClient(create_app(replace(platform, settings=settings)), client.token)
    for folder in (outside, allowed / "escape", tmp_path, allowed / ".." / "allowed-not"):
        bounded.post("/asset-pools", {"name": "p", "fsPath": str(folder)}, expect=400)
    bounded.post("/asset-pools", {"name": "p", "fsPath": str(allowed)}, expect=201)


def test_a_schedule_is_checked_kept_and_removed(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a", schedule="15m")
    assert made["schedule"] == "15m"
    assert _triggers(platform) == ["15m"]
    path = f"/asset-pools/{made['uuid']}"
    for bad in ("often", "1s", "* * *", "61 * * * *", "\x00", 5, ["15m"]):
        client.patch(path, {"schedule": bad}, expect=400)
    assert client.patch(path, {"schedule": "*/15 * * * *"})["schedule"] == "*/15 * * * *"
    assert _triggers(platform) == ["*/15 * * * *"]
    assert "schedule" not in client.patch(path, {"schedule": ""})
    assert _triggers(platform) == []


def _triggers(platform: Platform) -> list[str]:
    with platform.reading() as uow:
        return [row[0] for row in uow.fetch("SELECT trigger FROM schedule WHERE pool_id IS NOT NULL")]


def test_a_scan_is_a_task_and_is_joined(client: ApiClient, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a")
    answer = client.request("POST", f"/asset-pools/{made['uuid']}/scan", expect=202)
    task = answer.json
    assert (task["kind"], task["state"], task["subjectUuid"]) == ("pools.scan", "PENDING", made["uuid"])
    assert task["payload"]["poolUuid"] == made["uuid"]
    assert answer.headers["Location"] == f"/api/v1/tasks/{task['uuid']}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert client.post(f"/pools/{made['uuid']}/scan", expect=202)["uuid"] == task["uuid"]
    assert client.get("/tasks")["_metainfo"]["totalCount"] == 1


def test_only_the_same_scan_is_joined(client: ApiClient, tmp_path: Path) -> None:
    path = f"/asset-pools/{_pool(client, tmp_path / 'a')['uuid']}/scan"
    task = client.post(path, {"dryRun": True, "path": "/sub/folder/", "exclude": ["*.tmp"]}, expect=202)
    assert (task["title"], task["payload"]["path"]) == ("Dry run of a scan of p", "sub/folder")
    client.post(path, expect=409)
    again = client.post(path, {"dryRun": True, "path": "sub/folder", "exclude": ["*.tmp"]}, expect=202)
    assert again["uuid"] == task["uuid"]


@pytest.mark.parametrize(
    "body",
    [
        {"path": "a/../b"}, {"path": "a//b"}, {"include": ["!"]}, {"include": [""]}, {"exclude": "*"},
        {"dryRun": 1}, {"confirmMissing": -1}, {"confirmMissing": True}, {"confirmRoot": "yes"},
        {"exclude": ["x"] * 101},
    ],
)  # fmt: skip
def test_a_scan_that_cannot_be(client: ApiClient, tmp_path: Path, body: dict[str, Any]) -> None:
    made = _pool(client, tmp_path / "a")
    client.post(f"/asset-pools/{made['uuid']}/scan", body, expect=400)
    assert client.get("/tasks")["_metainfo"]["totalCount"] == 0


def test_rules_of_scans(client: ApiClient, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a")
    default = {"include": [], "exclude": [], "hidden": True, "minAgeSeconds": 0, "missingPercent": 20,
               "missingFiles": 50}  # fmt: skip
    assert made["scanRules"] == default
    path = f"/asset-pools/{made['uuid']}"
    changed = client.patch(path, {"scanRules": {"exclude": ["cache/"], "maxSize": 10, "missingPercent": 0}})
    assert changed["scanRules"] == {**default, "exclude": ["cache/"], "maxSize": 10, "missingPercent": 0}
    assert client.get(path)["scanRules"] == changed["scanRules"]
    for rules in (
        {"include": ["!"]},
        {"missingPercent": 101},
        {"minAgeSeconds": -1},
        {"hidden": "no"},
        {"maxSize": 1.5},
    ):
        client.patch(path, {"scanRules": rules}, expect=400)
    assert client.patch(path, {"scanRules": {}})["scanRules"] == default


def test_the_reports_of_a_pool_are_kept(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a")
    path = f"/asset-pools/{made['uuid']}"
    (tmp_path / "a" / "file").write_text("content")
    for _ in range(23):
        client.post(f"{path}/scan", expect=202)
        run_all(platform)
    execute(platform, "UPDATE task SET finished = finished - interval '1 year'")
    remove_old_tasks(platform.unit_of_work, 30)
    listed = client.get(f"{path}/scans?limit=100&sort=queued&dir=DESC")
    assert listed["_metainfo"]["totalCount"] == 20
    assert [task["result"]["unchanged"] for task in listed["data"]] == [1] * 20
    client.get(f"/asset-pools/{uuid4()}/scans", expect=404)


def test_a_pool_at_work_stays_where_it_is(client: ApiClient, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a")
    path = f"/asset-pools/{made['uuid']}"
    task = client.post(f"{path}/scan", expect=202)
    (tmp_path / "b").mkdir()
    client.patch(path, {"fsPath": str(tmp_path / "b")}, expect=409)
    client.patch(path, {"name": "renamed"})
    client.delete(path, expect=409)
    client.post(f"/tasks/{task['uuid']}/cancel", expect=202)
    client.delete(path)


def test_a_scan_is_waited_for(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    made = _pool(client, tmp_path / "a")
    headers = {"Prefer": "respond-async, wait=1"}
    answer = client.request("POST", f"/asset-pools/{made['uuid']}/scan", headers=headers, expect=202)
    assert answer.headers["Preference-Applied"] == "wait=1"
    settle(platform, begin(platform, Queue.BULK))
    settle(platform, begin(platform, Queue.BULK))
    ended = client.get(f"/tasks/{answer.json['uuid']}")
    assert ended["state"] == "SUCCEEDED"


def test_a_large_pool_is_deleted_by_a_task(
    client: ApiClient, platform: Platform, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _pool(client, tmp_path / "a")
    _add_locations(platform, actor, made["uuid"], 3)
    monkeypatch.setattr(holders, "MOST_AT_ONCE", 2)
    path = f"/asset-pools/{made['uuid']}"
    task = client.request("DELETE", path, expect=202).json
    assert task["kind"] == "pools.delete"
    assert client.request("DELETE", path, expect=202).json["uuid"] == task["uuid"]
    client.post(f"{path}/scan", expect=409)


def test_a_small_pool_goes_with_its_locations(
    client: ApiClient, platform: Platform, actor: Actor, tmp_path: Path
) -> None:
    made = _pool(client, tmp_path / "a", schedule="1h")
    _add_locations(platform, actor, made["uuid"], 3)
    assert client.get(f"/asset-pools/{made['uuid']}")["usedSpace"] == 6
    client.delete(f"/asset-pools/{made['uuid']}")
    with platform.reading() as uow:
        assert uow.fetch("SELECT count(*) FROM location") == [(0,)]
        assert uow.fetch("SELECT count(*) FROM asset") == [(3,)]
        assert uow.fetch("SELECT count(*) FROM event WHERE type = 'asset.updated'") == [(3,)]


def _add_locations(platform: Platform, actor: Actor, pool: str, count: int) -> None:
    with platform.unit_of_work() as uow:
        uow.execute(
            """WITH made AS (INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
                   SELECT gen_random_uuid(), :space, sha512(n::text::bytea), 2, 'text/plain', 'f', 'scan'
                   FROM generate_series(1, :count) n RETURNING id)
               INSERT INTO location (id, pool_id, asset_id, path, device, inode, size, mtime_ns, ctime_ns)
               SELECT gen_random_uuid(), :pool, id, id::text::bytea, 1, 1, 2, 0, 0 FROM made""",
            space=actor.space_id,
            pool=pool,
            count=count,
        )
        uow.commit()


@pytest.mark.parametrize("number", [2**63, -(2**70), 1e30, 1e300])
def test_a_number_beyond_64_bits_is_refused_before_it_can_be_read_back(
    client: ApiClient, tmp_path: Path, number: float
) -> None:
    body = {"name": "big", "fsPath": str(tmp_path), "meta": {"number": number}}
    assert "64 bits" in client.post("/asset-pools", body, expect=400)["message"]


def test_other_spaces_have_pools_in_their_own_folders_only(
    client: ApiClient, platform: Platform, tmp_path: Path
) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine / "deep", other):
        folder.mkdir(parents=True)
    (mine / "link").symlink_to(other)
    space = make_space(platform, "acme")
    make_user(platform, "ann", list(Permission), space_id=space)
    ann = sign_in(client.app, "ann", "acme")

    def make(path: Path, name: str, **options: int) -> str:
        return str(ann.post("/asset-pools", {"name": name, "fsPath": str(path)}, **options).get("message"))

    assert "space" in make(mine, "p", expect=400)
    client.patch(f"/spaces/{space}", {"poolRoots": [str(mine)]})
    make(mine / "deep", "p", expect=201)
    outside = [
        make(path, "q", expect=400) for path in (other, tmp_path / "absent", mine / ".." / "other", mine / "link")
    ]
    assert len(set(outside)) == 1
    assert "cannot be used" in make(mine / "absent", "q", expect=400)
    ann.patch(f"/spaces/{space}", {"poolRoots": ["/"]}, expect=403)


def test_links_in_its_folders_tell_a_space_nothing_of_the_server(
    client: ApiClient, platform: Platform, tmp_path: Path
) -> None:
    mine, secret = tmp_path / "mine", tmp_path / "secret"
    for folder in (mine / "real", secret / "deep"):
        folder.mkdir(parents=True)
    (mine / "link").symlink_to(secret)
    (mine / "loop").symlink_to(mine / "loop")
    space = make_space(platform, "acme")
    client.patch(f"/spaces/{space}", {"poolRoots": [str(mine)]})
    make_user(platform, "ann", list(Permission), space_id=space)
    ann = sign_in(client.app, "ann", "acme")

    def message(path: str, method: str = "POST", where: str = "/asset-pools") -> str:
        answer = ann.request(method, where, {"name": "q", "fsPath": path}, expect=400)
        return str(answer.json["message"])

    probes = [
        f"{mine}/link{rest}" for rest in ("", "/", "/deep", "/absent", "/absent/deeper", "/../secret", "/../absent")
    ]
    probes += [f"{secret}", f"{mine}/../secret", f"{mine}/real/../../absent", "/"]
    assert len({message(path) for path in probes}) == 1
    made = ann.post("/asset-pools", {"name": "p", "fsPath": f"{mine}/real"}, expect=201)
    assert len({message(path, "PATCH", f"/asset-pools/{made['uuid']}") for path in probes}) == 1
    for path in (f"{mine}/loop", f"{mine}/\\x00", f"{mine}/{'a' * 300}", "relative", f"{mine}/absent"):
        assert "fsPath" in message(path)


def test_the_roots_of_all_hold_in_other_spaces_too(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
    settings = platform.settings.model_copy(update={"pool_roots": (allowed,)})
    space = make_space(platform, "acme")
    client.patch(f"/spaces/{space}", {"poolRoots": [str(tmp_path)]})
    make_user(platform, "ann", list(Permission), space_id=space)
    token = sign_in(client.app, "ann", "acme").token
    ann = ApiClient(create_app(replace(platform, settings=settings)), token)
    assert "LOOM_POOL_ROOTS" in ann.post("/asset-pools", {"name": "p", "fsPath": str(other)}, expect=400)["message"]
    ann.post("/asset-pools", {"name": "p", "fsPath": str(allowed)}, expect=201)


def test_the_default_space_may_be_bounded_as_well(client: ApiClient, actor: Actor, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
    client.post("/asset-pools", {"name": "p", "fsPath": str(other)}, expect=201)
    client.patch(f"/spaces/{actor.space_id}", {"poolRoots": [str(mine)]})
    client.post("/asset-pools", {"name": "q", "fsPath": str(other)}, expect=400)
    client.post("/asset-pools", {"name": "q", "fsPath": str(mine)}, expect=201)
