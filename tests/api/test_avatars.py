"""Pictures of users: one's own, and those of others."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from models.permissions import Actor, Permission
from models.services.avatars import drop_avatar, lock_pictured
from models.wiring import Platform
from tests.support.assets import is_kept, picture, run_removals, run_uploads
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.forms import fetch, json_of, send_form
from tests.support.people import make_space, make_user, sign_in
from web.resources.avatars import LARGEST_AVATAR

WAIT = {"Prefer": "wait=20"}
OWN = "/me/avatar"


@pytest.fixture
def path(actor: Actor) -> str:
    return f"/users/{actor.user_id}/avatar"


@pytest.fixture
def other(platform: Platform) -> str:
    """Somebody without any permission."""
    return f"/users/{make_user(platform, 'other').user_id}/avatar"


def show(client: ApiClient, platform: Platform, path: str = OWN, data: bytes = picture()) -> None:
    """Upload a picture."""
    send_form(client, path, ("file", "me.png", data), expect=202)
    run_uploads(platform)


@pytest.mark.usefixtures("working")
def test_life_of_an_avatar(client: ApiClient, platform: Platform, path: str) -> None:
    for where in (path, OWN):
        for each in (where, f"{where}/data"):
            client.request("GET", each, expect=404)
        client.delete(where, expect=404)
        url = f"/api/v1{path}/data"
        made = send_form(client, where, ("file", "Mé.jpeg", picture()), headers=WAIT, expect=201)
        told = {"filename": "Mé.jpeg", "mimeType": "image/png", "size": len(picture()), "url": url}
        assert json_of(made) == client.get(path) == client.get(OWN) == told
        assert fetch(client, url, expect=200).data == fetch(client, f"{OWN}/data", expect=200).data == picture()
        assert fetch(client, url, expect=206, headers={"Range": "bytes=1-3"}).data == b"PNG"
        etag = made.headers["ETag"]
        client.request("GET", where, headers={"If-None-Match": etag}, expect=304)
        second = send_form(client, where, ("file", "b.png", picture(2)), headers=WAIT, expect=201)
        assert second.headers["ETag"] != etag
        client.request("GET", where, headers={"If-None-Match": etag}, expect=200)
        client.request("DELETE", where, headers={"If-Match": etag}, expect=412)
        client.request("DELETE", where, headers={"If-Match": second.headers["ETag"]}, expect=204)
        client.get(where, expect=404)
    run_removals(platform)
    assert not is_kept(platform, picture())
    assert not is_kept(platform, picture(2))
    assert client.get("/attachments")["data"] == []


def test_what_is_no_picture_is_refused(client: ApiClient, platform: Platform) -> None:
    show(client, platform)
    for name, data in (
        ("a.png", b"just text"), ("a.png", b""), ("a.png", b"%PDF-1.7\n"), ("a.png", b"GIF is not"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'), ("a.jpg", b"<html><script>alert(1)</script>"),
    ):  # fmt: skip
        task = json_of(send_form(client, OWN, ("file", name, data), expect=202))
        run_uploads(platform)
        ended = client.get(f"/tasks/{task['uuid']}")
        assert (ended["state"], ended["error"]["code"]) == ("FAILED", "unsupported-media"), name
        assert not is_kept(platform, data)
    assert client.get(OWN)["size"] == len(picture())


@pytest.mark.usefixtures("working")
def test_who_waits_hears_that_it_is_no_picture(client: ApiClient) -> None:
    answer = send_form(client, OWN, ("file", "a.png", b"text"), headers=WAIT, expect=415)
    assert json_of(answer)["code"] == "unsupported-media"


def test_a_picture_has_its_bounds(client: ApiClient) -> None:
    send_form(client, OWN, ("file", "a.png", picture() + b"\0" * LARGEST_AVATAR), expect=413)
    send_form(client, OWN, ("nofile", None, b"x"), expect=400)


def test_a_raw_body(client: ApiClient, platform: Platform) -> None:
    headers = {"Content-Type": "image/png", "Content-Disposition": 'attachment; filename="x.png"'}
    client.request("POST", OWN, picture(), headers=headers, expect=202)
    run_uploads(platform)
    assert client.get(OWN)["filename"] == "x.png"


def test_everybody_has_their_own(client: ApiClient, platform: Platform, other: str, path: str) -> None:
    mine = sign_in(client.app, "other")
    show(mine, platform)
    assert mine.get(OWN)["url"] == f"/api/v1{other}/data"
    assert client.get(other)["filename"] == "me.png"
    client.get(path, expect=404)
    for method, where in (("GET", other), ("GET", f"{other}/data"), ("POST", other), ("DELETE", other)):
        mine.request(method, where, b"x", headers={"Content-Type": "a/b"}, expect=403)
    client.delete(other)
    mine.get(OWN, expect=404)


def test_readers_do_not_change(client: ApiClient, platform: Platform, path: str) -> None:
    show(client, platform)
    make_user(platform, "reader", [Permission.READ_USER])
    reader = sign_in(client.app, "reader")
    fetch(reader, f"{path}/data", expect=200)
    reader.request("DELETE", path, expect=403)
    reader.request("GET", f"/users/{uuid4()}/avatar", expect=404)


def test_a_narrowed_key_cannot_change_its_owner(client: ApiClient, platform: Platform) -> None:
    key = client.post("/tokens", {"name": "k", "permissions": ["READ_ASSET"]}, expect=201)["token"]
    show(client, platform)
    narrowed = ApiClient(client.app, key)
    narrowed.get(OWN)
    narrowed.request("DELETE", OWN, expect=403)
    narrowed.request("POST", OWN, picture(), headers={"Content-Type": "image/png"}, expect=403)


def test_the_user_is_another_then(client: ApiClient, platform: Platform, actor: Actor) -> None:
    def state() -> tuple[int, list[Any]]:
        with platform.unit_of_work() as uow:
            ((revision,),) = uow.fetch('SELECT revision FROM "user" WHERE id = %(id)s', id=actor.user_id)
            events = uow.fetch("SELECT type FROM event WHERE type NOT LIKE 'task.%%' ORDER BY id")
        return revision, [row[0] for row in events]

    before, _ = state()
    show(client, platform)
    client.delete(OWN)
    after, events = state()
    assert after == before + 2
    assert events == ["attachment.created", "user.updated", "user.updated", "attachment.deleted"]


def test_a_picture_is_an_attachment(client: ApiClient, platform: Platform) -> None:
    show(client, platform)
    (attachment,) = client.get("/attachments", query_string={"filter": "type[eq]=USER_AVATAR"})["data"]
    client.patch(f"/attachments/{attachment['uuid']}", {"filename": "other.png"})
    assert client.get(OWN)["filename"] == "other.png"
    client.delete(f"/attachments/{attachment['uuid']}")
    client.get(OWN, expect=404)
    run_removals(platform)
    assert not is_kept(platform, picture())


def test_who_acts_in_another_space_keeps_one_picture(client: ApiClient, platform: Platform, actor: Actor) -> None:
    elsewhere = make_space(platform, "elsewhere")
    with platform.unit_of_work() as uow:
        uow.execute(
            "INSERT INTO space_member (space_id, user_id) VALUES (:s, :u)", s=elsewhere, u=actor.user_id
        )  # fmt: skip
        uow.commit()
    make_user(platform, "local", Permission, space_id=elsewhere)
    local = sign_in(client.app, "local", "elsewhere")
    there = {"X-Loom-Space": str(elsewhere)}
    task = json_of(send_form(client, OWN, ("file", "a.png", picture()), headers=there, expect=202))
    run_uploads(platform)
    assert client.get(f"/tasks/{task['uuid']}", headers=there)["state"] == "SUCCEEDED"
    assert client.get(OWN)["filename"] == "a.png"
    path = f"/users/{actor.user_id}/avatar"
    assert fetch(local, f"{path}/data", expect=200).data == picture()
    for method in ("POST", "DELETE"):
        local.request(method, path, picture(), headers={"Content-Type": "image/png"}, expect=403)
    assert local.get("/attachments")["data"] == []


def test_strangers_see_no_picture(client: ApiClient, platform: Platform, path: str) -> None:
    show(client, platform)
    make_user(platform, "stranger", Permission, space_id=make_space(platform, "elsewhere"))
    stranger = sign_in(client.app, "stranger", "elsewhere")
    for method, where in (("GET", path), ("GET", f"{path}/data"), ("POST", path), ("DELETE", path)):
        stranger.request(method, where, picture(), headers={"Content-Type": "image/png"}, expect=404)


def test_crowds_of_pictures_leave_one(client: ApiClient, platform: Platform) -> None:
    def act(number: int) -> int:
        status = send_form(client, OWN, ("file", f"{number}.png", picture(number % 7))).status_code
        run_uploads(platform)
        if not number % 10:
            for each in client.get("/attachments")["data"]:
                client.request("DELETE", f"/attachments/{each['uuid']}")
        return status

    assert crowd(act, 30) == {202: 30}
    show(client, platform)
    run_removals(platform)
    assert client.get("/attachments")["_metainfo"]["totalCount"] == 1
    assert [is_kept(platform, picture(number)) for number in range(7)] == [True, *[False] * 6]
    assert client.get("/tasks", query_string={"filter": "state[ne]=SUCCEEDED"})["data"] == []


def test_a_user_who_is_removed_loses_their_picture(client: ApiClient, platform: Platform, actor: Actor) -> None:
    show(client, platform)
    with platform.unit_of_work() as uow:
        for _ in range(2):
            drop_avatar(uow, lock_pictured(uow, actor.user_id), actor.user_id)
        uow.commit()
    run_removals(platform)
    assert not is_kept(platform, picture())
