"""The routes of the search, on an index that a feed keeps."""

from __future__ import annotations

from uuid import UUID

import pytest

from models.ids import new_id
from models.permissions import Actor
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.indexing import add_assets
from workers.indexing.feed import Feed


@pytest.fixture
def assets(platform: Platform, actor: Actor, feed: Feed) -> list[UUID]:
    """Seven assets, in the index already when the feed begins."""
    ids = add_assets(platform, actor, "IMG_2041.jpg", "Rome.jpg", *[f"same {number}.jpg" for number in range(5)])
    feed.run_once()
    return ids


@pytest.mark.parametrize("path", ["/search/assets", "/search/results"])
def test_hits_have_the_promised_shape(client: ApiClient, assets: list[UUID], path: str) -> None:
    answer = client.get(path, query_string={"q": "2041", "highlight": "true"})
    [hit] = answer["data"]
    assert hit.pop("score") > 0
    assert hit.pop("sortDate") > 1.7e9
    assert hit == {
        "type": "asset",
        "uuid": str(assets[0]),
        "assetUuid": str(assets[0]),
        "title": "IMG_2041.jpg",
        "matchedIn": "title",
        "highlights": ["IMG_2041.jpg"],
        "mimeType": "image/jpeg",
        "size": 10,
    }
    metainfo = answer["_metainfo"]
    assert metainfo.pop("tookMs") >= 0
    assert metainfo.pop("capabilities")
    assert metainfo == {
        "totalHits": 1,
        "totalExact": True,
        "perPage": 25,
        "offset": 0,
        "provider": "tantivy",
        "warnings": [],
    }


@pytest.mark.usefixtures("assets")
def test_cursor_leads_through_all_hits(client: ApiClient) -> None:
    query = {"q": "same", "limit": "2", "sort": "NAME"}
    titles = []
    while True:
        page = client.get("/search/assets", query_string=query)
        titles += [hit["title"] for hit in page["data"]]
        if "nextCursor" not in page["_metainfo"]:
            break
        query["cursor"] = page["_metainfo"]["nextCursor"]
    assert titles == [f"same {number}.jpg" for number in range(5)]


def test_deleted_asset_is_never_shown(client: ApiClient, platform: Platform, assets: list[UUID]) -> None:
    with platform.unit_of_work() as uow:
        uow.execute("DELETE FROM asset WHERE id = :id", id=assets[0])
        uow.commit()
    answer = client.get("/search/assets", query_string={"q": "2041"})
    assert answer["data"] == []
    assert answer["_metainfo"]["totalHits"] == 0


@pytest.mark.usefixtures("assets")
def test_restrictions(client: ApiClient, actor: Actor) -> None:
    def total(**query: str) -> int:
        return int(client.get("/search/results", query_string=query)["_metainfo"]["totalHits"])

    assert total(mime="image/") == 7
    assert total(mime="video/") == 0
    assert total(space=str(actor.space_id)) == 7
    assert total(space=str(new_id())) == 0
    assert total(**{"from": "2000-01-01T00:00:00Z"}) == 7
    assert total(to="2000-01-01T00:00:00Z") == 0
    assert total(types="asset,transcript") == 7
    assert total(types="transcript") == 0


@pytest.mark.usefixtures("assets")
def test_what_has_no_effect_is_told(client: ApiClient) -> None:
    answer = client.get("/search/results", query_string={"types": "asset,transcript"})
    assert answer["_metainfo"]["warnings"] == ["Nothing of type transcript is indexed"]


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize(
    "query",
    [
        {"q": 'open "quote'},
        {"q": "nul\x00"},
        {"q": "x" * 5000},
        {"q": "a " * 500},
        {"mode": "SEMANTIC"},
        {"mode": "nonsense"},
        {"sort": "nonsense"},
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "x"},
        {"offset": "-1"},
        {"offset": "10000"},
        {"offset": "9" * 30},
        {"offset": "9" * 5000},
        {"cursor": "x"},
        {"cursor": "9" * 30},
        {"cursor": "99999"},
        {"types": "nonsense"},
        {"blacklisted": "x"},
        {"library": "x"},
        {"collection": "x"},
        {"space": "x"},
        {"from": "x"},
        {"to": "9999999-01-01"},
        {"mime": "x" * 500},
    ],
)
def test_bad_queries_are_refused(client: ApiClient, query: dict[str, str]) -> None:
    client.get("/search/results", query_string=query, expect=400)


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize(
    "query",
    [{"limit": "100000"}, {"limit": "9" * 30}, {"offset": "9999"}, {"cursor": "9999"}, {"q": "!!!"}, {"mime": "\x00"}],
)
def test_odd_queries_are_answered(client: ApiClient, query: dict[str, str]) -> None:
    client.get("/search/assets", query_string=query)


def test_status(client: ApiClient, platform: Platform, actor: Actor, feed: Feed) -> None:
    before = client.get("/search/status")
    assert (before["available"], before["provider"], before["documentCount"]) == (False, "tantivy", 0)
    assert before["reason"]
    client.get("/search/assets", expect=503)
    add_assets(platform, actor, "one.jpg")
    feed.run_once()
    add_assets(platform, actor, "two.jpg")
    after = client.get("/search/status")
    assert (after["available"], after["documentCount"], after["dirtyCount"]) == (True, 1, 1)
    assert after["lastSyncedAt"] > 1.7e9
    assert "reason" not in after


@pytest.mark.parametrize("path", ["/search/assets", "/search/results", "/search/status"])
def test_searching_needs_a_token(client: ApiClient, path: str) -> None:
    client.anonymous().get(path, expect=401)
