"""Uploads that resume, as a client of tus 1.0 speaks to them."""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from models.permissions import Actor, Permission
from models.services.blobs import remove_stale_staging
from models.services.uploads import remove_expired
from models.wiring import Platform
from tests.support.assets import DATA, find_asset, is_kept, run_uploads, sha512_of, staged
from tests.support.client import Answer, ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import rows

PIECE = "application/offset+octet-stream"


def told(**values: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in values.items())


@dataclass
class Tus:
    """A client of the protocol."""

    api: ApiClient

    def request(self, method: str, path: str, body: Any = None, *, expect: int, **headers: str) -> Answer:
        spelt = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.api.request(method, path, body, headers={"Tus-Resumable": "1.0.0", **spelt}, expect=expect)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        return answer

    def begin(self, size: int, **headers: str) -> str:
        return str(self.request("POST", "/uploads", expect=201, Upload_Length=str(size), **headers).headers["Location"])

    def send(self, path: str, offset: int, data: bytes, *, expect: int = 204, **headers: str) -> Answer:
        return self.request(
            "PATCH", path, data, expect=expect, Content_Type=PIECE, Upload_Offset=str(offset), **headers
        )

    def offset(self, path: str) -> int:
        answer = self.request("HEAD", path, expect=200)
        assert answer.headers["Cache-Control"] == "no-store"
        return int(answer.headers["Upload-Offset"])


@pytest.fixture
def tus(client: ApiClient) -> Tus:
    return Tus(client)


def stored(platform: Platform, actor: Actor, data: bytes = DATA) -> Any:
    run_uploads(platform)
    asset = find_asset(platform, data, actor)
    assert asset is not None
    assert is_kept(platform, data)
    assert staged(platform) == []
    return asset


def test_what_the_server_can_do(tus: Tus, platform: Platform) -> None:
    answer = tus.api.request("OPTIONS", "/uploads", expect=204)
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert "concatenation" in answer.headers["Tus-Extension"]
    assert int(answer.headers["Tus-Max-Size"]) == platform.settings.storage_max_upload_size
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,sha512"


def test_a_file_in_pieces_becomes_an_asset(tus: Tus, platform: Platform, actor: Actor) -> None:
    metadata = told(filename="fjörd.bin", origin="camera")
    path = tus.begin(len(DATA), Upload_Metadata=metadata)
    cuts = [0, 1, 5000, 2_000_000, len(DATA)]
    for start, end in pairwise(cuts):
        assert tus.offset(path) == start
        answer = tus.send(path, start, DATA[start:end])
        assert int(answer.headers["Upload-Offset"]) == end
    asset = stored(platform, actor)
    assert (asset.filename, asset.origin, asset.size) == ("fjörd.bin", "camera", len(DATA))
    head = tus.request("HEAD", path, expect=200).headers
    assert (head["Upload-Offset"], head["Upload-Length"], head["Upload-Metadata"]) == (
        str(len(DATA)), str(len(DATA)), metadata,
    )  # fmt: skip
    task = tus.api.get(head["Upload-Task"])
    assert task["state"] == "SUCCEEDED"
    assert task["result"]["assetUuid"] == str(asset.id)
    assert "pieces" not in task["payload"]


@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_all_in_one_request(tus: Tus, platform: Platform, actor: Actor, data: bytes) -> None:
    answer = tus.request(
        "POST", "/uploads", data, expect=201, Content_Type=PIECE, Upload_Length=str(len(data))
    )  # fmt: skip
    assert answer.headers["Upload-Offset"] == str(len(data))
    assert answer.json["taskUuid"] in answer.headers["Upload-Task"]
    stored(platform, actor, data)


def test_an_empty_file_is_whole_at_once(tus: Tus, platform: Platform, actor: Actor) -> None:
    tus.begin(0)
    stored(platform, actor, b"")


