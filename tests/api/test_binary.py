"""Uploading bytes over the API. What is served of them is in `test_downloads.py`."""

from __future__ import annotations

import random
from threading import Thread
from typing import Any

import pytest

from models.errors import StorageFull
from models.permissions import Actor
from models.storage import folder as folder_module
from models.wiring import Platform
from tests.support.assets import (
    DATA,
    find_asset,
    is_kept,
    make_space,
    run_removals,
    run_uploads,
    sha512_of,
    staged,
    uploaded,
)
from tests.support.client import ApiClient
from tests.support.forms import fetch, json_of, send_form

NOWHERE = "01890000-0000-7000-8000-000000000000"
START = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
WAIT = {"Prefer": "wait=20"}
RAW = {"Content-Type": "application/octet-stream"}


def test_a_form_is_accepted_as_a_task(client: ApiClient, platform: Platform, actor: Actor) -> None:
    answer = send_form(
        client, "/assets/upload", ("file", "a.bin", DATA), ("origin", None, b"camera"), ("libraryUuid", None, b""),
        expect=202,
    )  # fmt: skip
    task = json_of(answer)
    assert answer.headers["Location"] == f"/api/v1/tasks/{task['uuid']}"
    assert "Retry-After" in answer.headers
    assert (task["kind"], task["title"], task["state"]) == ("assets.store-binary", "Store a.bin", "PENDING")
    assert "staging" not in answer.get_data(as_text=True)
    run_uploads(platform)
    asset = find_asset(platform, DATA, actor)
    assert asset is not None
    assert (asset.filename, asset.origin, asset.size) == ("a.bin", "camera", len(DATA))
    assert fetch(client, f"/assets/{asset.id}/binary", expect=200).data == DATA


@pytest.mark.usefixtures("working")
def test_who_waits_gets_the_asset_and_then_the_one_that_was_there(client: ApiClient) -> None:
    first = client.request("POST", "/assets/upload?filename=a.bin", DATA, headers={**RAW, **WAIT}, expect=201)
    assert first.headers["Preference-Applied"] == "wait=20"
    again = send_form(client, "/assets/upload", ("file", "b.bin", DATA), headers=WAIT, expect=200)
    assert json_of(again) == json_of(first)
    assert json_of(first)["hashes"]["sha512"] == sha512_of(DATA)


@pytest.mark.usefixtures("working")
def test_bytes_of_an_asset_that_awaits_them(client: ApiClient, platform: Platform) -> None:
    asset = client.post("/assets", {"sha512": sha512_of(DATA), "filename": "a.bin"}, expect=201)
    path = f"/assets/{asset['uuid']}/binary"
    fetch(client, path, expect=404)
    client.request("DELETE", path, expect=404)
    assert client.get(f"/assets/{asset['uuid']}/binaries")["data"] == []
    refused = client.request("POST", path, b"else", headers={**RAW, **WAIT}, expect=409)
    assert json_of(refused)["code"] == "hash-mismatch"
    record = json_of(client.request("POST", path, DATA, headers={**RAW, **WAIT}, expect=201))
    assert (record["assetUuid"], record["storageType"]) == (asset["uuid"], "filesystem")
    assert client.get(f"/assets/{asset['uuid']}/binaries")["data"] == [record]
    assert client.get(f"/assets/{asset['uuid']}")["file"]["size"] == len(DATA)
    assert json_of(client.request("POST", f"{path}/data", DATA, headers={**RAW, **WAIT}, expect=201)) == record
    client.delete(path)
    fetch(client, path, expect=404)
    run_removals(platform)
    assert not is_kept(platform, DATA)
    client.get(f"/assets/{asset['uuid']}")


