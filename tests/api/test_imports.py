"""Assets that a worker fetches from a URL."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from models.messages import IMPORT_ASSET
from models.permissions import Actor
from models.wiring import Platform
from tests.support.assets import DATA, find_asset, is_kept, sha512_of, staged
from tests.support.client import ApiClient
from tests.support.web_servers import Answer, fetching_from_here, send, web_server
from workers.inline import run_one


@pytest.fixture
def here(platform: Platform) -> Platform:
    return fetching_from_here(platform)


def fetched(client: ApiClient, platform: Platform, answer: Answer, path: str = "/a.bin", **values: Any) -> Any:
    with web_server(answer) as url:
        task = client.post("/assets/import", {"url": url + path, **values}, expect=202)
        while run_one(platform, IMPORT_ASSET.queue):
            pass
        return client.get(f"/tasks/{task['uuid']}")


def test_a_file_is_fetched(client: ApiClient, here: Platform, actor: Actor) -> None:
    library = client.post("/libraries", {"name": "films"}, expect=201)["uuid"]
    digests = {"sha512": sha512_of(DATA).upper(), "sha256": hashlib.sha256(DATA).hexdigest()}
    task = fetched(client, here, lambda it: send(it, DATA), "/deep/f%C3%B6.bin?x=1", libraryUuid=library, **digests)
    assert task["state"] == "SUCCEEDED"
    assert task["result"]["libraryUuid"] == library
    asset = find_asset(here, DATA, actor)
    assert asset is not None
    assert (asset.filename, asset.origin, asset.size) == ("fö.bin", "import", len(DATA))
    assert is_kept(here, DATA)
    assert staged(here) == []
    again = fetched(client, here, lambda it: send(it, DATA))
    assert again["result"]["status"] == "EXISTING"


@pytest.mark.parametrize(
    ("header", "path", "name"),
    [
        ('attachment; filename="b.txt"', "/a", "b.txt"), ("attachment; filename*=UTF-8''f%C3%B6.txt", "/a", "fö.txt"),
        ('attachment; filename="../../c"', "/a", "c"), ("inline", "/a/", "a"), ("", "/", "unnamed"),
    ],
)  # fmt: skip
def test_names(client: ApiClient, here: Platform, actor: Actor, header: str, path: str, name: str) -> None:
    fetched(client, here, lambda it: send(it, b"x", Content_Disposition=header), path)
    asset = find_asset(here, b"x", actor)
    assert asset is not None
    assert asset.filename == name


def test_another_content_than_declared_is_not_stored(client: ApiClient, here: Platform, actor: Actor) -> None:
    task = fetched(client, here, lambda it: send(it, DATA), sha512=sha512_of(b""))
    assert task["error"]["code"] == "digest-mismatch"
    assert find_asset(here, DATA, actor) is None
    assert staged(here) == []


def test_what_is_too_large_is_not_stored(client: ApiClient, here: Platform) -> None:
    small = replace(here, settings=here.settings.model_copy(update={"storage_max_upload_size": 1000}))

    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 1000)

    for answer in (endless, lambda it: send(it, DATA)):
        assert fetched(client, small, answer)["error"]["code"] == "too-large"
    assert staged(here) == []


def test_this_machine_is_out_of_reach_unless_allowed(client: ApiClient, platform: Platform) -> None:
    asked: list[str] = []
    task = fetched(client, platform, lambda it: asked.append(it.path))
    assert task["error"]["code"] == "address-refused"
    assert not asked


def test_a_server_in_trouble_is_asked_again(client: ApiClient, here: Platform) -> None:
    asked: list[str] = []

    def answer(handler: Any) -> None:
        asked.append(handler.path)
        send(handler, b"", 503)

    once = replace(here, settings=here.settings.model_copy(update={"task_max_attempts": 1}))
    assert fetched(client, once, answer)["error"] == {
        "code": "fetch-failed", "message": "The other server answers 503",
    }  # fmt: skip
    assert fetched(client, here, answer)["state"] == "RUNNING"
    assert len(asked) == 2


def test_a_blacklisted_content_is_not_stored(client: ApiClient, here: Platform) -> None:
    client.post("/blacklists", {"sha512": sha512_of(DATA), "name": "x"}, expect=201)
    assert fetched(client, here, lambda it: send(it, DATA))["error"]["code"] == "blacklisted"
    assert staged(here) == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"url": 1}, {"url": "ftp://example.org"}, {"url": "http://u:p@example.org/"}, {"url": "x" * 5000},
        {"url": "http://example.org/", "sha512": "x"}, {"url": "http://example.org/", "sha256": "x"},
        {"url": "http://example.org/", "libraryUuid": "01a21250-01d0-76bb-a46c-32e8c21966f0"},
    ],
)  # fmt: skip
def test_requests_that_are_refused(client: ApiClient, body: dict[str, Any]) -> None:
    client.post("/assets/import", body, expect=400)