def test_the_hash_is_computed_on_the_way_where_one_process_sees_all(tus: Tus, platform: Platform) -> None:
    path = tus.begin(len(DATA))
    tus.send(path, 0, DATA[:7])
    tus.send(path, 7, DATA[7:])
    tus.api.app.extensions["loom"].hashes.take(tus.begin(3).rpartition("/")[2], 0)
    payloads = rows(platform, "SELECT payload ->> 'sha512' FROM task")
    assert payloads == [(sha512_of(DATA),)]


def test_a_worker_hashes_what_no_process_saw_all_of(tus: Tus, platform: Platform, actor: Actor) -> None:
    path = tus.begin(len(DATA))
    tus.send(path, 0, DATA[:7])
    tus.api.app.extensions["loom"].hashes._known.clear()  # another process answers now
    tus.send(path, 7, DATA[7:])
    assert rows(platform, "SELECT payload ->> 'sha512' FROM task") == [(None,)]
    stored(platform, actor)


@pytest.mark.parametrize("offset", [0, 6, 8, 10**18])
def test_bytes_go_on_where_the_upload_has_come_to(tus: Tus, offset: int) -> None:
    path = tus.begin(20)
    tus.send(path, 0, b"1234567")
    assert tus.send(path, offset, b"x", expect=409).json["code"] == "offset-mismatch"
    assert tus.offset(path) == 7


def test_no_more_bytes_come_in_than_were_announced(tus: Tus, platform: Platform) -> None:
    path = tus.begin(3)
    tus.send(path, 0, b"1234", expect=413)
    assert tus.offset(path) == 0
    assert staged(platform) == []
    tus.begin(platform.settings.storage_max_upload_size)
    too_many = str(platform.settings.storage_max_upload_size + 1)
    tus.request("POST", "/uploads", expect=413, Upload_Length=too_many)


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
def test_checksums_of_pieces(tus: Tus, platform: Platform, actor: Actor, name: str) -> None:
    def spelt(data: bytes) -> str:
        return f"{name} {b64encode(hashlib.new(name, data).digest()).decode()}"

    path = tus.begin(len(DATA))
    answer = tus.send(path, 0, DATA[:100], expect=460, Upload_Checksum=spelt(DATA[:99]))
    assert answer.json["code"] == "checksum-mismatch"
    assert tus.offset(path) == 0
    assert staged(platform) == []
    tus.send(path, 0, DATA[:2_000_000], Upload_Checksum=spelt(DATA[:2_000_000]))
    tus.send(path, 2_000_000, DATA[2_000_000:], Upload_Checksum=spelt(DATA[2_000_000:]))
    stored(platform, actor)


@pytest.mark.parametrize("name", ["sha512", "sha256"])
def test_the_digest_of_the_whole(tus: Tus, platform: Platform, actor: Actor, name: str) -> None:
    def spelt(data: bytes) -> str:
        return f"{name[:3]}-{name[3:]}=:{b64encode(hashlib.new(name, data).digest()).decode()}:"

    wrong = tus.begin(len(DATA), Repr_Digest=spelt(DATA[1:]))
    task = tus.send(wrong, 0, DATA).headers["Upload-Task"]
    run_uploads(platform)
    assert tus.api.get(task)["error"]["code"] == "digest-mismatch"
    assert find_asset(platform, DATA, actor) is None
    assert staged(platform) == []
    tus.send(tus.begin(len(DATA), Repr_Digest=spelt(DATA)), 0, DATA)
    stored(platform, actor)


