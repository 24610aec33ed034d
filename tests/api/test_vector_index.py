"""One contract for all that compares vectors: pgvector, and Qdrant.

Qdrant is its client's local mode, or the server at LOOM_TEST_QDRANT_URL, which must be empty.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from qdrant_client import QdrantClient

from models.errors import Unavailable
from models.permissions import Permission
from models.services.vector_index import StoredIndex
from models.vectors import QdrantStore, VectorKind
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_space, make_user, sign_in
from tests.support.platforms import execute
from workers.indexing.vector_feed import VectorFeed, VectorFollower, differs
from workers.inline import run_all

_SERVER = os.environ.get("LOOM_TEST_QDRANT_URL")  # noqa: TID251 - no setting of Loom
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")
DIMENSIONS = 8


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.indexing.reconcile.CATCH_UP_SECONDS", 0.0)


@pytest.fixture(params=["pgvector", "qdrant"])
def platform(platform: Platform, request: pytest.FixtureRequest) -> Iterator[Platform]:
    if request.param == "pgvector":
        yield platform
        return
    store = QdrantStore.at(_SERVER, None) if _SERVER else QdrantStore(lambda: QdrantClient(":memory:"))
    store.begin()
    store.switch()
    yield replace(platform, vectors=StoredIndex(store, "qdrant"))
    store.close()


class Vectors:
    """Assets with embeddings, which whatever compares them has heard of."""

    def __init__(self, client: ApiClient, platform: Platform) -> None:
        self.client, self.platform, self.chance = client, platform, Random(1)
        self.assets: list[str] = []
        self.values: dict[str, list[float]] = {}

    def add(self, count: int = 1, **more: Any) -> list[str]:
        """Make assets with a random embedding each; gives the ids of the embeddings."""
        made = []
        for _ in range(count):
            number = len(self.assets)
            body = {"sha512": f"{number:0128x}", "filename": f"{number}.jpg"}
            self.assets.append(self.client.post("/assets", body, expect=201)["uuid"])
            vector = [self.chance.gauss(0, 1) for _ in range(DIMENSIONS)]
            told = {"vector": vector, "type": "FACE", "model": "m", "assetUuid": self.assets[-1], **more}
            made.append(self.client.post("/embeddings", told, expect=201)["uuid"])
            self.values[made[-1]] = vector
        self.settle()
        return made

    def settle(self) -> None:
        """Let the store catch up, if there is one."""
        if isinstance(self.platform.vectors, StoredIndex):
            feed = VectorFeed(self.platform, self.platform.vectors.store)
            feed.run_once()
            while feed.run_once():
                pass

    def near(self, vector: list[float], client: ApiClient | None = None, **more: Any) -> list[str]:
        body = {"vector": vector, "type": "FACE", "model": "m", **more}
        return [each["embeddingUuid"] for each in (client or self.client).post("/embeddings/search", body)["data"]]

    def nearest(self, vector: list[float], limit: int) -> list[str]:
        """Say what is right, by comparing all."""

        def cosine(key: str) -> float:
            other = self.values[key]
            return sum(a * b for a, b in zip(vector, other, strict=True)) / math.hypot(*other)

        return sorted(self.values, key=cosine, reverse=True)[:limit]


@pytest.fixture
def vectors(client: ApiClient, platform: Platform) -> Vectors:
    return Vectors(client, platform)


def test_the_nearest_are_found_in_order(vectors: Vectors, client: ApiClient) -> None:
    vectors.add(60)
    for _ in range(5):
        sought = [vectors.chance.gauss(0, 1) for _ in range(DIMENSIONS)]
        assert vectors.near(sought, limit=12) == vectors.nearest(sought, 12)
    first = next(iter(vectors.values))
    found = client.post("/embeddings/search", {"embeddingUuid": first, "limit": 3})["data"]
    assert [each["embeddingUuid"] for each in found] == vectors.nearest(vectors.values[first], 4)[1:]
    (same,) = client.post("/embeddings/search", {"vector": vectors.values[first], "threshold": 0.999})["data"]
    assert (same["embeddingUuid"], round(same["score"], 4)) == (first, 1.0)


def test_changes_are_followed(vectors: Vectors, client: ApiClient) -> None:
    first, second, third = vectors.add(3)
    turned = [-value for value in vectors.values[first]]
    client.post(f"/embeddings/{first}", {"vector": turned})
    client.delete(f"/embeddings/{second}")
    client.delete(f"/assets/{vectors.assets[2]}")
    vectors.settle()
    assert vectors.near(turned) == [first]
    assert third not in vectors.near(vectors.values[third])


def test_kinds_are_kept_apart(vectors: Vectors) -> None:
    (mine,) = vectors.add()
    vectors.add(model="other")
    vectors.add(type="TEXT")
    vectors.add(vector=[1.0] * 4)
    assert vectors.near(vectors.values[mine]) == [mine]
    assert "dimensions" in str(vectors.client.post(
        "/embeddings/search", {"vector": [1.0] * 5, "type": "FACE", "model": "m"}, expect=400
    ))  # fmt: skip


@pytest.mark.parametrize("vector", [[0.0] * DIMENSIONS, ["NaN"] * DIMENSIONS, [1e300] * DIMENSIONS, []])
def test_vectors_that_point_nowhere_are_refused(vectors: Vectors, vector: list[Any]) -> None:
    vectors.add()
    vectors.client.post("/embeddings/search", {"vector": vector, "type": "FACE", "model": "m"}, expect=400)


def test_a_vector_of_zeros_is_kept_and_never_near(vectors: Vectors) -> None:
    (mine,) = vectors.add()
    vectors.add(vector=[0.0] * DIMENSIONS)
    assert vectors.near(vectors.values[mine]) == [mine]


def test_rights_are_those_of_lists(vectors: Vectors, platform: Platform, app: Any) -> None:
    mine = vectors.add(40)
    sought = vectors.values[mine[0]]
    library = vectors.client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    allowed = [mine[7], mine[23], mine[39]]
    for place in (7, 23, 39):
        vectors.client.post(f"/libraries/{library}/assets", {"assetUuid": vectors.assets[place]}, expect=201)
    scoped = [(each, "library", UUID(library)) for each in (Permission.READ_ASSET, Permission.READ_EMBEDDING)]
    make_user(platform, "jane", [], scoped=scoped)
    jane = sign_in(app, "jane")
    assert sorted(vectors.near(sought, jane, limit=5)) == sorted(allowed)
    make_user(platform, "boss", Permission, space_id=make_space(platform, "elsewhere"))
    assert vectors.near(sought, sign_in(app, "boss", "elsewhere"), limit=5) == []
    vectors.client.post("/blacklists", {"assetUuid": vectors.assets[0]}, expect=201)
    assert mine[0] not in vectors.near(sought, limit=40)
    narrowed = vectors.near(sought, limit=5, filter=[f"library[eq]={library}"])
    assert sorted(narrowed) == sorted(allowed), "candidates are asked for until enough are allowed"


def test_the_index_tells_how_it_is_and_is_built_anew(vectors: Vectors, client: ApiClient, platform: Platform) -> None:
    mine = vectors.add(5)
    index = client.get("/search-indices/vectors")
    assert (index["available"], index["documentCount"], index["dirtyCount"]) == (True, 5, 0)
    assert index["provider"] == platform.vectors.provider
    for action in ("REINDEX", "DELTA_SYNC", "DROP", "DELTA_SYNC"):
        client.post("/search-indices/vectors/jobs", {"action": action}, expect=202)
        run_all(platform)
        vectors.settle()
        assert sorted(vectors.near(vectors.values[mine[0]])) == sorted(mine)


@pytest.fixture
def store(platform: Platform) -> QdrantStore:
    if not isinstance(platform.vectors, StoredIndex):
        pytest.skip("pgvector compares in place: there is nothing that could differ")
    assert isinstance(platform.vectors.store, QdrantStore)
    return platform.vectors.store


def test_drift_of_a_store_is_found_and_mended(
    vectors: Vectors, client: ApiClient, platform: Platform, store: QdrantStore
) -> None:
    mine = vectors.add(4)
    assert not differs(platform, store, vectors.settle)
    store.replace([UUID(vectors.assets[0])], {})
    assert differs(platform, store, vectors.settle)
    client.post("/search-indices/vectors/jobs", {"action": "DELTA_SYNC"}, expect=202)
    run_all(platform)
    assert not differs(platform, store, vectors.settle)
    assert sorted(vectors.near(vectors.values[mine[0]])) == sorted(mine)


def test_without_an_answer_nobody_is_told_that_nothing_is_near(vectors: Vectors, store: QdrantStore) -> None:
    vectors.client.post("/assets", {"sha512": "a" * 128, "filename": "a"}, expect=201)
    asset = vectors.client.get("/assets")["data"][0]["uuid"]
    body = {"vector": [1.0] * DIMENSIONS, "type": "NEW", "assetUuid": asset}
    vectors.client.post("/embeddings", body, expect=201)
    vectors.client.post("/embeddings/search", {"vector": [1.0] * DIMENSIONS, "type": "NEW"}, expect=503)
    away = QdrantStore.at("http://127.0.0.1:1", None)
    with pytest.raises(Unavailable):
        away.nearest(VectorKind("NEW", None, DIMENSIONS), UUID(asset), [1.0], 1)
    away.close()
    store.close()  # a local one forgets


def test_what_is_on_its_way_is_no_drift(vectors: Vectors, platform: Platform, store: QdrantStore) -> None:
    vectors.add(2)
    vectors.client.delete(f"/assets/{vectors.assets[0]}")
    assert differs(platform, store, lambda: None)
    assert not differs(platform, store, vectors.settle)


def test_events_are_kept_for_a_store_only_while_there_is_one(platform: Platform, store: QdrantStore) -> None:
    VectorFeed(platform, store).run_once()
    plain = VectorFollower(replace(platform, vectors=None))  # type: ignore[arg-type]
    plain.start()
    plain.stop()
    with platform.unit_of_work() as uow:
        assert uow.fetch("SELECT 1 FROM relay_position WHERE reader = 'vectors'") == []
    execute(platform, "DELETE FROM relay_position WHERE reader = 'vectors'")
