"""Searches beyond words of assets: other elements, facets, suggestions, and what was said of assets or found out."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.runs import Runs, graph, node
from tests.support.waiting import wait_until
from workers.indexing.feed import Feed

READS = (Permission.READ_ASSET, Permission.READ_SEARCH)


class Library:
    """Assets, and what people have made around them."""

    def __init__(self, client: ApiClient, feed: Feed) -> None:
        self.client, self.feed = client, feed
        self.assets = [self.asset(number, name) for number, name in enumerate(("boat.jpg", "pier.png", "song.mp3"))]
        self.library = self._make("libraries", name="Boats of Été")
        self.collection = self._make("collections", name="Old boats")
        client.post(f"/assets/{self.assets[0]}/tags", {"name": "boats"}, expect=201)
        client.request("PUT", f"/libraries/{self.library}/assets", {"assetUuids": self.assets[:2]}, expect=200)
        client.request("PUT", f"/collections/{self.collection}/assets", {"assetUuids": self.assets[2:]}, expect=200)
        self.annotation = self._make(
            "annotations", assetUuid=self.assets[1], title="A captain", description="waves at boats", type="FEEDBACK"
        )
        self._make("comments", assetUuid=self.assets[2], text="Sung by melons")
        feed.run_once()

    def _make(self, route: str, **body: Any) -> str:
        return str(self.client.post(f"/{route}", body, expect=201)["uuid"])

    def asset(self, number: int, name: str) -> str:
        kind = {"jpg": "image/jpeg", "png": "image/png", "mp3": "audio/mpeg"}[name[-3:]]
        file = {"filename": name, "mimeType": kind, "size": 1, "origin": "test"}
        return self._make("assets", hashes={"sha512": f"{number:0128x}"}, file=file)

    def find(self, caller: ApiClient, terms: str, **query: str) -> list[tuple[str, str]]:
        answer = caller.get("/search/results", query_string={"q": terms, **query})
        assert answer["_metainfo"]["totalHits"] == len(answer["data"])
        return sorted((hit["type"], hit["title"]) for hit in answer["data"])


@pytest.fixture
def library(client: ApiClient, feed: Feed) -> Library:
    feed.run_once()
    return Library(client, feed)


def test_elements_of_all_types_are_found(client: ApiClient, library: Library) -> None:
    assert library.find(client, "boats ") == [
        ("annotation", "A captain"), ("asset", "boat.jpg"), ("asset", "pier.png"), ("collection", "Old boats"),
        ("library", "Boats of Été"), ("tag", "boats"),
    ]  # fmt: skip
    assert library.find(client, "boats ", types="tag,collection") == [("collection", "Old boats"), ("tag", "boats")]
    assert library.find(client, "ete ", types="library") == [("library", "Boats of Été")]
    assert library.find(client, "boats -old ", types="collection") == []
    assert library.find(client, "nothing or old ", types="collection") == [("collection", "Old boats")]
    assert library.find(client, "100% ", types="tag") == library.find(client, "_ ", types="tag") == []
    assert library.find(client, "size>1 ", types="tag,annotation") == library.find(client, "", types="tag") == []
    client.post("/persons", {"firstname": "Ada", "lastname": "Boatwright"}, expect=201)
    client.post("/clusters", {"name": "Boat people", "type": "FACE"}, expect=201)
    assert library.find(client, "boat ", types="person,cluster") == [
        ("cluster", "Boat people"), ("person", "Ada Boatwright"),
    ]  # fmt: skip
    (hit,) = client.get("/search/results?q=captain&types=annotation")["data"]
    assert (hit["uuid"], hit["assetUuid"]) == (library.annotation, library.assets[1])


def test_what_is_called_so_comes_first(client: ApiClient, library: Library) -> None:
    (first, *_) = client.get("/search/results?q=boats")["data"]
    assert (first["type"], first["title"], first["score"]) == ("tag", "boats", 8)


def test_types_that_may_not_be_read_are_left_out_with_a_word(
    client: ApiClient, platform: Platform, library: Library
) -> None:
    make_user(platform, "ann", READS)
    ann = sign_in(client.app, "ann")
    answer = ann.get("/search/results?q=boats")
    assert [hit["type"] for hit in answer["data"]] == ["asset"]
    assert len(answer["_metainfo"]["warnings"]) == 6
    make_user(platform, "bob", [*READS, Permission.READ_TAG])
    assert library.find(sign_in(client.app, "bob"), "boats ", types="tag,collection") == [("tag", "boats")]
    make_user(
        platform, "cid", [Permission.READ_SEARCH], scoped=[(Permission.READ_LIBRARY, "library", UUID(library.library))]
    )
    assert library.find(sign_in(client.app, "cid"), "boats ") == [("library", "Boats of Été")]


def test_what_people_say_is_found_by_those_who_may_read_it(
    client: ApiClient, platform: Platform, library: Library
) -> None:
    assert library.find(client, "comment:melons", types="asset") == [("asset", "song.mp3")]
    make_user(platform, "ann", READS)
    ann = sign_in(client.app, "ann")
    for terms in ("comment:melons", "melons ", "captain ", "tag:boats", "annotation:captain"):
        assert library.find(client, terms, types="asset"), terms
        assert not library.find(ann, terms, types="asset"), terms
    assert ann.get("/search/assets?facets=tag,type")["facets"]["tag"] == []


def test_comments_are_found_as_long_as_they_are_there(client: ApiClient, library: Library) -> None:
    def found() -> bool:
        library.feed.run_once()
        return bool(library.find(client, "foundered ", types="asset"))

    body = {"assetUuid": library.assets[0], "text": "Foundered in june"}
    comment = client.post("/comments", body, expect=201)["uuid"]
    wait_until(found, 10)
    client.delete(f"/comments/{comment}")
    wait_until(lambda: not found(), 10)


def test_hits_are_counted(client: ApiClient, platform: Platform, library: Library) -> None:
    facets = client.get("/search/assets?facets=type,extension,tag,library,collection&limit=1")["facets"]
    assert {name: {each["value"]: each["count"] for each in values} for name, values in facets.items()} == {
        "type": {"image": 2, "audio": 1}, "extension": {"jpg": 1, "png": 1, "mp3": 1}, "tag": {"boats": 1},
        "library": {"Boats of Été": 2}, "collection": {"Old boats": 1},
    }  # fmt: skip
    assert facets["library"][0]["uuid"] == library.library
    assert client.get("/search/assets?q=song&profile=all")["facets"]["library"] == []
    client.get("/search/assets?facets=mime", expect=400)
    client.get("/search/assets?profile=mine", expect=400)
    make_user(platform, "ann", scoped=[(each, "library", UUID(library.library)) for each in READS])
    facets = sign_in(client.app, "ann").get("/search/assets?profile=all")["facets"]
    assert (facets["type"], facets["library"], facets["collection"]) == ([{"value": "image", "count": 2}], [], [])


def test_where_nothing_is_exactly_so_nothing_alike_is_counted(client: ApiClient, library: Library) -> None:
    query = {"q": "song ", "facets": "library,collection"}
    client.patch(f"/assets/{library.assets[1]}", {"file": {"filename": "sons.png"}})
    wait_until(lambda: library.feed.run_once() or ("asset", "sons.png") in library.find(client, "name:sons"))
    facets = client.get("/search/assets", query_string=query)["facets"]
    assert facets == {"library": [], "collection": [{"value": "Old boats", "count": 1, "uuid": library.collection}]}
    facets = client.get("/search/assets", query_string={**query, "q": "sonz "})["facets"]
    assert [len(values) for values in facets.values()] == [1, 1]


def test_what_is_typed_is_completed(client: ApiClient, platform: Platform, library: Library) -> None:
    told = client.get("/search/suggestions?q=boa")["data"]
    assert {(each["type"], each["text"]) for each in told} == {
        ("tag", "boats"), ("library", "Boats of Été"), ("collection", "Old boats"), ("asset", "boat.jpg")
    }  # fmt: skip
    assert len(client.get("/search/suggestions?q=boa&limit=2")["data"]) == 2
    make_user(platform, "ann", READS)
    told = sign_in(client.app, "ann").get("/search/suggestions?q=boa")["data"]
    assert [(each["type"], each["text"]) for each in told] == [("asset", "boat.jpg")]
    assert client.get("/search/suggestions")["data"] == []
    client.get('/search/suggestions?q="boa', expect=400)


def test_cursors_lead_through_orders_of_numbers(client: ApiClient, library: Library) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None and len(found) < 9:
        page = client.get("/search/assets", query_string={"sort": "NEWEST", "limit": "1", "cursor": cursor})
        found += [hit["uuid"] for hit in page["data"]]
        cursor = page["_metainfo"].get("nextCursor")
    assert found == library.assets[::-1]
    client.get("/search/assets?cursor=kx", expect=400)
    client.get("/search/assets?lang=xx", expect=400)


def test_what_pipelines_find_out_is_searchable(client: ApiClient, platform: Platform, feed: Feed) -> None:
    feed.run_once()
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    runs = Runs(client, platform)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x010E] = "Leica Camera AG", "LEICA Q2", "Two boats"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    buffer = io.BytesIO()
    Image.new("RGB", (320, 200)).save(buffer, "JPEG", exif=exif)
    picture, text = runs.upload(buffer.getvalue()), runs.upload(b"A quick brown fox", "b.txt")
    pipeline = runs.make(graph(node("m", "metadata"), node("q", "quality"), node("t", "text")))
    runs.run(pipeline, [picture, text])
    feed.run_once()
    for terms in ("camera:leica", "taken:2024-05-06", "near:52.5,13.4,1km", "width:320", "title:boats", "leica boat "):
        found = client.get("/search/assets", query_string={"q": terms, "facets": "camera,year"})
        assert [hit["uuid"] for hit in found["data"]] == [picture], terms
        assert found["facets"]["camera"] == [{"value": "LEICA Q2", "count": 1}]
        assert found["facets"]["year"] == [{"value": "2024", "count": 1}]
    (hit,) = client.get("/search/assets", query_string={"q": "brown fox", "highlight": "true"})["data"]
    assert (hit["uuid"], hit["matchedIn"], hit["highlights"]) == (text, "body", ["A quick brown fox"])
