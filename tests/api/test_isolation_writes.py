"""Two spaces: what the other has cannot be written to, by no route, and cannot be named in any body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.routing import Rule

from models.ids import new_id
from models.wiring import Platform
from tests.support.tenants import Tenant, fill_in, random_ids
from web.blueprints import PREFIX

_CHANGING = ("POST", "PATCH", "PUT", "DELETE")
_OF_THE_REQUEST = re.compile('"traceId":"[^"]*"')
_ID = re.compile("[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{128}")
_BODY = {"text": "x", "type": "LIKE", "rating": 1, "title": "x", "name": "x", "permission": "READ_ASSET"}
"""Valid, or nearly, for most routes."""
Request = tuple[str, dict[str, Any]]


@pytest.fixture
def tenants(platform: Platform, app: Flask, tmp_path: Path) -> tuple[Tenant, Tenant]:
    """Two that are filled."""
    first, second = (Tenant(platform, app, name, tmp_path / "pool") for name in ("first", "second"))
    first.fill()
    second.fill()
    return first, second


def _writable(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Give every way to change an element, or what belongs to it."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX) and "<" in rule.rule and not rule.websocket:
            yield from ((method, rule) for method in _CHANGING if method in (rule.methods or ()))


def _told(tenant: Tenant, method: str, path: str, body: Any) -> tuple[int, str]:
    """Give an answer apart from the ids in it."""
    answer = tenant.client.request(method, path, body)
    text = _OF_THE_REQUEST.sub("", answer.get_data(as_text=True))
    return answer.status_code, _ID.sub("ID", text)


def test_no_route_changes_what_another_space_has(app: Flask, tenants: tuple[Tenant, Tenant]) -> None:
    first, second = tenants
    role = second.client.post("/roles", {"name": "theirs", "permissions": ["READ_ASSET"]}, expect=201)["uuid"]
    grant = second.client.all(f"/roles/{role}/permissions")[0]["uuid"]
    theirs = {**second.ids, "roles": role, "permissions": grant, "sha512": "c" * 128}
    second.client.post("/assets", {"sha512": theirs["sha512"], "filename": "theirs.txt"}, expect=201)
    before, nobodys = _state(second), {**random_ids(theirs, new_id()), "sha512": "d" * 128}
    wrong = {}
    for method, rule in _writable(app):
        known, unknown = (
            _told(first, method, fill_in(rule, {**ids, "node-descriptors": "x", "processors": "w"}), _BODY)
            for ids in (theirs, nobodys)
        )
        if known != unknown or known[0] < 400:
            wrong[method, rule.rule] = known, unknown
    assert wrong == {}
    assert _state(second) == before


def _state(tenant: Tenant) -> dict[str, Any]:
    return {path: [each.get("status") for each in tenant.client.all(path)] for path in _LISTS}


_LISTS = (
    "/assets", "/comments", "/annotations", "/reactions", "/libraries", "/collections", "/tags", "/asset-components",
    "/embeddings", "/attachments", "/asset-binaries", "/blacklists", "/pipelines", "/webhooks", "/tokens", "/groups",
    "/roles", "/users", "/tasks",
)  # fmt: skip


def _naming(mine: dict[str, str], theirs: dict[str, str]) -> list[Request]:
    """Give requests of one space whose bodies name what another one has."""
    asset, below = {"assetUuid": theirs["assets"]}, f"/assets/{mine['assets']}"
    grants, grant = f"/roles/{mine['roles']}/permissions", {"permission": "READ_ASSET"}
    return [
        ("/comments", {"text": "x", **asset}),
        ("/comments", {"text": "x", "parentUuid": theirs["comments"]}),
        ("/comments", {"text": "x", "annotationUuid": theirs["annotations"]}),
        (f"{below}/comments", {"text": "x", "parentUuid": theirs["comments"]}),
        (f"/annotations/{mine['annotations']}/comments", {"text": "x", "parentUuid": theirs["comments"]}),
        ("/annotations", {"type": "TAG", "title": "x", **asset}),
        ("/asset-components", {"type": "IMAGE", "image": {"width": 1}, **asset}),
        ("/embeddings", {"vector": [1], **asset}),
        ("/asset-binaries", {"filesystem": {"path": "/x"}, **asset}),
        ("/asset-binaries", {"filesystem": {"path": "/x"}, "assetUuid": mine["assets"],
                             "libraryUuid": theirs["libraries"]}),
        ("/blacklists", {"name": "x", **asset}),
        (f"{below}/tags", {"uuid": theirs["tags"]}),
        (f"/libraries/{mine['libraries']}/assets", asset),
        (f"/collections/{mine['collections']}/assets", asset),
        ("/libraries", {"name": "x", "poolUuid": theirs["asset-pools"]}),
        ("/collections", {"name": "x", "parentUuid": theirs["collections"]}),
        (grants, {**grant, "resource": f"library/{theirs['libraries']}"}),
        (grants, {**grant, "resource": f"collection/{theirs['collections']}"}),
    ]  # fmt: skip


def test_no_body_can_name_what_another_space_has(tenants: tuple[Tenant, Tenant]) -> None:
    first, second = tenants
    before, nobodys = _state(first), random_ids(second.ids, uuid4())
    for known, unknown in zip(_naming(first.ids, second.ids), _naming(first.ids, nobodys), strict=True):
        answers = [_told(first, "POST", *request) for request in (known, unknown)]
        assert answers[0] == answers[1], known
        assert answers[0][0] in {400, 404}, known
    assert _state(first) == before


def test_adding_many_adds_none_of_another_space(tenants: tuple[Tenant, Tenant]) -> None:
    first, second = tenants
    for plural in ("libraries", "collections"):
        path = f"/{plural}/{first.ids[plural]}/assets"
        before = first.client.all(path)
        answers = [
            first.client.request("PUT", path, {"assetUuids": [key]}, expect=200).json
            for key in (second.ids["assets"], str(uuid4()))
        ]
        assert [(each["added"], each["failed"]) for each in answers] == [(0, 1), (0, 1)]
        assert first.client.all(path) == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/libraries", {"name": "taken"}),
        ("/collections", {"name": "taken"}),
        ("/groups", {"name": "taken"}),
        ("/roles", {"name": "taken"}),
        ("/pipelines", {"name": "taken"}),
        ("/tokens", {"name": "taken"}),
    ],
)
def test_names_that_another_space_has_taken_are_free(
    platform: Platform, app: Flask, tmp_path: Path, path: str, body: dict[str, str]
) -> None:
    first, second = (Tenant(platform, app, name, tmp_path / "pool") for name in ("first", "second"))
    second.client.post(path, body, expect=201)
    first.client.post(path, body, expect=201)
    first.client.post(path, body, expect=409)


def test_a_space_that_one_may_not_act_in_is_no_space(tenants: tuple[Tenant, Tenant]) -> None:
    first, second = tenants
    answers = [
        first.client.request("GET", "/assets", headers={"X-Loom-Space": str(key)}, expect=404).json["message"]
        for key in (second.space_id, uuid4())
    ]
    assert _ID.sub("ID", answers[0]) == _ID.sub("ID", answers[1])