def test_the_same_bytes_twice_at_the_same_time_are_one_blob(
    client: ApiClient, platform: Platform, actor: Actor
) -> None:
    for name in ("a", "b", "c"):
        client.request("POST", f"/assets/upload?filename={name}", DATA, headers=RAW, expect=202)
    threads = [Thread(target=run_uploads, args=(platform,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("/assets")["_metainfo"]["totalCount"] == 1
    assert is_kept(platform, DATA)
    tasks = client.get("/tasks")["data"]
    assert sorted(task["result"]["status"] for task in tasks) == ["CREATED", "EXISTING", "EXISTING"]
    assert staged(platform) == []


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("origin", None, b"x")],
        [("file", None, b"x")],
        [("other", "a", b"x")],
        [("file", "a", b"x"), ("file", "b", b"y")],
        [("file", "a", b"x"), ("other", "b", b"y")],
        [("other", "a", b"x"), ("file", "b", b"y")],
    ],
)
def test_a_form_without_exactly_one_file_named_file(
    client: ApiClient, platform: Platform, parts: list[tuple[str, str | None, bytes]]
) -> None:
    send_form(client, "/assets/upload", *parts, expect=400)
    assert staged(platform) == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--XX\r\n"),
        ("multipart/form-data; boundary=", b"--XX\r\n"),
        ("multipart/form-data; boundary=ä", b"--XX\r\n"),
        ("multipart/form-data; boundary=XX", b""),
        ("multipart/form-data; boundary=XX", b"nothing of the kind"),
        ("multipart/form-data; boundary=XX", b"--XX\r\n\r\nx\r\n--XX--"),
        ("multipart/form-data; boundary=XX", START + b"x"),
        ("multipart/form-data; boundary=XX", START.replace(b'name="file"; ', b"") + b"x\r\n--XX--"),
        ("multipart/form-data; boundary=XX", b"--XX\r\nContent-Disposition: \xff\r\n\r\nx\r\n--XX--\r\n"),
        ("multipart/form-data; boundary=XX", b"--XX\r\n" + b"a: b\r\n" * 1000 + b"\r\nx\r\n--XX--\r\n"),
    ],
)  # fmt: skip
def test_broken_forms(client: ApiClient, platform: Platform, content_type: str, body: bytes) -> None:
    client.request("POST", "/assets/upload", body, headers={"Content-Type": content_type}, expect=400)
    assert staged(platform) == []


def test_forms_cut_off_and_garbled_anywhere_are_never_an_error_of_ours(client: ApiClient, platform: Platform) -> None:
    whole = START + b"x" * 50 + b"\r\n--XX--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=XX"}
    generator = random.Random(3)
    for cut in range(0, len(whole) - 8, 3):
        client.request("POST", "/assets/upload", whole[:cut], headers=headers, expect=400)
        garbled = bytearray(whole)
        garbled[cut] = generator.randrange(256)
        assert client.request("POST", "/assets/upload", bytes(garbled), headers=headers).status_code in {202, 400, 413}
    assert len(staged(platform)) == client.get("/tasks")["_metainfo"]["totalCount"]


def test_uploads_have_a_limit(client: ApiClient, platform: Platform) -> None:
    platform.settings.__dict__["storage_max_upload_size"] = 1000
    client.request("POST", "/assets/upload?filename=a", b"x" * 1001, headers=RAW, expect=413)
    client.request("POST", "/assets/upload?filename=a", b"x" * 2_000_000, headers=RAW, expect=413)
    send_form(client, "/assets/upload", ("file", "a", b"x" * 1001), expect=413)
    send_form(client, "/assets/upload", ("file", "a", b"x" * 3_000_000), expect=413)
    assert staged(platform) == []
    send_form(client, "/assets/upload", ("file", "a", b"x" * 1000), expect=202)


def test_values_of_a_form_are_not_unbounded(client: ApiClient, platform: Platform) -> None:
    send_form(client, "/assets/upload", ("file", "a", b"x"), ("origin", None, b"x" * 2_000_000), expect=413)
    send_form(client, "/assets/upload", *[(f"n{number}", None, b"x") for number in range(100)], expect=413)
    assert staged(platform) == []


def test_a_full_disk_is_told_before_and_while_the_bytes_come(
    client: ApiClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform.blobs, "_min_free_bytes", 10**18)
    client.request("POST", "/assets/upload?filename=a", DATA, headers=RAW, expect=507)
    send_form(client, "/assets/upload", ("file", "a", DATA), expect=507)
    monkeypatch.setattr(platform.blobs, "_min_free_bytes", 0)
    monkeypatch.setattr(folder_module, "_CHECK_BYTES", 1000)

    def refuse(_: object, more_bytes: int) -> None:
        if more_bytes == 1024**2:
            raise StorageFull

    monkeypatch.setattr(folder_module.FolderBlobStore, "require_room", refuse)
    client.request("POST", "/assets/upload?filename=a", DATA, headers=RAW, expect=507)
    assert staged(platform) == []


