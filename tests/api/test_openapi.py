"""The OpenAPI document: whole, as it was agreed upon, the same under all its names, and shown without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from tests.support.client import ApiClient
from web.openapi_file import spell
from web.resources import BLUEPRINTS

_STORED = Path(__file__).parents[2] / "docs" / "openapi.json"
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_OPEN_TAGS = frozenset({"auth", "oauth2", "service"})
_LOADED = re.compile(r'(?:href|src)="([^"]+)"')


@pytest.fixture
def document(client: ApiClient) -> dict[str, Any]:
    loaded: dict[str, Any] = client.anonymous().get("/openapi.json")
    return loaded


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def test_the_stored_copy_is_the_document(document: dict[str, Any]) -> None:
    is_same = _STORED.read_text(encoding="utf-8") == spell(document)
    assert is_same, "the API has changed: `make openapi` writes docs/openapi.json anew; look at what differs"


def test_tags_are_the_resources_in_their_order(document: dict[str, Any]) -> None:
    assert [tag["name"] for tag in document["tags"]] == [blueprint.name for blueprint in BLUEPRINTS]
    assert all(tag["description"] for tag in document["tags"])


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    operations = dict(_operations(document))
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    for name, operation in operations.items():
        assert operation.get("summary"), name
        assert len(operation["tags"]) == 1, name
        assert set(operation["tags"]) <= tags, name
        assert any(code.startswith(("2", "3")) for code in operation["responses"]), name


def test_every_operation_says_who_may_use_it(document: dict[str, Any]) -> None:
    assert document["security"] == [{"bearer": []}]
    for name, operation in _operations(document):
        if operation.get("security") == []:
            assert operation["tags"][0] in _OPEN_TAGS, name
            assert "x-permissions" not in operation, name
        else:
            assert {"401", "403"} <= operation["responses"].keys(), name
            assert operation.get("x-permissions") != [], name


def test_every_json_body_has_an_example(document: dict[str, Any]) -> None:
    for name, operation in _operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        assert "application/json" not in content or "example" in content["application/json"], name


def test_every_upload_is_a_form_with_one_file_or_raw(document: dict[str, Any]) -> None:
    uploads = [operation["requestBody"]["content"] for _, operation in _operations(document)
               if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})]  # fmt: skip
    assert uploads
    for content in uploads:
        form = document["components"]["schemas"][content["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]]
        assert form["required"] == ["file"]
        assert form["properties"]["file"]["format"] == "binary"
        assert content["application/octet-stream"]["schema"]["format"] == "binary"


def test_every_download_tells_of_parts(document: dict[str, Any]) -> None:
    downloads = [name for name, operation in _operations(document) if "206" in operation["responses"]]
    assert "GET /api/v1/assets/{asset_id}/binary/data" in downloads
    for name in downloads:
        method, path = name.split()
        responses = document["paths"][path][method.lower()]["responses"]
        assert {"200", "206", "304", "416"} <= responses.keys(), name
        assert "Content-Range" in responses["206"]["headers"], name


def test_links_lead_from_what_is_made_to_its_routes(document: dict[str, Any]) -> None:
    made = document["paths"]["/api/v1/tags"]["post"]["responses"]["201"]["links"]
    known = {operation["operationId"] for _, operation in _operations(document)}
    assert made
    for name in made:
        assert document["components"]["links"][name]["operationId"] in known
        assert set(document["components"]["links"][name]["parameters"].values()) == {"$response.body#/uuid"}


@pytest.mark.parametrize("name", ["/openapi", "/openapi.yaml"])
def test_all_spellings_agree(client: ApiClient, document: dict[str, Any], name: str) -> None:
    answer = client.anonymous().request("GET", name, expect=200)
    assert answer.mimetype == "text/vnd.yaml"
    assert yaml.load(answer.data, Loader=yaml.CSafeLoader) == document


def test_the_page_needs_nothing_from_elsewhere(app: Flask) -> None:
    caller = app.test_client()
    page = caller.get("/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    loaded = _LOADED.findall(page.get_data(as_text=True))
    assert len(loaded) == 4
    for path in loaded:
        assert path.startswith("/docs/")
        with caller.get(path) as part:
            assert part.status_code == 200
    assert caller.get("/docs/other.js").status_code == 404


def test_the_page_keeps_to_its_policy(app: Flask) -> None:
    """Scripts come from Loom alone, and none stands in the page, where the policy would forbid it."""
    page = app.test_client().get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert "script-src" not in policy
    text = page.get_data(as_text=True)
    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert re.findall(r"\son\w+=", text) == []