def test_parts_that_came_in_parallel_make_one_file(tus: Tus, platform: Platform, actor: Actor) -> None:
    cuts = [0, 1_000_000, 1_000_000, 1_500_000, len(DATA)]
    pieces = [DATA[start:end] for start, end in pairwise(cuts)]
    parts = [tus.begin(len(piece), Upload_Concat="partial") for piece in pieces]
    final = "final;" + " ".join(f"http://loom.example{part}" for part in parts)
    for piece, part in reversed(list(zip(pieces, parts, strict=True))):
        if piece:
            tus.request("POST", "/uploads", expect=409, Upload_Concat=final)
            tus.send(part, 0, piece)
    assert rows(platform, "SELECT 1 FROM task") == []
    answer = tus.request("POST", "/uploads", expect=201, Upload_Concat=final, Upload_Metadata=told(filename="whole"))
    again = tus.request("POST", "/uploads", expect=201, Upload_Concat=final)
    assert again.headers["Location"] == answer.headers["Location"]
    head = tus.request("HEAD", answer.headers["Location"], expect=200).headers
    assert head["Upload-Concat"] == "final;" + " ".join(parts)
    assert head["Upload-Offset"] == head["Upload-Length"] == str(len(DATA))
    assert tus.request("HEAD", parts[0], expect=200).headers["Upload-Concat"] == "partial"
    tus.send(answer.headers["Location"], len(DATA), b"", expect=403)
    tus.request("POST", "/uploads", expect=409, Upload_Concat=f"final;{parts[0]}")
    assert stored(platform, actor).filename == "whole"


def test_what_cannot_be_made_of_parts(tus: Tus) -> None:
    whole, part = tus.begin(1), tus.begin(0, Upload_Concat="partial")
    for value in ("final;", "final", "parts", f"final;{whole}", f"final;{part} {part}", "final;/x/y"):
        tus.request("POST", "/uploads", expect=400, Upload_Concat=value)
    missing = part[:-12] + "0" * 12
    tus.request("POST", "/uploads", expect=404, Upload_Concat=f"final;{part} {missing}")
    tus.request("POST", "/uploads", expect=400, Upload_Concat=f"final;{part}", Upload_Length="0")


def test_an_ended_upload_leaves_nothing(tus: Tus, platform: Platform) -> None:
    path = tus.begin(10)
    tus.send(path, 0, b"12345")
    assert len(staged(platform)) == 1
    tus.request("DELETE", path, expect=204)
    assert staged(platform) == []
    for method in ("HEAD", "DELETE"):
        tus.request(method, path, expect=404)
    tus.send(path, 5, b"67890", expect=404)


def test_what_is_whole_is_the_tasks(tus: Tus, platform: Platform, actor: Actor) -> None:
    path = tus.begin(len(DATA))
    tus.send(path, 0, DATA)
    tus.request("DELETE", path, expect=204)
    stored(platform, actor)


def test_uploads_expire_and_their_bytes_are_swept(tus: Tus, platform: Platform) -> None:
    paths = [tus.begin(10), tus.begin(10)]
    for path in paths:
        tus.send(path, 0, b"12345")
    folder = platform.settings.loom_home.blobs
    for key in staged(platform):
        os.utime(folder / key, (1, 1))
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE upload SET expires = now() WHERE id = :id", id=paths[0].rpartition("/")[2])
        uow.commit()
    tus.request("HEAD", paths[0], expect=404)
    assert remove_expired(platform.unit_of_work) == 1
    assert remove_stale_staging(platform.unit_of_work, platform.blobs) == 1
    assert tus.offset(paths[1]) == 5
    tus.send(paths[1], 5, b"67890")


def test_an_upload_is_ones_own(tus: Tus, platform: Platform) -> None:
    path = tus.begin(3)
    make_user(platform, "somebody", [Permission.CREATE_ASSET])
    other = Tus(sign_in(tus.api.app, "somebody"))
    other.request("HEAD", path, expect=404)
    other.send(path, 0, b"abc", expect=404)
    other.request("DELETE", path, expect=404)
    other.request("POST", "/uploads", expect=404, Upload_Concat=f"final;{path}")
    other.api.get(path, expect=404)
    assert tus.offset(path) == 0


