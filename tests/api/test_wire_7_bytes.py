"""Section 7 of the wire contract: uploads and downloads. Broken forms and limits are in `test_binary.py`."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from models.permissions import Actor
from models.storage import blob_key
from models.wiring import Platform
from tests.support.assets import find_asset, sha512_of, upload
from tests.support.client import ApiClient

DATA = b'{"a": 1, "b": [2, 3]}'
WAIT = {"Prefer": "wait=20"}
JSON_ONLY = {"Accept": "application/json"}


def form(data: bytes, filename: str, **values: str) -> dict[str, Any]:
    return {**values, "file": (BytesIO(data), filename, "application/octet-stream")}


def send(client: ApiClient, path: str, parts: dict[str, Any], status: int, **headers: str) -> Any:
    """Send a form as a browser does."""
    given = {"Authorization": f"Bearer {client.token}", **headers}
    caller = client.app.test_client(use_cookies=False)
    answer = caller.post(f"/api/v1{path}", data=parts, headers=given, content_type="multipart/form-data")
    assert answer.status_code == status, answer.data
    return answer.get_json()


@pytest.fixture
def stored(platform: Platform, actor: Actor) -> str:
    upload(platform, actor, DATA, "a.txt")
    asset = find_asset(platform, DATA, actor)
    assert asset is not None
    return f"/assets/{asset.id}"


@pytest.mark.usefixtures("working")
def test_7_an_upload_answers_202_then_201_then_200_and_names_where_the_bytes_are(
    client: ApiClient, platform: Platform
) -> None:  # fmt: skip
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    assert send(client, "/assets/upload", form(b"other", "o.bin"), 202)["kind"] == "assets.store-binary"
    made = send(client, "/assets/upload", form(DATA, "a.bin", libraryUuid=library, origin="cam"), 201, **WAIT)
    assert (made["file"]["filename"], made["file"]["origin"], made["file"]["size"]) == ("a.bin", "cam", len(DATA))
    assert send(client, "/assets/upload", form(DATA, "b.bin"), 200, **WAIT)["uuid"] == made["uuid"]
    assert [each["uuid"] for each in client.get(f"/libraries/{library}/assets")["data"]] == [made["uuid"]]
    assert platform.blobs.size(blob_key(sha512_of(DATA))) == len(DATA)


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize("end", ["", "/data"])
def test_7_the_bytes_of_an_asset_answer_the_record_with_201(client: ApiClient, end: str) -> None:
    asset = client.post("/assets", {"sha512": sha512_of(DATA), "filename": "a"}, expect=201)["uuid"]
    record = send(client, f"/assets/{asset}/binary{end}", form(DATA, "a"), 201, **WAIT)
    assert (record["assetUuid"], record["storageType"]) == (asset, "filesystem")


@pytest.mark.parametrize("parts", [{}, {"other": (BytesIO(b"x"), "x")}, {"file": [(BytesIO(b"x"), "x")] * 2}])
def test_7_exactly_one_part_named_file(client: ApiClient, parts: dict[str, Any]) -> None:
    fresh = {name: [(BytesIO(b"x"), "x")] * (2 if isinstance(value, list) else 1) for name, value in parts.items()}
    send(client, "/assets/upload", fresh or {"a": "b"}, 400)


@pytest.mark.parametrize("end", ["", "/data"])
def test_7_a_download_tells_type_name_length_and_ranges(client: ApiClient, stored: str, end: str) -> None:
    whole = client.request("GET", f"{stored}/binary{end}", headers={"Accept": "*/*"}, expect=200)
    assert whole.data == DATA
    assert whole.headers["Content-Disposition"].startswith("attachment; filename=")
    assert (whole.headers["Accept-Ranges"], whole.headers["Content-Length"]) == ("bytes", str(len(DATA)))
    part = client.request("GET", f"{stored}/binary{end}", headers={"Range": "bytes=1-3"}, expect=206)
    assert (part.data, part.headers["Content-Range"]) == (DATA[1:4], f"bytes 1-3/{len(DATA)}")
    beyond = client.request("GET", f"{stored}/binary{end}", headers={"Range": "bytes=999-"}, expect=416)
    assert beyond.headers["Content-Range"] == f"bytes */{len(DATA)}"
    several = client.request("GET", f"{stored}/binary{end}", headers={"Range": "bytes=0-1,3-4"}, expect=200)
    assert several.data == DATA


def test_7_the_data_route_ignores_accept_and_9_3_the_other_shows_the_record(client: ApiClient, stored: str) -> None:
    assert client.request("GET", f"{stored}/binary/data", headers=JSON_ONLY, expect=200).data == DATA
    record = client.request("GET", f"{stored}/binary", headers=JSON_ONLY, expect=200).json
    assert record == client.get(f"{stored}/binaries")["data"][0]
    for accept in ("*/*", "application/json, */*", "text/plain", ""):
        assert client.request("GET", f"{stored}/binary", headers={"Accept": accept}, expect=200).data == DATA


def test_7_without_bytes_404_and_after_deletion_too(client: ApiClient, stored: str) -> None:
    client.delete(f"{stored}/binary")
    for end in ("/binary", "/binary/data"):
        client.request("GET", stored + end, expect=404)
    client.request("DELETE", f"{stored}/binary", expect=404)
    client.get(stored)
