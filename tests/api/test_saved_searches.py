"""Searches that are kept: under a name, and as what a collection holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.indexing import add_assets, run_until
from tests.support.people import make_user, sign_in
from workers.indexing.feed import Feed


@pytest.fixture
def assets(platform: Platform, actor: Actor, feed: Feed) -> list[UUID]:
    ids = add_assets(platform, actor, "beach 1.jpg", "beach 2.jpg", "city.jpg")
    feed.run_once()
    return ids


def _names(answer: Any) -> list[str]:
    return sorted(each["title"] if "title" in each else each["file"]["filename"] for each in answer["data"])


def test_a_saved_search_is_asked_anew(
    client: ApiClient, platform: Platform, actor: Actor, feed: Feed, assets: list[UUID]
) -> None:
    saved = client.post("/saved-searches", {"name": "sea", "query": {"q": "beach", "sort": "NAME"}}, expect=201)
    assert saved["query"] == {"q": "beach", "sort": "NAME"}
    path = f"/saved-searches/{saved['uuid']}/results"
    assert _names(client.get(path)) == ["beach 1.jpg", "beach 2.jpg"]
    add_assets(platform, actor, "beach 3.jpg")
    run_until(feed, lambda: len(client.get(path)["data"]) == 3)
    page = client.get(path, query_string={"limit": 2, "facets": "type"})
    assert len(page["data"]) == 2
    assert page["_metainfo"]["totalHits"] == 3
    assert page["facets"]["type"][0]["count"] == 3
    rest = client.get(path, query_string={"limit": 2, "cursor": page["_metainfo"]["nextCursor"]})
    assert len(rest["data"]) == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [({"q": "size>many"}, "size"), ({"sort": "BEST"}, "sort"), ({"from": "yesterday"}, "from"), ([], "query")],
)
def test_what_cannot_be_searched_is_not_kept(client: ApiClient, query: Any, said: str) -> None:
    for path in ("/saved-searches", "/collections"):
        assert said in str(client.post(path, {"name": "x", "query": query}, expect=400))


def test_saved_searches_are_their_users_own(client: ApiClient, platform: Platform, app: Any) -> None:
    mine = client.post("/saved-searches", {"name": "sea", "query": {}}, expect=201)
    make_user(platform, "jane", [])
    jane = sign_in(app, "jane")
    theirs = jane.post("/saved-searches", {"name": "sea", "query": {}}, expect=201)
    assert [each["uuid"] for each in jane.get("/saved-searches")["data"]] == [theirs["uuid"]]
    jane.get(f"/saved-searches/{mine['uuid']}", expect=404)
    jane.delete(f"/saved-searches/{theirs['uuid']}")


def test_a_smart_collection_holds_what_is_found(
    client: ApiClient, platform: Platform, actor: Actor, feed: Feed, assets: list[UUID]
) -> None:
    smart = client.post("/collections", {"name": "sea", "query": {"q": "beach"}}, expect=201)
    path = f"/collections/{smart['uuid']}/assets"
    assert _names(client.get(path)) == ["beach 1.jpg", "beach 2.jpg"]
    first = client.get(path, query_string={"limit": 1, "sort": "name"})
    assert _names(first) == ["beach 1.jpg"]
    second = client.get(path, query_string={"limit": 1, "sort": "name", "from": first["data"][0]["uuid"]})
    assert _names(second) == ["beach 2.jpg"]
    changed = client.post(f"/collections/{smart['uuid']}", {"query": {"q": "city"}})
    assert changed["query"] == {"q": "city"}
    assert _names(client.get(path)) == ["city.jpg"]


def test_nobody_puts_anything_into_a_smart_collection(client: ApiClient, assets: list[UUID]) -> None:
    smart = client.post("/collections", {"name": "sea", "query": {"q": "beach"}}, expect=201)
    path, asset = f"/collections/{smart['uuid']}/assets", str(assets[2])
    assert "query" in client.post(path, {"assetUuid": asset}, expect=409)["message"]
    client.request("PUT", path, {"assetUuids": [asset]}, expect=409)
    client.post(f"{path}/move", {"assetUuids": [asset]}, expect=409)
    client.delete(f"{path}/{asset}", expect=409)


def test_a_collection_becomes_smart_only_while_it_is_empty(client: ApiClient, assets: list[UUID]) -> None:
    plain = client.post("/collections", {"name": "sea"}, expect=201)
    element = f"/collections/{plain['uuid']}"
    client.post(f"{element}/assets", {"assetUuid": str(assets[2])}, expect=201)
    client.post(element, {"query": {"q": "beach"}}, expect=409)
    client.delete(f"{element}/assets/{assets[2]}")
    client.post(element, {"query": {"q": "beach"}})
    assert len(client.get(f"{element}/assets")["data"]) == 2
    whole = {"name": "sea", "description": None, "parentUuid": None, "query": None, "meta": None}
    client.request("PUT", element, whole, expect=200)
    assert client.get(f"{element}/assets")["data"] == []


def test_a_smart_collection_shows_what_its_reader_may_find(
    client: ApiClient, platform: Platform, app: Any, assets: list[UUID]
) -> None:
    smart = client.post("/collections", {"name": "sea", "query": {"q": "beach"}}, expect=201)
    path = f"/collections/{smart['uuid']}/assets"
    make_user(platform, "reader", [Permission.READ_COLLECTION, Permission.READ_ASSET])
    sign_in(app, "reader").get(path, expect=403)
    make_user(platform, "seeker", [Permission.READ_COLLECTION, Permission.READ_ASSET, Permission.READ_SEARCH])
    assert len(sign_in(app, "seeker").get(path)["data"]) == 2
    client.post("/blacklists", {"assetUuid": str(assets[0])}, expect=201)
    assert _names(client.get(path)) == ["beach 2.jpg"]


def test_without_an_index_nobody_is_told_that_a_smart_collection_is_empty(client: ApiClient) -> None:
    smart = client.post("/collections", {"name": "sea", "query": {"q": "beach"}}, expect=201)
    client.get(f"/collections/{smart['uuid']}/assets", expect=503)