def test_nothing_stays_when_the_task_cannot_be_recorded(
    client: ApiClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("web.upload_tasks.tasks.submit", fail)
    client.request("POST", "/assets/upload?filename=a", DATA, headers=RAW, expect=500)
    assert staged(platform) == []


def test_nobody_who_is_not_signed_in_uploads_or_downloads(client: ApiClient, platform: Platform, actor: Actor) -> None:
    path = uploaded(client, platform, actor)
    for method in ("GET", "POST", "DELETE"):
        client.anonymous().request(method, path, b"x" if method == "POST" else None, headers=RAW, expect=401)
    client.anonymous().request("POST", "/assets/upload?filename=a", b"x", headers=RAW, expect=401)
    assert staged(platform) == []


def test_uploads_to_assets_that_do_not_exist_for_the_caller(
    client: ApiClient, platform: Platform, actor: Actor
) -> None:
    path = uploaded(client, platform, make_space(platform, actor, "other"))
    for method in ("GET", "POST", "DELETE"):
        client.request(method, path, b"x" if method == "POST" else None, headers=RAW, expect=404)
    fetch(client, path.replace("/binary", "/binaries"), expect=404)
    client.request("POST", f"/assets/{NOWHERE}/binary", b"x", headers=RAW, expect=404)
    assert staged(platform) == []


def test_an_empty_file_is_a_file_and_no_body_is_not(client: ApiClient, platform: Platform, actor: Actor) -> None:
    client.request("POST", "/assets/upload", b"", expect=400)
    client.request("POST", "/assets/upload?filename=empty", b"", headers=RAW, expect=202)
    send_form(client, "/assets/upload", ("file", "empty", b""), expect=202)
    run_uploads(platform)
    asset = find_asset(platform, b"", actor)
    assert asset is not None
    answer = fetch(client, f"/assets/{asset.id}/binary", expect=200)
    assert (answer.data, answer.headers["Content-Length"]) == (b"", "0")
    fetch(client, f"/assets/{asset.id}/binary", headers={"Range": "bytes=0-"}, expect=200)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.txt", "a.txt"), ("../../etc/passwd", "passwd"), ("C:\\dir\\a.txt", "a.txt"), ("", "unnamed"),
        ("..", ".."), ("a/", "unnamed"), ("näme ⇒.txt", "näme ⇒.txt"), ("a\x00b\x1fc", "a\ufffdb\ufffdc"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"), ("x" * 300, "x" * 255),
    ],
)  # fmt: skip
def test_names_of_uploads_are_made_presentable(
    client: ApiClient, platform: Platform, actor: Actor, given: str, expected: str
) -> None:
    answer = client.request("POST", "/assets/upload", DATA, headers=RAW, query_string={"filename": given}, expect=202)
    assert json_of(answer)["title"] == f"Store {expected}"
    run_uploads(platform)
    asset = find_asset(platform, DATA, actor)
    assert asset is not None
    assert asset.filename == expected


def test_an_origin_that_cannot_be_stored_is_left_out(client: ApiClient, platform: Platform) -> None:
    client.request("POST", "/assets/upload?filename=a&origin=%00", DATA, headers=RAW, expect=202)
    run_uploads(platform)
    assert client.get("/assets")["data"][0]["file"]["origin"] == "upload"


def test_the_name_may_come_in_a_header_in_any_alphabet(client: ApiClient) -> None:
    for header in ("attachment; filename*=UTF-8''n%C3%A4me.txt", 'attachment; filename="n\xe4me.txt"'):
        answer = client.request(
            "POST", "/assets/upload", b"x", headers={**RAW, "Content-Disposition": header}, expect=202
        )
        assert json_of(answer)["title"] == "Store näme.txt"


def test_a_body_is_never_held_as_a_whole(
    client: ApiClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 0
    write = folder_module._FolderWriter.write

    def note(writer: Any, data: bytes) -> int:
        nonlocal largest
        largest = max(largest, len(data))
        return write(writer, data)

    monkeypatch.setattr(folder_module._FolderWriter, "write", note)
    send_form(client, "/assets/upload", ("file", "a", b"x" * 20_000_000), expect=202)
    client.request("POST", "/assets/upload?filename=a", b"y" * 20_000_000, headers=RAW, expect=202)
    assert 0 < largest <= 2 * 1024**2
    assert len(staged(platform)) == 2
