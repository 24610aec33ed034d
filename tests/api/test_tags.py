"""Tags: their names and colours, how they are rated, and their removal. The plain part is in test_specs.py."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from models.permissions import Actor, Permission
from models.services import announcing, holders
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.organising import at_once, events_about, make_assets, status_of, uuids
from tests.support.people import make_space, make_user, sign_in
from workers.inline import run_all


def _tag(client: ApiClient, name: str = "t", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/tags", {"name": name, **more}, expect=201)
    return made


@pytest.fixture
def assets(platform: Platform, actor: Actor) -> list[str]:
    return make_assets(platform, actor.space_id, 5)


def test_a_tag_is_one_of_its_collection(client: ApiClient) -> None:
    first = _tag(client, "red")
    assert (first["collection"], "color" in first) == ("default", False)
    _tag(client, "red", collection="mood")
    client.post("/tags", {"name": "red", "collection": "mood"}, expect=409)
    other = _tag(client, "blue", collection="mood")
    client.patch(f"/tags/{other['uuid']}", {"name": "red"}, expect=409)
    client.patch(f"/tags/{other['uuid']}", {"collection": "default"})
    found = client.get("/tags", query_string={"filter": "collection[eq]=default", "sort": "name"})
    assert [tag["name"] for tag in found["data"]] == ["blue", "red"]
    body = {"name": "blue", "collection": None, "color": None, "meta": None}
    assert client.request("PUT", f"/tags/{other['uuid']}", body, expect=200).json["collection"] == "default"


def test_colours(client: ApiClient) -> None:
    made = _tag(client, color="#2A9D8f")
    assert made["color"] == "2a9d8f"
    path = f"/tags/{made['uuid']}"
    assert client.patch(path, {"color": "000000"})["color"] == "000000"
    for bad in ("", "#12345", "1234567", "red", "#12345g", 123456):
        assert "color" in client.patch(path, {"color": bad}, expect=400)["message"]


def test_unusable_names_are_refused(client: ApiClient) -> None:
    for bad in ("", "x" * 256, "\x00", None, 5):
        client.post("/tags", {"name": bad}, expect=400)
        client.post("/tags", {"name": "x", "collection": bad}, expect=400)


def test_everybody_rates_for_themselves(client: ApiClient, platform: Platform) -> None:
    path = f"/tags/{_tag(client)['uuid']}/rating"
    client.get(path, expect=404)
    assert client.post(path, {"rating": 4}) == {"rating": 4}
    assert client.post(path, {"rating": 5}) == {"rating": 5}
    make_user(platform, "rui", [Permission.READ_TAG, Permission.CREATE_REACTION])
    rui = sign_in(client.app, "rui")
    rui.get(path, expect=404)
    rui.post(path, {"rating": 1})
    assert (client.get(path), rui.get(path)) == ({"rating": 5}, {"rating": 1})
    client.delete(path)
    client.delete(path)
    client.get(path, expect=404)
    assert rui.get(path) == {"rating": 1}
    for bad in (0, 6, -1, 1.5, "5", True, None, 2**70):
        client.post(path, {"rating": bad}, expect=400)
    for method, body in (("GET", None), ("POST", {"rating": 1}), ("DELETE", None)):
        client.request(method, f"/tags/{uuid4()}/rating", body, expect=404)


def test_who_only_reads_does_not_rate(client: ApiClient, platform: Platform) -> None:
    path = f"/tags/{_tag(client)['uuid']}/rating"
    make_user(platform, "rui", [Permission.READ_TAG])
    rui = sign_in(client.app, "rui")
    rui.post(path, {"rating": 1}, expect=403)
    rui.delete(path, expect=403)


def test_fifty_rate_at_once(client: ApiClient) -> None:
    path = f"/tags/{_tag(client)['uuid']}/rating"
    outcomes = at_once([partial(status_of, client, "POST", path, {"rating": 1 + n % 5}) for n in range(50)])
    assert set(outcomes) == {200}
    assert client.get(path)["rating"] in range(1, 6)


def test_a_renamed_tag_is_told_of_its_assets(
    client: ApiClient, platform: Platform, assets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for asset in assets:
        tag = client.post(f"/assets/{asset}/tags", {"name": "t"}, expect=201)
        client.post(f"/assets/{asset}/tags", {"name": "t", "area": {"from": 1}}, expect=201)
    events_about(platform, "asset.updated")
    path = f"/tags/{tag['uuid']}"
    client.patch(path, {"meta": {"a": 1}, "name": "t"})
    assert events_about(platform, "asset.updated") == []
    client.patch(path, {"name": "u"})
    assert events_about(platform, "asset.updated") == assets
    monkeypatch.setattr(announcing, "MOST_AT_ONCE", 4)
    client.patch(path, {"color": "ffffff"})
    assert events_about(platform, "asset.updated") == []
    run_all(platform)
    assert events_about(platform, "asset.updated") == assets


def test_a_deleted_tag_is_taken_off(
    client: ApiClient, platform: Platform, assets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for asset in assets:
        few = client.post(f"/assets/{asset}/tags", {"name": "few"}, expect=201)
        many = client.post(f"/assets/{asset}/tags", {"name": "many"}, expect=201)
    client.post(f"/tags/{few['uuid']}/rating", {"rating": 1})
    events_about(platform, "asset.updated")
    client.delete(f"/tags/{few['uuid']}")
    assert events_about(platform, "asset.updated") == assets
    monkeypatch.setattr(holders, "MOST_AT_ONCE", 4)
    task = client.request("DELETE", f"/tags/{many['uuid']}", expect=202).json
    run_all(platform)
    assert client.get(f"/tasks/{task['uuid']}")["result"] == {"placements": 5}
    assert events_about(platform, "asset.updated") == assets
    assert client.get("/tags")["data"] == []
    assert client.get(f"/assets/{assets[0]}")["tags"] == []


def test_spaces_are_apart(client: ApiClient, platform: Platform) -> None:
    made = _tag(client, "t")
    space = make_space(platform, "elsewhere")
    make_user(platform, "eva", Permission, space_id=space)
    eva = sign_in(client.app, "eva", "elsewhere")
    assert uuids(eva.get("/tags")) == []
    _tag(eva, "t")
    eva.post(f"/tags/{made['uuid']}/rating", {"rating": 1}, expect=404)
    eva.delete(f"/tags/{made['uuid']}", expect=404)
