"""Searches by a picture, by vectors with words, and by what is meant."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Permission
from models.settings import Settings
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.near_copies import PICTURE_COPIES, make_picture
from tests.support.people import make_user, sign_in
from tests.support.runs import Runs, graph, node
from tests.support.web_servers import send, web_server
from workers.indexing.feed import Feed
from workers.inline import run_all

MEANINGS = {"dog": [1.0, 0.0, 0.1], "cat": [0.0, 1.0, 0.1]}


def _answer(handler: BaseHTTPRequestHandler) -> None:
    """A model server that knows two words."""
    asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
    if asked["text"] == "silence":
        send(handler, b"no", 500)
        return
    vector = MEANINGS.get(asked["text"], [0.5, 0.5, 0.5])
    told: Any = [] if asked["text"] == "nonsense" else [{"vector": vector}]
    send(handler, json.dumps({"embeddings": told}).encode())


@pytest.fixture
def settings(settings: Settings) -> Iterator[Settings]:
    with web_server(_answer) as url:
        yield settings.model_copy(update={
            "text_embedding_url": url, "fetch_allowed_networks": (ip_network("127.0.0.1/32"),),
        })  # fmt: skip


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def pictures(client: ApiClient, platform: Platform) -> list[str]:
    """Six pictures that were looked at."""
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    runs = Runs(client, platform)
    ids = [runs.upload(_png(make_picture(number)), f"{number}.png") for number in range(6)]
    runs.run(runs.make(graph(node("hash", "image-hash"), node("layout", "image-descriptor"))), ids)
    return ids


def _search(client: ApiClient, platform: Platform, data: bytes, query: str = "") -> Any:
    task = client.request("POST", f"/search/by-image?filename=a.png{query}", data, expect=202).json
    run_all(platform)
    return client.get(f"/tasks/{task['uuid']}")


@pytest.mark.parametrize("way", list(PICTURE_COPIES))
def test_a_copy_finds_its_original(client: ApiClient, platform: Platform, pictures: list[str], way: str) -> None:
    copy = PICTURE_COPIES[way](make_picture(2), 2)
    found = _search(client, platform, _png(copy), "&limit=3")["result"]["data"]
    assert found[0]["assetUuid"] == pictures[2]
    assert len(found) == 3
    assert found[0]["cosine"] > 0.8


def test_layouts_are_embeddings_of_their_assets(client: ApiClient, pictures: list[str]) -> None:
    (embedding,) = client.get(f"/embeddings?filter=asset[eq]={pictures[0]}")["data"]
    assert (embedding["type"], embedding["model"]) == ("IMAGE_LAYOUT", "loom-layout-1")
    assert embedding["dimensions"] == 225
    near = client.post("/embeddings/search", {"assetUuid": pictures[0], "limit": 2})["data"]
    assert pictures[0] not in [each["assetUuid"] for each in near]


def test_what_is_no_picture_is_refused(client: ApiClient, platform: Platform, pictures: list[str]) -> None:
    for data, said in ((b"words", "picture"), (_png(make_picture(0))[:200], "decoded")):
        task = _search(client, platform, data)
        assert (task["state"], task["error"]["code"]) == ("FAILED", "unsupported-media")
        assert said in task["error"]["message"]
    assert "limit" in client.request("POST", "/search/by-image?limit=0", b"x", expect=400).json["message"]


def test_a_picture_finds_only_what_may_be_seen(
    client: ApiClient, platform: Platform, app: Any, pictures: list[str]
) -> None:
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    client.post(f"/libraries/{library}/assets", {"assetUuid": pictures[1]}, expect=201)
    client.post("/blacklists", {"assetUuid": pictures[3]}, expect=201)
    data = _png(make_picture(3))
    assert pictures[3] not in [each["assetUuid"] for each in _search(client, platform, data)["result"]["data"]]
    make_user(platform, "jane", [Permission.READ_ASSET, Permission.READ_TASK])
    sign_in(app, "jane").request("POST", "/search/by-image?filename=a.png", data, expect=403)


class Words:
    """Assets called by words, with embeddings."""

    def __init__(self, client: ApiClient, feed: Feed) -> None:
        self.client, self.ids = client, {}
        for number, (name, vector) in enumerate(
            [("dog.jpg", [0.9, 0.1, 0.1]), ("hound.jpg", [1, 0.05, 0.1]), ("cat.jpg", [0.1, 0.9, 0.1]),
             ("dog food.png", [0.2, 0.6, 0.5])]
        ):  # fmt: skip
            file = {"filename": name, "mimeType": f"image/{name[-3:]}", "size": 1, "origin": "test"}
            body = {"hashes": {"sha512": f"{number:0128x}"}, "file": file}
            self.ids[name] = client.post("/assets", body, expect=201)["uuid"]
            client.post(f"/assets/{self.ids[name]}/embeddings", {"vector": vector, "type": "TEXT"}, expect=201)
        feed.run_once()

    def search(self, q: str, mode: str, **more: Any) -> Any:
        return self.client.get("/search/assets", query_string={"q": q, "mode": mode, **more})

    def names(self, q: str, mode: str, **more: Any) -> list[str]:
        return [hit["title"] for hit in self.search(q, mode, **more)["data"]]


@pytest.fixture
def words(client: ApiClient, feed: Feed) -> Words:
    return Words(client, feed)


def test_what_is_meant_is_found_without_its_words(words: Words) -> None:
    assert words.names("dog", "SEMANTIC")[:2] == ["hound.jpg", "dog.jpg"]
    assert words.names("cat", "SEMANTIC")[0] == "cat.jpg"
    assert "semantic" in words.search("dog", "SEMANTIC")["_metainfo"]["capabilities"]
    assert {hit["matchedIn"] for hit in words.search("dog", "SEMANTIC")["data"]} == {"semantic"}


def test_hybrid_counts_words_and_meaning(words: Words) -> None:
    found = words.names("dog", "HYBRID")
    assert found[0] == "dog.jpg", "second by meaning, first by words"
    assert set(found) == set(words.ids)
    assert words.names("dog", "HYBRID", mime="image/png") == ["dog food.png"]
    page = words.search("dog", "HYBRID", limit=2)
    assert page["_metainfo"]["totalHits"] == 4
    rest = words.names("dog", "HYBRID", limit=2, cursor=page["_metainfo"]["nextCursor"])
    assert [hit["title"] for hit in page["data"]] + rest == found


def test_restrictions_hold_for_meaning(words: Words, client: ApiClient) -> None:
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    client.post(f"/libraries/{library}/assets", {"assetUuid": words.ids["cat.jpg"]}, expect=201)
    assert words.names("dog", "SEMANTIC", library=library) == ["cat.jpg"]
    client.post("/blacklists", {"assetUuid": words.ids["hound.jpg"]}, expect=201)
    assert "hound.jpg" not in words.names("dog", "SEMANTIC")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"q": ""}, 400), ({"q": "dog", "sort": "NAME"}, 400), ({"q": "silence"}, 503), ({"q": "nonsense"}, 503),
        ({"q": "dog", "mode": "MAGIC"}, 400), ({"q": "dog", "facets": "type"}, 400),
        ({"q": "dog", "blacklisted": "only"}, 400),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told(client: ApiClient, words: Words, query: Any, status: int) -> None:
    client.get("/search/assets", query_string={"mode": "SEMANTIC", **query}, expect=status)


def test_vectors_and_words_count_together(client: ApiClient, words: Words) -> None:
    body = {"vector": MEANINGS["dog"], "type": "TEXT", "q": "food"}
    found = client.post("/embeddings/search", body)["data"]
    assert found[0]["assetUuid"] == words.ids["dog food.png"]
    del body["q"]
    narrowed = client.post("/embeddings/search", {**body, "filter": ["type[eq]=image/png"]})["data"]
    assert [each["assetUuid"] for each in narrowed] == [words.ids["dog food.png"]]


def test_meaning_needs_the_right_to_read_embeddings(platform: Platform, app: Any, words: Words) -> None:
    make_user(platform, "jane", [Permission.READ_ASSET, Permission.READ_SEARCH])
    jane = sign_in(app, "jane")
    jane.get("/search/assets", query_string={"q": "dog", "mode": "SEMANTIC"}, expect=403)


def test_meaning_stays_within_the_grants_to_search(
    client: ApiClient, platform: Platform, app: Any, words: Words
) -> None:
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    client.post(f"/libraries/{library}/assets", {"assetUuid": words.ids["cat.jpg"]}, expect=201)
    scoped = [(Permission.READ_SEARCH, "library", UUID(library))]
    make_user(platform, "jane", [Permission.READ_ASSET, Permission.READ_EMBEDDING], scoped=scoped)
    jane = sign_in(app, "jane")
    for mode in ("SEMANTIC", "HYBRID"):
        found = jane.get("/search/assets", query_string={"q": "dog", "mode": mode})["data"]
        assert [hit["title"] for hit in found] == ["cat.jpg"]


def test_only_assets_of_the_own_space_are_meant(client: ApiClient, words: Words) -> None:
    asked = {"q": "dog", "mode": "SEMANTIC"}
    assert client.get("/search/results", query_string={**asked, "types": "tag"})["data"] == []
    assert client.get("/search/assets", query_string={**asked, "space": str(uuid4())})["data"] == []
    answer = client.get("/search/results", query_string=asked)
    assert "Only assets" in answer["_metainfo"]["warnings"][0]
    assert answer["data"]
