"""Section 5 of the wire contract, and 4.1: attachments, pictures of users, declared binaries, locations, parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.permissions import Actor
from models.wiring import Platform
from tests.support.assets import add_pool_file, find_asset, sha512_of
from tests.support.client import ApiClient

DATA = b"picture"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
WAIT = {"Prefer": "wait=20"}
TYPES = (
    "EMBEDDING_ATTACHMENT", "ASSET_THUMBNAIL", "CONTACT_SHEET", "POSTER_FRAME", "WAVEFORM", "PROXY", "EXTRACTED_AUDIO",
    "FACE_CROP",
)  # fmt: skip


@pytest.fixture
def asset(client: ApiClient) -> str:
    return str(client.post("/assets", {"sha512": sha512_of(DATA), "filename": "a.jpg"}, expect=201)["uuid"])


def names(page: Any) -> list[str]:
    return [element["uuid"] for element in page["data"]]


@pytest.mark.usefixtures("working")
def test_4_1_pictures_of_users_under_both_paths(client: ApiClient) -> None:
    me = client.get("/me")["uuid"]
    for path, of in (("/me/avatar", me), (f"/users/{me}/avatar", me)):
        client.get(path, expect=404)
        told = client.post(f"{path}?filename=a.png", PICTURE, headers=WAIT, expect=201)
        assert {"filename", "mimeType", "size", "url"} <= set(told)
        assert (told["filename"], told["size"]) == ("a.png", len(PICTURE))
        assert client.get(path)["url"] == told["url"] == client.get(f"/users/{of}")["avatarUrl"]
        assert client.request("GET", f"{path}/data", expect=200).data == PICTURE
        assert client.request("GET", told["url"], headers={"Accept": "image/*"}, expect=200).data == PICTURE
        client.delete(path)
        assert "avatarUrl" not in client.get("/me")


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize("kind", TYPES)
def test_5_7_attachments_of_all_types_by_a_raw_body_too(client: ApiClient, asset: str, kind: str) -> None:
    query = f"?assetUuid={asset}&type={kind}&filename=a.bin&variant=small&nodeKind=faces"
    made = client.post(f"/attachments{query}", DATA, headers=WAIT, expect=201)
    assert (made["filename"], made["sha512sum"], made["size"]) == ("a.bin", sha512_of(DATA), len(DATA))
    assert (made["type"], made["assetUuid"]) == (kind, asset)
    path = f"/attachments/{made['uuid']}"
    assert client.request("GET", f"{path}/data", headers={"Accept": "application/json"}, expect=200).data == DATA
    changed = client.post(path, {"filename": "b.png", "mimeType": "image/png", "size": 1})
    assert (changed["filename"], changed["mimeType"], changed["size"]) == ("b.png", "image/png", len(DATA))
    client.delete(path)


@pytest.mark.usefixtures("working")
def test_5_7_attachments_of_an_embedding_with_the_default_type(client: ApiClient, asset: str) -> None:
    embedding = client.post("/embeddings", {"assetUuid": asset, "vector": [1]}, expect=201)["uuid"]
    made = client.post(f"/embeddings/{embedding}/attachments?filename=a", DATA, headers=WAIT, expect=201)
    assert (made["type"], made["embeddingUuid"]) == ("EMBEDDING_ATTACHMENT", embedding)
    assert names(client.get(f"/embeddings/{embedding}/attachments")) == [made["uuid"]]


FILE = {"path": "/x/a", "filekey": {"inode": 2**63, "stDev": 2, "edate": 3, "edateNano": 4}}
BUCKET = {"bucket": "b", "objectPath": "o/p"}


@pytest.mark.parametrize(("place", "kind"), [({"filesystem": FILE}, "filesystem"), ({"s3": BUCKET}, "s3")])
@pytest.mark.parametrize("path", ["/asset-binaries", "/binaries", "under the asset"])
def test_5_9_a_declared_binary_and_9_3_a_record_by_a_json_body(
    client: ApiClient, asset: str, place: Any, kind: str, path: str
) -> None:  # fmt: skip
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    where = f"/assets/{asset}/binary" if path == "under the asset" else path
    body = {**place, "assetUuid": asset, "libraryUuid": library}
    made = client.post(where, body, expect=201)
    assert {**made, **body} == made
    assert made["storageType"] == kind
    client.post(where, body, expect=409)
    assert made["uuid"] in names(client.get(f"/assets/{asset}/binaries"))
    assert client.get(f"/binaries/{made['uuid']}") == made
    client.post("/binaries", {"assetUuid": asset}, expect=400)
    whole = {**dict.fromkeys(("filesystem", "s3", "poolUuid", "libraryUuid", "meta")), **place}
    assert "libraryUuid" not in client.request("PUT", f"/binaries/{made['uuid']}", whole, expect=200).json
    client.delete(f"/asset-binaries/{made['uuid']}")


@pytest.mark.parametrize("path", ["/asset-locations", "/locations"])
def test_5_10_locations_are_read_and_told_apart(
    client: ApiClient, platform: Platform, actor: Actor, asset: str, tmp_path: Path, path: str
) -> None:  # fmt: skip
    file = tmp_path / "a.jpg"
    file.write_bytes(DATA)
    found = find_asset(platform, DATA, actor)
    assert found is not None
    pool = add_pool_file(platform, actor, found, file)
    [place] = client.get(path)["data"]
    assert (place["assetUuid"], place["poolUuid"], place["state"]) == (asset, str(pool), "PRESENT")
    assert place["storageType"] == "filesystem"
    assert place["filesystem"]["path"] == str(file)
    assert {"inode", "stDev", "edate", "edateNano"} == set(place["filesystem"]["filekey"])
    one = f"{path}/{place['uuid']}"
    assert client.get(one) == place
    assert client.post(one, {"meta": {"a": 1}})["meta"] == {"a": 1}
    assert client.get(f"/assets/{asset}")["locations"][0]["uuid"] == place["uuid"]


@pytest.mark.parametrize("flat", [True, False])
def test_5_11_components_flat_and_nested_are_put_once(client: ApiClient, asset: str, flat: bool) -> None:  # noqa: FBT001
    path = "/asset-components" if flat else f"/assets/{asset}/components"
    body = {"type": "GEO", "source": "s", "geo": {"lat": 1.0, "lon": 2.0}, **({"assetUuid": asset} if flat else {})}
    made = client.post(path, body, expect=201)
    nested = f"/assets/{asset}/components"
    assert client.post(nested, {"type": "GEO", "source": "s", "geo": {"lat": 3.0, "lon": 2.0}})["uuid"] == made["uuid"]
    assert names(client.get("/asset-components", query_string={"filter": f"asset[eq]={asset}"})) == [made["uuid"]]
    assert client.get(f"/assets/{asset}")["geoComponents"][0]["lat"] == 3.0


def test_5_12_an_empty_vector_of_a_change_is_none(client: ApiClient, asset: str) -> None:
    made = client.post("/embeddings", {"assetUuid": asset, "vector": [1, 0.5], "type": "T"}, expect=201)
    assert (made["dimensions"], made["vector"]) == (2, [1.0, 0.5])
    assert client.post(f"/embeddings/{made['uuid']}", {"vector": [], "source": "s"})["vector"] == [1.0, 0.5]
    bulk = client.post(f"/assets/{asset}/embeddings/bulk", {"embeddings": [{"vector": [1]}, {"vector": []}]})
    assert (bulk["total"], bulk["created"], bulk["failed"]) == (2, 1, 1)
    shown = client.get(f"/assets/{asset}")["embeddings"]
    assert {"uuid", "type", "vector", "assetUuid"} <= set(shown[0])
