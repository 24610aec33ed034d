"""Attachments: uploaded, read, downloaded, changed and removed; and what becomes of their bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.api.test_components import make_asset
from tests.support.assets import (
    is_kept,
    picture,
    put_in_library,
    run_removals,
    run_uploads,
    sha512_of,
    upload,
)
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.forms import fetch, json_of, send_form
from tests.support.people import make_space, make_user, sign_in

DATA = b"one two three\n" * 1000
WAIT = {"Prefer": "wait=20"}
RAW = {"Content-Type": "application/octet-stream", **WAIT}


@pytest.fixture
def asset(client: ApiClient) -> str:
    return make_asset(client)


def attach(client: ApiClient, platform: Platform, data: bytes = DATA, **form: str) -> dict[str, Any]:
    """Upload a file the way a form does; gives the attachment."""
    values = [(name, None, value.encode()) for name, value in form.items()]
    task = json_of(send_form(client, "/attachments", ("file", "a.txt", data), *values, expect=202))
    run_uploads(platform)
    result = client.get(f"/tasks/{task['uuid']}")["result"]
    made: dict[str, Any] = client.get(f"/attachments/{result['attachmentUuid']}")
    return made


def embed(client: ApiClient, asset: str) -> str:
    return str(client.post(f"/assets/{asset}/embeddings", {"vector": [1]}, expect=201)["uuid"])


def staged(platform: Platform) -> list[Path]:
    folder = platform.settings.loom_home.blobs / "staging"
    return list(folder.iterdir()) if folder.exists() else []


def test_a_form_is_accepted_as_a_task(client: ApiClient, platform: Platform, asset: str) -> None:
    said = {
        "assetUuid": asset, "type": "FACE_CROP", "detectionUuid": str(uuid4()), "variant": "small", "nodeKind": "faces",
    }  # fmt: skip
    parts = [(name, None, value.encode()) for name, value in said.items()]
    answer = send_form(client, "/attachments", *parts, ("file", "Fáce.png", picture()), ("poolUuid", None, b""))
    task = json_of(answer)
    assert (answer.status_code, task["kind"], task["subjectUuid"]) == (202, "attachments.store", asset)
    assert answer.headers["Location"].endswith(task["uuid"])
    assert "staging" not in answer.get_data(as_text=True)
    run_uploads(platform)
    ended = client.get(f"/tasks/{task['uuid']}")
    assert (ended["state"], ended["progress"]["bytesDone"]) == ("SUCCEEDED", len(picture()))
    made = client.get(f"/attachments/{ended['result']['attachmentUuid']}")
    assert {name: made[name] for name in said} == said
    assert (made["filename"], made["mimeType"], made["size"]) == ("Fáce.png", "image/png", len(picture()))
    assert (made["sha512sum"], made["status"]["creator"]["name"]) == (sha512_of(picture()), "admin")
    assert client.get("/attachments")["data"] == client.get(f"/assets/{asset}/attachments")["data"] == [made]
    assert staged(platform) == []


@pytest.mark.usefixtures("working")
def test_who_waits_gets_the_attachment(client: ApiClient, asset: str) -> None:
    query = f"/attachments?filename=b.md&assetUuid={asset}&type=PROXY&variant="
    answer = client.request("POST", query, DATA, headers=RAW, expect=201)
    assert answer.headers["Preference-Applied"] == "wait=20"
    made = json_of(answer)
    assert (made["filename"], made["type"], made["mimeType"]) == ("b.md", "PROXY", "text/markdown")
    assert client.get(f"/attachments/{made['uuid']}") == made
    alone = json_of(client.request("POST", "/attachments?filename=c", b"", headers=RAW, expect=201))
    assert (alone["type"], alone["size"], "assetUuid" in alone) == ("EMBEDDING_ATTACHMENT", 0, False)


@pytest.mark.usefixtures("working")
def test_attachments_of_an_embedding(client: ApiClient, asset: str) -> None:
    embedding = embed(client, asset)
    path = f"/embeddings/{embedding}/attachments"
    first = json_of(send_form(client, path, ("file", "a", picture()), headers=WAIT, expect=201))
    assert (first["embeddingUuid"], first["assetUuid"]) == (embedding, asset)
    second = json_of(
        client.request("POST", f"/attachments?filename=b&embeddingUuid={embedding}", DATA, headers=RAW, expect=201)
    )
    assert (second["embeddingUuid"], second["assetUuid"]) == (embedding, asset)
    assert client.get(path)["data"] == client.get(f"/assets/{asset}/attachments")["data"] == [first, second]
    for method in ("GET", "POST"):
        client.request(method, f"/embeddings/{uuid4()}/attachments", b"x", headers=RAW, expect=404)
    client.get(f"/assets/{uuid4()}/attachments", expect=404)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"type": "NOTHING"}, "type"),
        ({"assetUuid": "x"}, "assetUuid"),
        ({"assetUuid": "01890000-0000-7000-8000-000000000000"}, "assetUuid"),
        ({"embeddingUuid": "01890000-0000-7000-8000-000000000000"}, "embeddingUuid"),
        ({"detectionUuid": "1"}, "detectionUuid"),
        ({"variant": "v" * 256}, "variant"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_stays(
    client: ApiClient, platform: Platform, form: dict[str, str], told: str
) -> None:
    parts = [(name, None, value.encode()) for name, value in form.items()]
    answer = send_form(client, "/attachments", ("file", "a", DATA), *parts, expect=400)
    assert told in json_of(answer)["message"]
    assert staged(platform) == []
    assert client.get("/tasks")["data"] == []


def test_forms_with_another_number_of_files_than_one(client: ApiClient, platform: Platform, asset: str) -> None:
    send_form(client, "/attachments", ("assetUuid", None, asset.encode()), expect=400)
    send_form(client, "/attachments", ("file", "a", b"1"), ("file", "b", b"2"), expect=400)
    client.request("POST", "/attachments", b"", headers=RAW, expect=400)
    assert staged(platform) == []


def test_an_embedding_of_another_asset_is_refused(client: ApiClient, asset: str) -> None:
    other = make_asset(client, "other")
    query = f"/attachments?filename=a&assetUuid={other}&embeddingUuid={embed(client, asset)}"
    assert "embeddingUuid" in json_of(client.request("POST", query, DATA, headers=RAW, expect=400))["message"]


def test_downloads(client: ApiClient, platform: Platform, asset: str) -> None:
    made = attach(client, platform, assetUuid=asset)
    path = f"/attachments/{made['uuid']}/data"
    whole = fetch(client, path, expect=200, headers={"Accept": "application/json"})
    assert (whole.data, whole.headers["Accept-Ranges"], whole.headers["Content-Length"]) == (DATA, "bytes", "14000")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Disposition"] == "attachment; filename=a.txt"
    assert whole.headers["Content-Type"].startswith("text/plain")
    part = fetch(client, path, expect=206, headers={"Range": "bytes=4-6"})
    assert (part.data, part.headers["Content-Range"]) == (b"two", f"bytes 4-6/{len(DATA)}")
    assert fetch(client, path, expect=206, headers={"Range": "bytes=-4"}).data == DATA[-4:]
    fetch(client, path, expect=416, headers={"Range": f"bytes={len(DATA)}-"})
    fetch(client, path, expect=304, headers={"If-None-Match": whole.headers["ETag"]})
    fetch(client, path, expect=412, headers={"If-Match": '"other"'})
    assert client.request("HEAD", path, expect=200).data == b""
    client.request("GET", f"/attachments/{uuid4()}/data", expect=404)


@pytest.mark.parametrize("name", ['a"; filename="evil.html', "a\r\nX-Evil: 1", "../../etc/passwd", "ä\u202e.txt", "\\"])
def test_names_cannot_do_harm(client: ApiClient, platform: Platform, asset: str, name: str) -> None:
    made = attach(client, platform, assetUuid=asset)
    element = f"/attachments/{made['uuid']}"
    client.patch(element, {"filename": name, "mimeType": "TEXT/HTML"})
    answer = fetch(client, f"{element}/data", expect=200)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "X-Evil" not in answer.headers
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("text/html", "nosniff")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_what_can_be_changed(client: ApiClient, platform: Platform, asset: str) -> None:
    made = attach(client, platform, assetUuid=asset)
    element = f"/attachments/{made['uuid']}"
    changed = client.request(
        "PATCH", element, {"filename": "b", "mimeType": "a/b", "meta": {"a": 1}, "size": 9, "assetUuid": None},
        headers={"If-Match": '"1"'}, expect=200,
    )  # fmt: skip
    assert changed.json == {
        **made, "filename": "b", "mimeType": "a/b", "meta": {"a": 1}, "status": changed.json["status"],
    }  # fmt: skip
    client.request("PATCH", element, {"filename": "c"}, headers={"If-Match": '"1"'}, expect=412)
    assert client.post(element, {"filename": "d"})["filename"] == "d"
    assert "meta" in client.request("PUT", element, {"filename": "e", "mimeType": "a/b"}, expect=400).json["message"]
    replaced = client.request("PUT", element, {"filename": "e", "mimeType": "a/c", "meta": None}, expect=200).json
    assert (replaced["filename"], replaced["mimeType"], replaced["meta"]) == ("e", "a/c", {})
    for wrong in ({"filename": ""}, {"mimeType": "a"}, {"mimeType": "a/b\r\nX: 1"}, {"filename": "\x00"}):
        client.patch(element, wrong, expect=400)


def test_lists(client: ApiClient, platform: Platform, asset: str) -> None:
    made = [attach(client, platform, DATA[: number + 1], assetUuid=asset, type="PROXY") for number in range(4)]
    ids = [each["uuid"] for each in made]
    for sort in ("uuid", "size", "created"):
        found = client.all("/attachments", limit=3, sort=sort, dir="DESC")
        assert [each["uuid"] for each in found] == ids[::-1]
    for term, expected in (
        ("size[gte]=3", ids[2:]), ("type[eq]=POSTER_FRAME", []), ("type[eq]=PROXY", ids), ("name[eq]=a.txt", ids),
        (f"asset[eq]={asset},size[eq]=1", ids[:1]),
    ):  # fmt: skip
        assert [each["uuid"] for each in client.get("/attachments", query_string={"filter": term})["data"]] == expected
    client.get("/attachments", query_string={"filter": "type[eq]=X"}, expect=400)
    assert client.get("/attachments", query_string={"fields": "uuid", "limit": 1})["data"] == [{"uuid": ids[0]}]


def test_events(client: ApiClient, platform: Platform, asset: str) -> None:
    made = attach(client, platform, assetUuid=asset)
    client.patch(f"/attachments/{made['uuid']}", {"filename": "b"})
    client.delete(f"/attachments/{made['uuid']}")
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT type, data FROM event WHERE subject_id = %(id)s ORDER BY id", id=made["uuid"])
    assert [row[0] for row in rows] == ["attachment.created", "attachment.updated", "attachment.deleted"]
    assert all(row[1] == {"assetUuid": asset} for row in rows)


def test_the_last_attachment_takes_its_bytes_along(client: ApiClient, platform: Platform, asset: str) -> None:
    first, second = attach(client, platform, assetUuid=asset), attach(client, platform)
    client.request("DELETE", f"/attachments/{first['uuid']}", headers={"If-Match": '"9"'}, expect=412)
    client.delete(f"/attachments/{first['uuid']}")
    client.delete(f"/attachments/{first['uuid']}", expect=404)
    run_removals(platform)
    assert fetch(client, f"/attachments/{second['uuid']}/data", expect=200).data == DATA
    client.delete(f"/attachments/{second['uuid']}")
    run_removals(platform)
    assert not is_kept(platform, DATA)


def test_an_asset_and_an_attachment_share_bytes(client: ApiClient, platform: Platform, actor: Actor) -> None:
    attachment = attach(client, platform)
    result = upload(platform, actor, DATA).result
    assert result is not None
    client.delete(f"/assets/{result['assetUuid']}")
    run_removals(platform)
    assert fetch(client, f"/attachments/{attachment['uuid']}/data", expect=200).data == DATA
    result = upload(platform, actor, DATA).result
    assert result is not None
    client.delete(f"/attachments/{attachment['uuid']}")
    run_removals(platform)
    assert is_kept(platform, DATA)


def test_the_bytes_of_attachments_go_with_their_asset(client: ApiClient, platform: Platform, asset: str) -> None:
    embedding = embed(client, asset)
    attach(client, platform, DATA + b"1", assetUuid=asset)
    attach(client, platform, DATA + b"2", embeddingUuid=embedding)
    attach(client, platform, DATA + b"2", assetUuid=asset)
    kept = attach(client, platform, DATA + b"1")
    client.delete(f"/assets/{asset}")
    assert client.get("/tasks", query_string={"filter": "kind[eq]=storage.delete-blob"})["_metainfo"]["totalCount"] == 1
    run_removals(platform)
    assert is_kept(platform, DATA + b"1")
    assert not is_kept(platform, DATA + b"2")
    assert [each["uuid"] for each in client.get("/attachments")["data"]] == [kept["uuid"]]


def test_the_bytes_of_attachments_go_with_their_embedding(client: ApiClient, platform: Platform, asset: str) -> None:
    embedding = embed(client, asset)
    attach(client, platform, embeddingUuid=embedding)
    client.delete(f"/embeddings/{embedding}")
    run_removals(platform)
    assert not is_kept(platform, DATA)
    assert client.get(f"/assets/{asset}/attachments")["data"] == []


def test_ten_thousand_attachments_go_at_once(client: ApiClient, platform: Platform, asset: str) -> None:
    """As many as the server has locks."""
    with platform.unit_of_work() as uow:
        uow.execute(
            """INSERT INTO blob (sha512, size)
               SELECT sha512(CAST(CAST(n AS text) AS bytea)), 1 FROM generate_series(1, 10000) AS n"""
        )
        uow.execute(
            """INSERT INTO attachment (id, space_id, asset_id, type, filename, mime_type, size, blob_sha512)
               SELECT uuidv7(), asset.space_id, asset.id, 'PROXY', 'a', 'a/b', 1, blob.sha512 FROM asset, blob"""
        )
        uow.commit()
    client.delete(f"/assets/{asset}")
    run_removals(platform)
    with platform.unit_of_work() as uow:
        assert uow.fetch("SELECT count(*) FROM blob") == [(0,)]


def test_attaching_and_deleting_at_the_same_time_never_loses_bytes(
    client: ApiClient, platform: Platform, asset: str
) -> None:
    """Whatever comes first, bytes that are referred to are there, and others are not."""
    kept = attach(client, platform)

    def act(number: int) -> int:
        if number % 3:
            answer = client.request("POST", f"/attachments?filename={number}&assetUuid={asset}", DATA, headers={})
            run_uploads(platform)
            return answer.status_code
        for each in client.get(f"/assets/{asset}/attachments")["data"]:
            client.request("DELETE", f"/attachments/{each['uuid']}")
        run_removals(platform)
        return 0

    assert set(crowd(act, 30)) == {0, 202}
    run_uploads(platform)
    run_removals(platform)
    assert fetch(client, f"/attachments/{kept['uuid']}/data", expect=200).data == DATA
    client.delete(f"/attachments/{kept['uuid']}")
    client.delete(f"/assets/{asset}")
    run_removals(platform)
    assert not is_kept(platform, DATA)
    assert client.get("/tasks", query_string={"filter": "state[eq]=FAILED"})["data"] == []


def test_an_upload_for_an_asset_that_goes_meanwhile(client: ApiClient, platform: Platform, asset: str) -> None:
    answer = send_form(
        client, "/attachments", ("file", "a", DATA), ("assetUuid", None, asset.encode()), expect=202
    )  # fmt: skip
    client.delete(f"/assets/{asset}")
    run_uploads(platform)
    task = client.get(f"/tasks/{json_of(answer)['uuid']}")
    assert (task["state"], task["error"]["code"]) == ("FAILED", "not-found")
    assert not is_kept(platform, DATA)


def test_grants_for_a_library(client: ApiClient, platform: Platform, actor: Actor) -> None:
    mine, other = make_asset(client), make_asset(client, "other")
    library = put_in_library(platform, actor, mine)
    seen, hidden = attach(client, platform, assetUuid=mine), attach(client, platform, assetUuid=other)
    loose = attach(client, platform)
    may = (Permission.READ_ASSET, Permission.READ_ATTACHMENT, Permission.CREATE_ATTACHMENT, Permission.READ_EMBEDDING)
    make_user(platform, "scoped", scoped=[(it, "library", library) for it in may])
    scoped = sign_in(client.app, "scoped")
    page = scoped.get("/attachments")
    assert ([it["uuid"] for it in page["data"]], page["_metainfo"]["totalCount"]) == ([seen["uuid"]], 1)
    for each in (hidden, loose):
        scoped.get(f"/attachments/{each['uuid']}", expect=404)
        scoped.request("GET", f"/attachments/{each['uuid']}/data", expect=404)
        scoped.request("DELETE", f"/attachments/{each['uuid']}", expect=403)
    fetch(scoped, f"/attachments/{seen['uuid']}/data", expect=200)
    scoped.request("DELETE", f"/attachments/{seen['uuid']}", expect=403)
    scoped.patch(f"/attachments/{seen['uuid']}", {"filename": "x"}, expect=403)
    raw = {"Content-Type": "a/b"}
    scoped.request("POST", f"/attachments?filename=a&assetUuid={mine}", b"x", headers=raw, expect=202)
    scoped.request("POST", f"/attachments?filename=a&assetUuid={other}", b"x", headers=raw, expect=400)
    scoped.request("POST", "/attachments?filename=a", b"x", headers=raw, expect=403)
    scoped.request("POST", f"/embeddings/{embed(client, other)}/attachments?filename=a", b"x", headers=raw, expect=404)
    run_uploads(platform)
    assert staged(platform) == []


def test_another_space_sees_nothing(client: ApiClient, platform: Platform, asset: str) -> None:
    made = attach(client, platform, assetUuid=asset)
    make_user(platform, "stranger", Permission, space_id=make_space(platform, "elsewhere"))
    stranger = sign_in(client.app, "stranger", "elsewhere")
    assert stranger.get("/attachments")["_metainfo"]["totalCount"] == 0
    for method in ("GET", "PATCH", "DELETE"):
        stranger.request(method, f"/attachments/{made['uuid']}", {}, expect=404)
    stranger.request("GET", f"/attachments/{made['uuid']}/data", expect=404)
    query = f"/attachments?filename=a&assetUuid={asset}"
    stranger.request("POST", query, b"x", headers={"Content-Type": "a/b"}, expect=400)
