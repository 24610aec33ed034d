"""The same done to all assets that a filter or a list chooses."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.assets import DATA, is_kept, put_in_library, upload
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import rows
from workers.handlers import change_chosen
from workers.inline import run_all


@pytest.fixture
def assets(client: ApiClient) -> list[str]:
    """Ten, of which the even ones are from a camera."""
    files = [{"filename": f"{number}.jpg", "origin": ("camera", "web")[number % 2], "size": 1, "mimeType": "image/jpeg"}
             for number in range(10)]  # fmt: skip
    bodies = [{"sha512": f"{number:0128x}", "file": file} for number, file in enumerate(files)]
    return [client.post("/assets", body, expect=201)["uuid"] for body in bodies]


def ask(client: ApiClient, platform: Platform, action: str, **body: Any) -> Any:
    task = client.post(f"/assets/bulk/{action}", body, expect=202)
    run_all(platform)
    return client.get(f"/tasks/{task['uuid']}")


CAMERA = ["origin[eq]=camera"]


def test_all_that_a_filter_chooses_are_changed(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    update = {"meta": {"a": 1}, "file": {"origin": "phone"}}
    task = ask(client, platform, "change", filter=CAMERA, update=update)
    assert task["state"] == "SUCCEEDED"
    assert task["result"] == {"chosen": 5, "done": 5, "failed": 0}
    changed = client.get("/assets", query_string={"filter": "origin[eq]=phone"})["data"]
    assert {each["uuid"] for each in changed} == set(assets[::2])
    assert all(each["meta"] == {"a": 1} for each in changed)
    assert ask(client, platform, "change", filter=CAMERA, update=update)["result"]["chosen"] == 0


def test_tags_are_put_on_and_taken_off(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    tags = [{"name": "good"}, {"name": "holiday", "collection": "times"}]
    assert ask(client, platform, "tag", filter=CAMERA, tags=tags)["result"]["done"] == 5
    good = {"filter": "tag[eq]=good"}
    assert client.get("/assets", query_string=good)["_metainfo"]["totalCount"] == 5
    tag = next(each["uuid"] for each in client.get("/tags")["data"] if each["name"] == "good")
    # What was chosen by is taken away meanwhile.
    assert ask(client, platform, "tag", filter=["tag[eq]=good"], withdraw=[tag])["result"]["done"] == 5
    assert client.get("/assets", query_string=good)["_metainfo"]["totalCount"] == 0


def test_assets_are_deleted_with_their_bytes(
    client: ApiClient, platform: Platform, actor: Actor, assets: list[str]
) -> None:
    upload(platform, actor, DATA, "stored.bin")
    task = ask(client, platform, "delete", filter=["name[eq]=stored.bin"])
    assert task["result"] == {"chosen": 1, "done": 1, "failed": 0}
    assert not is_kept(platform, DATA)
    assert ask(client, platform, "delete", uuids=assets[:3])["result"]["done"] == 3
    assert {each["uuid"] for each in client.get("/assets")["data"]} == set(assets[3:])


def test_a_dry_run_counts(client: ApiClient, platform: Platform, assets: list[str]) -> None:
    task = ask(client, platform, "delete", filter=CAMERA, dryRun=True)
    assert task["result"] == {"chosen": 5, "dryRun": True}
    assert client.get("/assets")["_metainfo"]["totalCount"] == 10
    both = ask(client, platform, "delete", filter=CAMERA, uuids=assets[:4], dryRun=True)
    assert both["result"]["chosen"] == 2


def test_more_than_one_part(
    client: ApiClient, platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_chosen, "_PLAN_ITEMS", 40)
    monkeypatch.setattr(change_chosen, "_PART_ITEMS", 15)
    with platform.unit_of_work() as uow:
        uow.execute(
            """INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
               SELECT gen_random_uuid(), :space, sha512(number::text::bytea), 1, 'a/b', 'many', 'test'
               FROM generate_series(1, 107) AS number""",
            space=actor.space_id,
        )
        uow.commit()
    task = ask(client, platform, "delete", filter=["name[eq]=many"])
    assert task["result"] == {"chosen": 107, "done": 107, "failed": 0}
    assert task["progress"]["done"] == task["progress"]["total"] == 107


def test_only_what_one_may(app: Flask, client: ApiClient, platform: Platform, actor: Actor, assets: list[str]) -> None:
    library = put_in_library(platform, actor, assets[0])
    reads = [(Permission.READ_ASSET, "library", library)]
    make_user(platform, "jane", scoped=[*reads, (Permission.DELETE_ASSET, "library", library)])
    jane = sign_in(app, "jane")
    assert ask(jane, platform, "delete", uuids=assets)["result"] == {"chosen": 1, "done": 1, "failed": 0}
    make_user(platform, "joe", [Permission.READ_ASSET], scoped=[(Permission.DELETE_ASSET, "library", library)])
    task = ask(sign_in(app, "joe"), platform, "delete", filter=CAMERA)
    assert task["result"] == {"chosen": 4, "done": 0, "failed": 4}
    assert {row[0] for row in rows(platform, "SELECT code FROM task_item")} == {"forbidden"}


def test_blacklisted_assets_are_chosen_only_when_asked_for(
    client: ApiClient, platform: Platform, assets: list[str]
) -> None:
    client.post("/blacklists", {"assetUuid": assets[0], "name": "x"}, expect=201)
    assert ask(client, platform, "delete", filter=CAMERA, dryRun=True)["result"]["chosen"] == 4
    assert ask(client, platform, "delete", filter=CAMERA, blacklisted="only")["result"]["done"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {}, {"filter": []}, {"filter": [], "uuids": []}, {"filter": ["nonsense"]}, {"filter": ["secret[eq]=1"]},
        {"filter": ["size[eq]=many"]}, {"filter": "name[eq]=x"}, {"uuids": ["x"]}, {"filter": [""]},
        {"filter": CAMERA, "blacklisted": "maybe"}, {"filter": CAMERA, "dryRun": 1},
    ],
)  # fmt: skip
def test_choices_that_are_none(client: ApiClient, body: dict[str, Any]) -> None:
    client.post("/assets/bulk/delete", body, expect=400)


def test_changes_that_are_none(client: ApiClient) -> None:
    client.post("/assets/bulk/change", {"filter": CAMERA}, expect=400)
    client.post("/assets/bulk/change", {"filter": CAMERA, "update": {"file": {"size": "x"}}}, expect=400)
    client.post("/assets/bulk/tag", {"filter": CAMERA, "tags": [{}]}, expect=400)
