"""What is served of the bytes of assets, to whom, and under which conditions."""

from __future__ import annotations

from email.message import Message
from pathlib import Path

import pytest
from werkzeug.http import parse_options_header

from models.permissions import Actor
from models.wiring import Platform
from tests.support.assets import (
    DATA,
    add_pool_file,
    find_asset,
    sha512_of,
    uploaded,
)
from tests.support.client import ApiClient
from tests.support.forms import fetch, json_of


@pytest.mark.parametrize(
    ("header", "status", "start", "stop"),
    [
        ("bytes=0-", 206, 0, None), ("bytes=0-0", 206, 0, 1), ("bytes=100-199", 206, 100, 200),
        ("bytes=-10", 206, -10, None), ("bytes=2047990-9999999", 206, 2047990, None),
        ("bytes=1048570-1048590", 206, 1048570, 1048591), ("bytes=-99999999", 206, 0, None),
        ("bytes=2048000-", 416, 0, 0), ("bytes=9999999-", 416, 0, 0), ("bytes=5-2", 416, 0, 0), ("bytes=-0", 416, 0, 0),
        ("bytes=0-1,5-6", 200, 0, None), ("items=0-1", 200, 0, None), ("bytes=x", 200, 0, None),
        ("nonsense", 200, 0, None), ("bytes=-", 200, 0, None),
        ("bytes=", 200, 0, None), ("", 200, 0, None),
    ],
)  # fmt: skip
def test_ranges(
    client: ApiClient, platform: Platform, actor: Actor, header: str, status: int, start: int, stop: int | None
) -> None:
    path = uploaded(client, platform, actor)
    answer = fetch(client, path, headers={"Range": header})
    assert answer.status_code == status
    if answer.status_code == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"
        return
    assert answer.data == (DATA[start:stop] if answer.status_code == 206 else DATA)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(answer.data))
    if status == 206:
        first = len(DATA) + start if start < 0 else start
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.data) - 1}/{len(DATA)}"


def test_conditions(client: ApiClient, platform: Platform, actor: Actor) -> None:
    path = uploaded(client, platform, actor)
    tag = fetch(client, path, expect=200).headers["ETag"]
    assert tag == f'"{sha512_of(DATA)}"'
    unchanged = fetch(client, path, headers={"If-None-Match": tag}, expect=304)
    assert (unchanged.data, unchanged.headers["ETag"]) == (b"", tag)
    fetch(client, path, headers={"If-None-Match": '"other"'}, expect=200)
    fetch(client, path, headers={"If-None-Match": "*"}, expect=304)
    part = {"Range": "bytes=0-9"}
    assert fetch(client, path, headers={**part, "If-Range": tag}, expect=206).data == DATA[:10]
    assert fetch(client, path, headers={**part, "If-Range": '"other"'}, expect=200).data == DATA
    fetch(client, path, headers={**part, "If-None-Match": tag}, expect=304)
    head = client.request("HEAD", path, expect=200)
    assert (head.data, head.headers["Content-Length"], head.headers["ETag"]) == (b"", str(len(DATA)), tag)


def test_a_browser_runs_nothing_of_what_it_downloads(client: ApiClient, platform: Platform, actor: Actor) -> None:
    headers = fetch(client, uploaded(client, platform, actor, b"<html><script>x", "a.html"), expect=200).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["Content-Type"] == "text/html"


@pytest.mark.parametrize(
    "name",
    ["a.txt", 'quo"te.txt', "back\\slash.txt", "semi;colon.txt", "näme.txt", "\N{GRINNING FACE}", "a\nb: c", "%41.txt",
     "a" * 255, "comma, and space", "\u202egnp.exe", "'single'", "x=y", " ", "tab\there", "\x85\u2028"],
)  # fmt: skip
def test_any_name_survives_or_is_made_harmless_in_the_header(
    client: ApiClient, platform: Platform, actor: Actor, name: str
) -> None:
    path = uploaded(client, platform, actor, DATA, name)
    header = fetch(client, path, expect=200).headers["Content-Disposition"]
    assert header.isascii()
    assert not any(char < " " for char in header)
    kind, options = parse_options_header(header)
    message = Message()
    message["Content-Disposition"] = header
    assert kind == "attachment"
    assert options["filename"]
    if name.isprintable() and "\\" not in name and name.strip() and '"' not in name:
        assert options["filename"] == name
        assert message.get_filename() == name or not name.isascii()


def test_the_record_is_for_those_who_accept_json_and_nothing_else(
    client: ApiClient, platform: Platform, actor: Actor
) -> None:
    path = uploaded(client, platform, actor)
    record = json_of(fetch(client, path, headers={"Accept": "application/json"}, expect=200))
    assert record["assetUuid"] == path.split("/")[2]
    assert record["filesystem"]["path"].endswith(sha512_of(DATA))
    for accept in ("*/*", "application/json, */*", "text/html", "image/*", "application/json;q=0.5, */*;q=0.1"):
        assert fetch(client, path, headers={"Accept": accept}, expect=200).data == DATA
    only_json = {"Accept": "application/json"}
    assert fetch(client, f"{path}/data", headers=only_json, expect=200).data == DATA
    document = uploaded(client, platform, actor, b'{"a": 1}', "a.json")
    assert fetch(client, document, headers=only_json, expect=200).data == b'{"a": 1}'


def test_a_file_of_a_pool_is_served_until_it_changes(
    client: ApiClient, platform: Platform, actor: Actor, tmp_path: Path
) -> None:
    asset = client.post("/assets", {"sha512": sha512_of(DATA), "filename": "a.bin"}, expect=201)
    found = find_asset(platform, DATA, actor)
    assert found is not None
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE asset SET size = :size", size=len(DATA))
        uow.commit()
    file = tmp_path / "file"
    file.write_bytes(DATA)
    add_pool_file(platform, actor, found, file)
    path = f"/assets/{asset['uuid']}/binary"
    assert fetch(client, path, expect=200).data == DATA
    assert fetch(client, path, headers={"Range": "bytes=5-9"}, expect=206).data == DATA[5:10]
    (record,) = client.get(f"/assets/{asset['uuid']}/binaries")["data"]
    assert record["filesystem"]["path"] == str(file)
    client.request("DELETE", path, expect=404)
    file.write_bytes(b"changed")
    fetch(client, path, expect=404)
    file.unlink()
    fetch(client, path, expect=404)


def test_lost_bytes_are_not_found(client: ApiClient, platform: Platform, actor: Actor) -> None:
    path = uploaded(client, platform, actor)
    asset = find_asset(platform, DATA, actor)
    assert asset is not None
    digest = asset.sha512
    platform.blobs.delete(f"{digest[:2]}/{digest[2:4]}/{digest}")
    fetch(client, path, expect=404)
