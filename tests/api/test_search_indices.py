"""The indexes of the search: how they are, compared with the database, mended, dropped, built anew."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from models.permissions import Actor, Permission
from models.services import vector_keys
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.indexing import add_assets, run_until, titles_of
from tests.support.people import make_space, make_user, sign_in
from tests.support.platforms import execute, rows
from workers.indexing.feed import Feed
from workers.inline import run_all


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.indexing.reconcile.CATCH_UP_SECONDS", 0.0)


@pytest.fixture
def assets(platform: Platform, actor: Actor, feed: Feed) -> list[UUID]:
    ids = add_assets(platform, actor, *(f"file {number}.jpg" for number in range(30)))
    run_until(feed, lambda: platform.search.document_count() == 30)
    return ids


def _job(client: ApiClient, platform: Platform, index: str, action: str) -> Any:
    job = client.post(f"/search-indices/{index}/jobs", {"action": action}, expect=202)
    assert (job["state"], job["action"], job["indexId"]) == ("PENDING", action, index)
    run_all(platform)
    return client.get(f"/search-indices/{index}/jobs/{job['uuid']}")


def test_indexes_tell_how_they_are(client: ApiClient, assets: list[UUID]) -> None:
    text, vectors = client.get("/search-indices")["data"]
    assert text == {"id": "text", "provider": "tantivy", "available": True, "documentCount": 30, "dirtyCount": 0}
    assert (vectors["id"], vectors["provider"], vectors["available"]) == ("vectors", "pgvector", True)
    assert client.get("/search-indices/vectors") == vectors
    client.get("/search-indices/pictures", expect=404)


def test_what_is_the_same_is_left_alone(client: ApiClient, platform: Platform, assets: list[UUID]) -> None:
    job = _job(client, platform, "text", "DELTA_SYNC")
    assert (job["state"], job["processed"], job["total"], job["removed"]) == ("SUCCEEDED", 30, 30, 0)
    assert job["finishedAt"] >= job["startedAt"] > 1.7e9
    last = client.get("/search-indices/text")["lastSync"]
    assert {name: last[name] for name in ("missing", "stale", "removed")} == {"missing": 0, "stale": 0, "removed": 0}


def test_drift_is_found_and_mended(
    client: ApiClient, platform: Platform, actor: Actor, feed: Feed, assets: list[UUID]
) -> None:
    # As if the log had lost what happened: none of this is told to the feed.
    execute(platform, f"UPDATE asset SET filename = 'renamed.jpg' WHERE id = '{assets[0]}'")
    execute(platform, f"DELETE FROM asset WHERE id = '{assets[1]}'")
    execute(
        platform,
        f"""INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
           SELECT gen_random_uuid(), space_id, sha512(sha512), 1, 'image/png', 'new.png', 'test' FROM asset
           WHERE id = '{assets[2]}'""",
    )
    _job(client, platform, "text", "DELTA_SYNC")
    last = client.get("/search-indices/text")["lastSync"]
    assert {name: last[name] for name in ("missing", "stale", "removed")} == {"missing": 1, "stale": 1, "removed": 1}
    run_until(feed, lambda: titles_of(platform, actor, "renamed") == ["renamed.jpg"])
    run_until(feed, lambda: platform.search.document_count() == 30)
    assert titles_of(platform, actor, "new") == ["new.png"]
    _job(client, platform, "text", "DELTA_SYNC")
    last = client.get("/search-indices/text")["lastSync"]
    assert {name: last[name] for name in ("missing", "stale", "removed")} == {"missing": 0, "stale": 0, "removed": 0}


@pytest.mark.parametrize("action", ["REINDEX", "DROP"])
def test_the_text_index_is_built_anew(
    client: ApiClient, platform: Platform, actor: Actor, feed: Feed, assets: list[UUID], action: str
) -> None:
    execute(platform, f"UPDATE asset SET filename = 'renamed.jpg' WHERE id = '{assets[0]}'")
    assert _job(client, platform, "text", action)["state"] == "SUCCEEDED"
    run_until(feed, lambda: platform.search.document_count() == 30 and titles_of(platform, actor, "renamed"))


def test_indexes_of_vectors_are_made_and_dropped(
    client: ApiClient, platform: Platform, assets: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_keys, "FEWEST_INDEXED", 10)
    execute(
        platform,
        """INSERT INTO embedding (id, space_id, asset_id, type, vector, dimensions)
           SELECT gen_random_uuid(), space_id, id, 'FACE', ARRAY[1, size], 2 FROM asset""",
    )

    def count() -> int:
        return len(rows(platform, "SELECT 1 FROM pg_indexes WHERE starts_with(indexname, 'ix_vectors_')"))

    for action, expected in (("DELTA_SYNC", 1), ("DROP", 0), ("REINDEX", 1)):
        assert _job(client, platform, "vectors", action)["state"] == "SUCCEEDED"
        assert count() == expected
    execute(platform, "DELETE FROM embedding")
    assert _job(client, platform, "vectors", "DELTA_SYNC")["removed"] == 1
    assert count() == 0
    jobs = client.get("/search-indices/vectors/jobs")["data"]
    assert [each["action"] for each in jobs] == ["DELTA_SYNC", "REINDEX", "DROP", "DELTA_SYNC"]
    assert client.get("/search-indices/text/jobs")["data"] == []


def test_a_job_is_called_off(client: ApiClient, platform: Platform, assets: list[UUID]) -> None:
    job = client.post("/search-indices/text/jobs", {"action": "REINDEX"}, expect=202)
    path = f"/search-indices/text/jobs/{job['uuid']}"
    client.get(path.replace("text", "vectors"), expect=404)
    client.delete(path)
    assert client.get(path)["state"] == "CANCELLED"
    client.request("DELETE", path, expect=409)
    assert "action" in str(client.post("/search-indices/text/jobs", {"action": "BURN"}, expect=400))


def test_indexes_are_for_operators(client: ApiClient, platform: Platform, app: Any) -> None:
    make_user(platform, "boss", Permission, space_id=make_space(platform, "elsewhere"))
    other = sign_in(app, "boss", "elsewhere")
    other.post("/search-indices/text/jobs", {"action": "REINDEX"}, expect=403)
    job = client.post("/search-indices/text/jobs", {"action": "REINDEX"}, expect=202)
    other.get(f"/search-indices/text/jobs/{job['uuid']}", expect=404)
    assert other.get("/search-indices/text/jobs")["data"] == []