def test_an_upload_into_an_awaiting_asset_and_a_library(tus: Tus, platform: Platform, client: ApiClient) -> None:
    asset = client.post("/assets", {"sha512": sha512_of(DATA), "filename": "a"}, expect=201)["uuid"]
    library = client.post("/libraries", {"name": "films"}, expect=201)["uuid"]
    path = tus.begin(len(DATA), Upload_Metadata=told(assetUuid=asset, libraryUuid=library))
    task = tus.send(path, 0, DATA).headers["Upload-Task"]
    run_uploads(platform)
    result = client.get(task)["result"]
    assert (result["assetUuid"], result["libraryUuid"]) == (asset, library)
    tus.request("POST", "/uploads", expect=404, Upload_Length="1", Upload_Metadata=told(assetUuid=library))
    tus.request("POST", "/uploads", expect=400, Upload_Length="1", Upload_Metadata=told(libraryUuid=asset))


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Upload_Length": "-1"}, {"Upload_Length": "x"}, {"Upload_Length": str(2**63)}, {"Upload_Length": "1.5"},
        {"Upload_Length": "1", "Upload_Metadata": "a b c"}, {"Upload_Length": "1", "Upload_Metadata": "a YQ==,a YQ=="},
        {"Upload_Length": "1", "Upload_Metadata": "filename AA=="}, {"Upload_Length": "1", "Upload_Metadata": ","},
        {"Upload_Length": "1", "Upload_Metadata": f"assetUuid {b64encode(b'1').decode()}"},
        {"Upload_Length": "1", "Upload_Concat": "whatever"}, {"Upload_Length": "1", "Repr_Digest": "x"},
        {"Upload_Length": "1", "Content_Type": PIECE, "Upload_Checksum": "crc32 AAAA"},
        {"Upload_Length": "1", "Content_Type": PIECE, "Upload_Checksum": "sha1 A"},
    ],
)  # fmt: skip
def test_announcements_that_are_refused(tus: Tus, headers: dict[str, str]) -> None:
    tus.request("POST", "/uploads", expect=400, **headers)


def test_names_that_clients_send(tus: Tus) -> None:
    for sent, kept in (("../../etc/passwd", "passwd"), ("", "unnamed"), ("a\nb", "a\N{REPLACEMENT CHARACTER}b")):
        answer = tus.request("POST", "/uploads", expect=201, Upload_Length="1", Upload_Metadata=told(filename=sent))
        assert answer.json["filename"] in {kept, "a\\x0ab"}


def test_other_protocols_are_refused(client: ApiClient) -> None:
    for headers in ({}, {"Tus-Resumable": "0.2.2"}):
        answer = client.request("POST", "/uploads", headers={"Upload-Length": "1", **headers}, expect=412)
        assert answer.headers["Tus-Version"] == "1.0.0"


def test_pieces_are_of_their_own_type(tus: Tus) -> None:
    path = tus.begin(3)
    tus.request("PATCH", path, b"abc", expect=415, Upload_Offset="0", Content_Type="application/octet-stream")
    tus.request("PATCH", path, b"abc", expect=400, Content_Type=PIECE)


def test_clients_that_can_only_post(tus: Tus, platform: Platform, actor: Actor) -> None:
    path = tus.begin(3)
    headers = {"Content_Type": PIECE, "Upload_Offset": "0"}
    tus.request("POST", path, b"abc", expect=204, X_HTTP_Method_Override="PATCH", **headers)
    stored(platform, actor, b"abc")
    tus.request("POST", path, expect=204, X_HTTP_Method_Override="DELETE")
    tus.request("POST", path, expect=400, X_HTTP_Method_Override="PUT")


def test_the_state_of_an_upload_as_json(tus: Tus) -> None:
    path = tus.begin(3, Upload_Metadata=told(filename="a.txt"))
    tus.send(path, 0, b"ab")
    shown = tus.api.get(path)
    assert (shown["filename"], shown["size"], shown["offset"], shown["partial"]) == ("a.txt", 3, 2, False)
    assert shown["uuid"] in path
    assert shown["expires"] > shown["created"]
