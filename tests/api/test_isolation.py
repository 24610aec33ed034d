"""Two spaces with everything the same in both: whatever one does, the other's answers stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from models.ids import new_id
from models.wiring import Platform
from tests.support.assets import is_kept, sha512_of
from tests.support.tenants import HASH, STORED, UNWANTED, Tenant, fill_in, random_ids
from web.auth import permissions_of
from web.blueprints import PREFIX

_OF_THE_MOMENT = re.compile(rb'"(?:traceId|tookMs|waitMs|freeSpace|lastSyncedAt)":("[^"]*"|[^,}]*)')
"""What differs from one request to the next, or is about the machine."""
_QUERIES: list[tuple[str, dict[str, str]]] = [
    *[("/assets", {"blacklisted": choice}) for choice in ("include", "only")],
    *[("/assets", {"sort": sort, "dir": "DESC"}) for sort in ("name", "created", "size")],
    ("/assets", {"limit": "1"}),
    ("/search/assets", {"q": "stored OR awaiting OR file"}),
    ("/search/assets", {"q": "stored", "highlight": "true"}),
    ("/search/results", {"q": "txt", "blacklisted": "include"}),
    ("/search/assets", {"tag": "tag"}),
    ("/search/assets", {"profile": "all"}),
    *(("/search/results", {"q": q, "highlight": "true", "profile": "all"}) for q in ("tag", "e ", "lbirary ", "a")),
    ("/search/results", {"q": "type:text or size>0 or seen>1970 or ext:txt or -name:x"}),
    ("/search/suggestions", {"q": "t"}),
    ("/search/suggestions", {"q": "libr"}),
    ("/tags", {"filter": "name[eq]=tag"}),
    ("/users", {"filter": "username[eq]=boss"}),
    ("/blacklists", {"filter": f"sha512[eq]={UNWANTED}"}),
]
Answers = dict[str, tuple[int, bytes, str | None]]


@pytest.fixture
def tenants(platform: Platform, app: Flask, tmp_path: Path) -> tuple[Tenant, Tenant]:
    """Two, of which the first is filled; they share the folder of their pools."""
    first, second = (Tenant(platform, app, name, tmp_path / "pool") for name in ("first", "second"))
    first.fill()
    return first, second


def _readable(app: Flask) -> Iterator[Rule]:
    """Give every route that reads something of a space."""
    for rule in app.url_map.iter_rules():
        is_below = rule.rule.startswith(PREFIX) and "GET" in (rule.methods or ()) and not rule.websocket
        if is_below and permissions_of(app.view_functions[rule.endpoint]) is not None:
            yield rule


def _ask(tenant: Tenant, path: str, query: dict[str, str] | None = None) -> tuple[int, bytes, str | None]:
    answer = tenant.client.request("GET", path, query_string=query or {})
    body = _OF_THE_MOMENT.sub(b"", answer.get_data())
    # The ETag of a pool covers what is measured for the answer; that of everything else, what is in the body.
    return answer.status_code, body, answer.headers.get("ETag")


def _ask_everything(app: Flask, tenant: Tenant) -> Answers:
    paths = {fill_in(rule, {**tenant.ids, "node-descriptors": "x", "diagnostics": "x"}) for rule in _readable(app)}
    answers = {path: _ask(tenant, path) for path in sorted(paths)}
    return {**answers, **{f"{path} {query}": _ask(tenant, path, query) for path, query in _QUERIES}}


def _ask_for(app: Flask, tenant: Tenant, ids: dict[str, str]) -> dict[str, tuple[int, str]]:
    """Ask for elements by these ids; of the answers, what is said apart from the ids."""
    answers = {}
    for rule in _readable(app):
        if "<" in rule.rule:
            status, body, _ = _ask(tenant, fill_in(rule, {**ids, "node-descriptors": "x", "diagnostics": "x"}))
            answers[rule.rule] = status, re.sub("[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{128}", "ID", body.decode())
    return answers


def test_nothing_that_one_space_does_shows_in_another(app: Flask, tenants: tuple[Tenant, Tenant]) -> None:
    first, second = tenants
    before = _ask_everything(app, first)
    refused = {path: answer for path, answer in before.items() if answer[0] not in {200, 404}}
    assert {path for path in refused if "/diagnostics" not in path} == set()  # those are for operators
    assert len([answer for answer in before.values() if answer[0] == 200]) > 90
    for act in (second.fill, second.change, second.delete):
        act()
        after = _ask_everything(app, first)
        assert {path: (before[path], after[path]) for path in before if before[path] != after[path]} == {}, act


_FOR_ALL = {"/api/v1/search-indices/<string:index_id>", "/api/v1/search-indices/<string:index_id>/jobs"}
"""The indexes have names, and every space sees its part of them."""


def test_an_id_of_another_space_is_as_good_as_none(app: Flask, tenants: tuple[Tenant, Tenant]) -> None:
    first, second = tenants
    second.fill()
    theirs = {**second.ids, "sha512": "c" * 128}
    second.client.post("/assets", {"sha512": theirs["sha512"], "filename": "theirs.txt"}, expect=201)
    unknown = _ask_for(app, first, {**random_ids(theirs, new_id()), "sha512": "d" * 128})
    known = _ask_for(app, first, theirs)
    assert {rule: (known[rule], unknown[rule]) for rule in known if known[rule] != unknown[rule]} == {}
    assert {rule for rule, (status, _) in known.items() if status != 404} == _FOR_ALL


def test_bytes_that_two_spaces_have_are_kept_once_and_as_long_as_one_has_them(
    platform: Platform, tenants: tuple[Tenant, Tenant]
) -> None:
    first, second = tenants
    second.fill()
    assert first.ids["assets"] != second.ids["assets"]
    for tenant, other in ((second, first), (first, second)):
        tenant.delete()
        is_last = tenant is first
        assert is_kept(platform, STORED) is not is_last
        if not is_last:
            data = other.client.request("GET", f"/assets/{other.ids['assets']}/binary/data", buffered=True, expect=200)
            assert data.data == STORED


def _told(answer: Any) -> Any:
    """Give an answer without what no two elements have in common."""
    body = re.sub('"runMs":[0-9]+', "", _OF_THE_MOMENT.sub(b"", answer.get_data()).decode())
    text = re.sub(r'"[0-9a-f]{8}-[0-9a-f-]{27}"|"[0-9a-f]{128}"', '"ID"', body)
    headers = {name for name, _ in answer.headers}
    return answer.status_code, re.sub(r'"(?:\d{4}-[^"]*Z|[0-9a-f]{32})"|\d+\.\d+', '"T"', text), headers


def test_knowing_a_hash_gives_nobody_its_bytes(platform: Platform, tenants: tuple[Tenant, Tenant]) -> None:
    _, second = tenants
    asset = second.client.post("/assets", {"sha512": sha512_of(STORED), "filename": "a.txt"}, expect=201)
    assert is_kept(platform, STORED)
    for path in ("binary", "binary/data"):
        second.client.get(f"/assets/{asset['uuid']}/{path}", expect=404)
    assert second.client.get(f"/assets/{asset['uuid']}/binaries")["data"] == []


@pytest.mark.parametrize(
    "what", ["upload", "bytes", "attachment", "assets", "blacklists", "tags", "users", "asset-pools"]
)
def test_what_another_space_has_is_made_as_what_nobody_has(
    platform: Platform, tenants: tuple[Tenant, Tenant], what: str
) -> None:
    """The second space makes what the first has, and then what nobody has: the answers are of one shape."""
    _, second = tenants
    known, unknown = (_make(second, what, is_known=is_known) for is_known in (True, False))
    assert known == unknown


def _make(tenant: Tenant, what: str, *, is_known: bool) -> Any:
    """Make something that the first space has too, or that it has not; gives all that is told of it."""
    data = STORED if is_known else STORED[::-1]
    name = {"filename": "stored.txt"}
    match what:
        case "upload":
            return _told_of_upload(tenant, "/assets/upload", data, name)
        case "bytes":
            hashes = {"sha512": sha512_of(data), "filename": "stored.txt"}
            asset = tenant.client.post("/assets", hashes, expect=201)["uuid"]
            return _told_of_upload(tenant, f"/assets/{asset}/binary", data, name)
        case "attachment":
            return _told_of_upload(tenant, "/attachments", data, name)
        case _:
            return _told_of_element(tenant, what, _bodies(tenant, is_known=is_known)[what])


def _bodies(tenant: Tenant, *, is_known: bool) -> dict[str, dict[str, str]]:
    folder = tenant.folder if is_known else tenant.folder.with_name("loop")
    folder.mkdir(exist_ok=True)
    return {
        "assets": {"sha512": HASH if is_known else "d" * 128, "filename": "a.txt"},
        "blacklists": {"sha512": UNWANTED if is_known else "d" * 128},
        "tags": {"name": "tag" if is_known else "gat"},
        "users": {"username": "jane" if is_known else "enaj"},
        "asset-pools": {"name": "pool" if is_known else "loop", "fsPath": str(folder)},
    }


def _told_of_element(tenant: Tenant, plural: str, body: dict[str, str]) -> Any:
    """Make an element; gives what is told of it but what was given."""
    answer = tenant.client.request("POST", f"/{plural}", body, expect=201)
    status, text, headers = _told(answer)
    for each in body.values():
        text = text.replace(f'"{each}"', '"WORD"')
    return status, text, headers


def _told_of_upload(tenant: Tenant, path: str, data: bytes, query: dict[str, str]) -> Any:
    """Upload; gives what is told at once, of the task in the end, and of what there is then."""
    accepted = tenant.client.request("POST", path, data, expect=202, query_string=query)
    tenant.work()
    task = tenant.client.request("GET", f"/tasks/{accepted.json['uuid']}", expect=200)
    result = task.json["result"]
    made = f"/assets/{result['assetUuid']}" if "assetUuid" in result else f"/attachments/{result['attachmentUuid']}"
    return _told(accepted), _told(task), _told(tenant.client.request("GET", made, expect=200))
