"""Embeddings: vectors in float32, under their assets, many at once. The plain part is in test_specs.py."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.entities import Attachment, AttachmentType
from models.ids import new_id
from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.api.test_assets import counted_statements
from tests.api.test_components import make_asset
from tests.support.assets import put_in_library
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.people import make_space, make_user, sign_in

VECTOR = [0.1, -2, 3.5]


@pytest.fixture
def asset(client: ApiClient) -> str:
    return make_asset(client)


@pytest.fixture
def path(asset: str) -> str:
    return f"/assets/{asset}/embeddings"


def test_an_embedding_says_what_it_is(client: ApiClient, asset: str, path: str) -> None:
    said = {
        "vector": VECTOR, "type": "FACE", "model": "arc", "source": "camera", "dimensions": 3, "frameNumber": 0,
        "subjectIndex": 2, "detectionUuid": str(uuid4()), "normalized": True, "nodeKind": "faces",
        "producerVersion": "1", "confidence": 1, "area": {"from": 1, "to": 2, "startX": 3}, "meta": {"a": 1},
    }  # fmt: skip
    made = client.post(path, said, expect=201)
    assert {name: made[name] for name in said} == said
    assert made["assetUuid"] == asset
    assert client.get(f"/embeddings/{made['uuid']}") == client.get(path)["data"][0] == made
    assert client.get(f"/assets/{asset}")["embeddings"][0]["vector"] == VECTOR


def test_little_has_to_be_said(client: ApiClient, asset: str) -> None:
    made = client.post("/embeddings", {"assetUuid": asset, "vector": [1]}, expect=201)
    shown = {name: made[name] for name in made.keys() - {"uuid", "status"}}
    assert shown == {
        "assetUuid": asset, "vector": [1.0], "dimensions": 1, "type": "VIDEO4J_FINGERPRINT_V2", "normalized": False,
        "meta": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"vector": None}, "vector"),
        ({"vector": []}, "vector"),
        ({"vector": "1,2"}, "vector"),
        ({"vector": [1, "2"]}, "vector"),
        ({"vector": [1, None]}, "vector"),
        ({"vector": [1, True]}, "vector"),
        ({"vector": [[1]]}, "vector"),
        ({"vector": [1e39]}, "vector"),
        ({"vector": [10**400]}, "vector"),
        ({"vector": [0] * 16_385}, "vector"),
        ({"dimensions": 2}, "dimensions"),
        ({"dimensions": "3"}, "dimensions"),
        ({"frameNumber": -1}, "frameNumber"),
        ({"confidence": 2}, "confidence"),
        ({"area": {"from": 2, "to": 1}}, "area"),
        ({"detectionUuid": "x"}, "detectionUuid"),
        ({"type": ""}, "type"),
        ({"model": "m" * 256}, "model"),
        ({"assetUuid": str(uuid4())}, "assetUuid"),
    ],
)
def test_what_is_wrong_is_named(client: ApiClient, asset: str, path: str, change: dict[str, Any], told: str) -> None:
    body = {"vector": VECTOR, **change}
    assert told in client.post(path, body, expect=400)["message"]
    assert told in client.post("/embeddings", {"assetUuid": asset, **body}, expect=400)["message"]
    assert client.get("/embeddings")["data"] == []


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999"])
def test_what_is_no_number_is_refused(client: ApiClient, path: str, number: bytes) -> None:
    body = b'{"vector": [1, ' + number + b"]}"
    client.request("POST", path, body, headers={"Content-Type": "application/json"}, expect=400)


def test_vectors_are_kept_as_float32(client: ApiClient, path: str) -> None:
    given = [0.1, 1 / 3, 1e-50, 1.5e-45, 3.4028234663852886e38, -0.0, 16_777_217]
    made = client.post(path, {"vector": given}, expect=201)
    assert made["vector"] == [0.1, 0.33333334, 0.0, 1e-45, 3.4028235e38, 0.0, 16_777_216]
    assert client.get(f"/embeddings/{made['uuid']}") == made
    put = client.post(f"{path}/bulk", {"embeddings": [{"vector": given, "type": "other"}]})["embeddings"][0]
    assert put["vector"] == made["vector"]


def test_the_longest_vector(client: ApiClient, path: str) -> None:
    vector = [random.uniform(-1, 1) for _ in range(16_384)]
    made = client.post(path, {"vector": vector}, expect=201)
    assert made["dimensions"] == 16_384
    assert made["vector"] == pytest.approx(vector, abs=1e-7)


def test_the_longest_keys_fit_into_the_index(client: ApiClient, path: str) -> None:
    key = "".join(chr(0x10000 + (number * 7919) % 40_000) for number in range(255))
    client.post(path, {"vector": [1], "type": key[:128], "nodeKind": key[100:228], "model": key}, expect=201)


def test_changes(client: ApiClient, platform: Platform, path: str) -> None:
    made = client.request("POST", path, {"vector": VECTOR, "source": "a"}, expect=201)
    element = f"/embeddings/{made.json['uuid']}"
    unchanged: list[dict[str, Any]] = [{"vector": VECTOR}, {"vector": []}, {"vector": None}, {"dimensions": 9}]
    for same in unchanged:
        answer = client.request("PATCH", element, same, expect=200)
        assert (answer.json, answer.headers["ETag"]) == (made.json, made.headers["ETag"])
    changed = client.post(element, {"vector": [1, 2, 0.3], "type": "t", "area": {"width": 1}})
    assert (changed["vector"], changed["type"], changed["area"]) == ([1, 2, 0.3], "t", {"width": 1})
    message = client.patch(element, {"vector": [1, 2]}, expect=400)["message"]
    assert message == "vector: has 2 numbers, but the embedding 3 dimensions"
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT type FROM event WHERE type LIKE 'embedding.%%' ORDER BY id")
    assert [row[0] for row in rows] == ["embedding.created", "embedding.updated"]


def test_a_replacement(client: ApiClient, asset: str, path: str) -> None:
    made = client.post(path, {"vector": VECTOR, "type": "t", "area": {"width": 1}, "meta": {"a": 1}}, expect=201)
    element = f"/embeddings/{made['uuid']}"
    body: dict[str, Any] = {
        "vector": [], "type": None, "assetUuid": asset, "source": "s", "area": None, "meta": None,
    }  # fmt: skip
    replaced = client.request("PUT", element, body, expect=200).json
    assert (replaced["vector"], replaced["type"], replaced["meta"]) == (VECTOR, "VIDEO4J_FINGERPRINT_V2", {})
    assert "area" not in replaced
    for key in ("vector", "assetUuid"):
        assert key in client.request("PUT", element, {**body, key: None}, expect=400).json["message"]


def attach(platform: Platform, actor: Actor, embedding: dict[str, Any]) -> UUID:
    """Attach something to an embedding, as the task would."""
    values = {
        "asset_id": UUID(embedding["assetUuid"]), "embedding_id": UUID(embedding["uuid"]), "filename": "f", "size": 1,
        "type": AttachmentType.FACE_CROP, "mime_type": "image/png", "blob_sha512": "ab" * 64,
    }  # fmt: skip
    attachment = Attachment(id=new_id(), space_id=actor.space_id, **values)
    with platform.unit_of_work() as uow:
        uow.execute("INSERT INTO blob (sha512, size) VALUES (:key, 1)", key=bytes.fromhex("ab" * 64))
        uow.session.add(attachment)
        uow.commit()
    return attachment.id


def test_an_embedding_moves_to_another_asset_with_what_is_attached(
    client: ApiClient, platform: Platform, actor: Actor, asset: str, path: str
) -> None:
    made = client.post(path, {"vector": VECTOR}, expect=201)
    attachment = attach(platform, actor, made)
    other = make_asset(client, "other")
    assert client.patch(f"/embeddings/{made['uuid']}", {"assetUuid": other})["assetUuid"] == other
    assert client.get(f"/attachments/{attachment}")["assetUuid"] == other
    client.delete(f"/assets/{asset}")
    client.get(f"/embeddings/{made['uuid']}")
    client.patch(f"/embeddings/{made['uuid']}", {"assetUuid": str(uuid4())}, expect=400)
    client.delete(f"/assets/{other}")
    client.get(f"/embeddings/{made['uuid']}", expect=404)
    client.get(f"/attachments/{attachment}", expect=404)


def test_many_at_once(client: ApiClient, platform: Platform, path: str) -> None:
    client.post(path, {"vector": [9], "model": "m", "frameNumber": 1, "meta": {"by": "hand"}}, expect=201)
    good = [{"vector": [0.1, number], "model": "m", "frameNumber": number} for number in range(3)]
    bad: list[Any] = [{"vector": []}, "x", None, {"vector": [1], "assetUuid": str(uuid4())}]
    answer = client.post(f"{path}/bulk", {"embeddings": [bad[0], *good, *bad[1:]], "unknown": 1})
    assert (answer["total"], answer["created"], answer["failed"]) == (7, 3, 4)
    assert [error["index"] for error in answer["errors"]] == [0, 4, 5, 6]
    assert "vector" in answer["errors"][0]["message"]
    assert "assetUuid" in answer["errors"][3]["message"]
    assert [each["frameNumber"] for each in answer["embeddings"]] == [0, 1, 2]
    assert answer["embeddings"][1]["meta"] == {"by": "hand"}
    assert [each["vector"] for each in answer["embeddings"]] == [[0.1, number] for number in range(3)]
    assert client.get(path)["_metainfo"]["totalCount"] == 3
    assert client.post(f"{path}/bulk", {"embeddings": good[:1]})["embeddings"][0]["status"]["created"]
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT type, count(*) FROM event WHERE type LIKE 'embedding.%%' GROUP BY type ORDER BY type")
    assert rows == [("embedding.created", 3), ("embedding.updated", 2)]


def test_of_the_same_key_the_last_one_counts(client: ApiClient, path: str) -> None:
    items = [{"vector": [1]}, {"vector": [2]}, {"vector": [3], "type": "other"}]
    answer = client.post(f"{path}/bulk", {"embeddings": items})
    assert [each["vector"] for each in answer["embeddings"]] == [[2], [2], [3]]
    assert (answer["created"], client.get(path)["_metainfo"]["totalCount"]) == (3, 2)


@pytest.mark.parametrize("body", [{}, {"embeddings": None}, {"embeddings": {}}, {"embeddings": "x"}])
def test_what_is_no_list_of_embeddings(client: ApiClient, path: str, body: Any) -> None:
    assert "embeddings" in client.post(f"{path}/bulk", body, expect=400)["message"]


def test_none_at_once(client: ApiClient, path: str) -> None:
    answer = client.post(f"{path}/bulk", {"embeddings": []})
    assert answer == {"embeddings": [], "total": 0, "created": 0, "failed": 0, "errors": []}


def test_a_batch_costs_the_same_however_long_it_is(client: ApiClient, platform: Platform, path: str) -> None:
    counts = []
    for size in (1, 200):
        with counted_statements(platform) as statements:
            items = [{"vector": [number, size], "frameNumber": number, "model": str(size)} for number in range(size)]
            client.post(f"{path}/bulk", {"embeddings": items})
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_crowds_that_put_the_same_batches_leave_one_of_each(client: ApiClient, path: str) -> None:
    def put(number: int) -> int:
        items = [{"vector": [number, frame], "frameNumber": frame} for frame in range(40)]
        random.shuffle(items)
        return client.request("POST", f"{path}/bulk", {"embeddings": items}).status_code

    assert crowd(put) == {200: 50}
    assert client.get(path)["_metainfo"]["totalCount"] == 40
    assert set(crowd(lambda _: client.request("POST", path, {"vector": [1], "model": "m"}).status_code)) == {201, 409}


def test_a_page_of_vectors_is_short(client: ApiClient) -> None:
    assert client.get("/embeddings", query_string={"limit": 1000})["_metainfo"]["perPage"] == 100


def test_filters(client: ApiClient, asset: str, path: str) -> None:
    for number in (1, 2):
        client.post(path, {"vector": [1] * number, "model": f"m{number}", "nodeKind": f"k{number}"}, expect=201)
    for term in ("model[eq]=m2", "nodeKind[eq]=k2", "dimensions[gte]=2", f"asset[eq]={asset},dimensions[range]=2-9"):
        found = client.get("/embeddings", query_string={"filter": term})["data"]
        assert [each["model"] for each in found] == ["m2"], term


def test_embeddings_go_with_their_asset(client: ApiClient, asset: str, path: str) -> None:
    made = client.post(path, {"vector": [1]}, expect=201)
    client.delete(f"/assets/{asset}")
    client.get(f"/embeddings/{made['uuid']}", expect=404)
    client.get(path, expect=404)
    client.post(path, {"vector": [1]}, expect=404)
    client.post(f"{path}/bulk", {"embeddings": [{"vector": [1]}]}, expect=404)


def test_grants_for_a_library(client: ApiClient, platform: Platform, actor: Actor) -> None:
    mine, other = make_asset(client), make_asset(client, "other")
    library = put_in_library(platform, actor, mine)
    seen, hidden = (client.post(f"/assets/{it}/embeddings", {"vector": [1]}, expect=201) for it in (mine, other))
    may = (Permission.READ_ASSET, Permission.READ_EMBEDDING, Permission.CREATE_EMBEDDING)
    make_user(platform, "scoped", scoped=[(it, "library", library) for it in may])
    make_user(platform, "blind", [Permission.READ_EMBEDDING], scoped=[(Permission.READ_ASSET, "library", library)])
    scoped, blind = sign_in(client.app, "scoped"), sign_in(client.app, "blind")
    for caller in (scoped, blind):
        page = caller.get("/embeddings")
        assert ([it["uuid"] for it in page["data"]], page["_metainfo"]["totalCount"]) == ([seen["uuid"]], 1)
        caller.get(f"/embeddings/{hidden['uuid']}", expect=404)
        caller.get(f"/assets/{other}/embeddings", expect=404)
    scoped.post("/embeddings", {"assetUuid": other, "vector": [1]}, expect=400)
    scoped.post(f"/assets/{mine}/embeddings", {"vector": [1], "type": "x"}, expect=201)
    blind.post(f"/assets/{mine}/embeddings", {"vector": [1], "type": "y"}, expect=403)
    bulk = f"/assets/{mine}/embeddings/bulk"
    scoped.post(bulk, {"embeddings": [{"vector": [1], "type": "z"}]})
    scoped.post(bulk, {"embeddings": [{"vector": [1], "type": "w"}, {"vector": [7], "type": "z"}]}, expect=403)
    found = client.get(f"/assets/{mine}/embeddings")["data"]
    assert [(it["type"], it["vector"]) for it in found[1:]] == [("x", [1]), ("z", [1])]
    scoped.patch(f"/embeddings/{seen['uuid']}", {"source": "x"}, expect=403)


def test_another_space_sees_nothing(client: ApiClient, platform: Platform, asset: str, path: str) -> None:
    made = client.post(path, {"vector": [1]}, expect=201)
    make_user(platform, "stranger", Permission, space_id=make_space(platform, "elsewhere"))
    stranger = sign_in(client.app, "stranger", "elsewhere")
    assert stranger.get("/embeddings")["_metainfo"]["totalCount"] == 0
    for method in ("GET", "PATCH", "DELETE"):
        stranger.request(method, f"/embeddings/{made['uuid']}", {}, expect=404)
    stranger.post(f"{path}/bulk", {"embeddings": []}, expect=404)
    stranger.post("/embeddings", {"assetUuid": asset, "vector": [1]}, expect=400)
