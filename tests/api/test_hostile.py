"""No input makes a 500: every route gets values of every wrong kind, and answers with the right 4xx in one shape.

The routes and bodies are read from the application itself, so a new resource is walked without a line here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from tests.support.client import ApiClient
from tests.support.spaces import key_of

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
DEEP_LIST = b"[" * 100_000 + b"]" * 100_000
JSON = {"Content-Type": "application/json"}
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, -(10**30), 2**63, 1e308, "", " ", "x", "\x00", "a\x00b", "\ud800", "\udfff",
    "\u202e", "ä" * 70_000, "1e400", "../../etc/passwd", "'; DROP TABLE asset; --", "%s%(x)s{}", [], [[]], [None], {},
    {"a": {"b": [1]}}, {"\x00": 1}, {"a": "\ud800"},
)  # fmt: skip
RAW: tuple[bytes, ...] = (
    b"{", b"[]", b"null", b"1", b'"x"', b"{}{}", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":1,"a":2}',
    b"\xff\xfe{}", b'{"name":"\xff"}', b'{"name":"\\ud800"}', b'{"name":' + b"9" * 5000 + b"}", b"\x00",
    DEEP, DEEP_LIST,
    b'{"name":"x"' + b" " * 100, "{\u00a0}".encode(),
)  # fmt: skip
IN_QUERIES = ("", "\x00", "x" * 5000, "-1", "9" * 400, "ä", "[", "a[b]=c", "a[eq]=\x00", ",,,", "%", "😀")
UNDOCUMENTED = (
    "limit", "from", "sort", "dir", "filter", "wait", "state", "q", "since", "offset", "mime", "cursor",
)  # fmt: skip


HASH = "ab" * 64


@pytest.fixture
def client(client: ApiClient) -> ApiClient:
    """A key, which no route ends: among them is the one to sign out."""
    return key_of(client, "hostile")


def _routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Give method, path with a filled-in key, and endpoint of every route."""
    for rule in app.url_map.iter_rules():
        if rule.websocket:
            continue
        path = rule.rule
        for name in rule.arguments:
            converter = type(rule._converters[name]).__name__
            key = {"UuidConverter": str(uuid4()), "IntegerConverter": "1"}.get(converter, HASH)
            path = "".join(key if f":{name}>" in part or f"<{name}>" in part else part for part in _split(path))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, path, rule.endpoint


def _split(path: str) -> list[str]:
    return path.replace("<", "\x01<").replace(">", ">\x01").split("\x01")


def _fields(app: Flask, client: ApiClient) -> list[str]:
    """Give every field name that any body of the OpenAPI document has."""
    schemas = client.get("/openapi.json")["components"]["schemas"]
    return sorted({name for schema in schemas.values() for name in schema.get("properties", {})})


def _require_refusal_or_success(client: ApiClient, method: str, path: str, *arguments: Any, **options: Any) -> None:
    answer = client.request(method, path, *arguments, **options)
    is_off = answer.status_code == 503 and any(part in path for part in ("/health", "/search", "/auth/oauth2"))
    assert answer.status_code < 500 or is_off, (method, path, arguments, options, answer.get_data(as_text=True)[:500])


def test_wrong_values_in_every_field_of_every_body(app: Flask, client: ApiClient) -> None:
    fields = _fields(app, client)
    routes = [(method, path) for method, path, _ in _routes(app) if method in {"POST", "PUT"}]  # PATCH is POST
    for value in VALUES:
        body = json.dumps(dict.fromkeys(fields, value)).encode()
        for method, path in routes:
            if not path.endswith("/login"):
                _require_refusal_or_success(client, method, path, body, headers=JSON)


def test_each_wrong_value_alone(app: Flask, client: ApiClient, tmp_path: Any) -> None:
    good = {
        "/api/v1/tokens": {"name": "n"},
        "/api/v1/asset-pools": {"name": "n", "fsPath": str(tmp_path)},
        "/api/v1/tasks": {"kind": "maintenance.sweep"},
    }
    for path, body in good.items():
        for name in (*body, "meta", "expires", "schedule", "title", "priority", "payload", "unknown"):
            for value in VALUES:
                data = json.dumps({**body, name: value}).encode()
                _require_refusal_or_success(client, "POST", path, data, headers=JSON)


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: raw[:12].decode("latin-1"))
def test_bodies_that_are_no_json_object(app: Flask, client: ApiClient, raw: bytes) -> None:
    for method, path, _ in _routes(app):
        _require_refusal_or_success(client, method, path, raw, headers=JSON)
    for path in ("/tokens", "/asset-pools", "/tasks", "/auth/login"):
        client.post(path, raw, headers=JSON, expect=400)


def test_wrong_content_types(app: Flask, client: ApiClient) -> None:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "a",
        "\u00ff",
        "a/b;;;=",
        "",
    ):
        headers = {"Content-Type": kind}
        for method, path, _ in _routes(app):
            _require_refusal_or_success(client, method, path, b"name=x", headers=headers)
        client.post("/tokens", b'{"name":"x"}', headers=headers, expect=415)


@pytest.mark.timeout(600)  # it asks every route many things: a minute alone, longer beside others
def test_queries_of_every_route(app: Flask, client: ApiClient) -> None:
    """Each parameter that the document names alone; those that it does not name all at once."""
    documented = _queries(client)
    for method, path, endpoint in _routes(app):
        if method == "GET":
            known = documented.get(endpoint, ())
            for value in IN_QUERIES:
                for query in ({name: value} for name in known):
                    _require_refusal_or_success(client, method, path, query_string=query)
                rest = dict.fromkeys(set(UNDOCUMENTED) - set(known), value)
                _require_refusal_or_success(client, method, path, query_string=rest)
            _require_refusal_or_success(client, method, path, query_string="%ff%fe=%00&filter=%ed%a0%80&&==&[]")


def _queries(client: ApiClient) -> dict[str, list[str]]:
    """Give the parameters of the query that the document names, by endpoint."""
    found = {}
    for item in client.get("/openapi.json")["paths"].values():
        parameters = item.get("get", {}).get("parameters", [])
        names = [each["name"] for each in parameters if each.get("in") == "query"]
        if names:
            found[item["get"]["operationId"].removesuffix("_get")] = names
    return found


def test_wrong_methods(app: Flask, client: ApiClient) -> None:
    paths = {path for _, path, _ in _routes(app)}
    for path in paths:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X" * 100):
            answer = client.request(method, path)
            if answer.status_code == 405:
                assert answer.headers["Allow"]
            assert answer.status_code < 500 or answer.status_code == 503


def test_everything_but_a_few_routes_needs_a_token(app: Flask, client: ApiClient) -> None:
    open_routes = set()
    for method, path, _ in _routes(app):
        if client.anonymous().request(method, path).status_code != 401:
            open_routes.add(f"{method} {path}")
    assert open_routes == {
        "GET /api/v1/health", "GET /health", "GET /api/v1/health/live", "GET /health/live",
        "GET /api/v1/health/ready", "GET /health/ready", "GET /api/v1/openapi.json", "POST /api/v1/auth/login",
        "POST /api/v1/login", "POST /api/v1/auth/oauth2", "GET /api/v1/auth/oauth2/login",
        "GET /api/v1/auth/oauth2/callback", "GET /api/v1/auth/oauth2/logout", "GET /api/v1/openapi.yaml",
        "GET /api/v1/openapi", "GET /docs", "GET /docs/show.js", f"GET /docs/{HASH}",
    }  # fmt: skip


def test_odd_headers(client: ApiClient) -> None:
    for headers in (
        {"If-None-Match": "\x7f"}, {"If-None-Match": '"' * 5000}, {"If-Match": "W/"}, {"Prefer": "wait=" + "9" * 400},
        {"Prefer": "wait=-1"}, {"Accept": "a" * 5000}, {"Range": "bytes=5-1"}, {"Authorization": "Bearer"},
        {"Cookie": "__Host-loom_token=\xff; a=b;;;="}, {"X-Trace-Id": "a b\tc"}, {"Origin": "null"},
    ):  # fmt: skip
        for path in ("/me", "/tasks", "/assets"):
            assert client.request("GET", path, headers=headers).status_code < 500


def test_a_body_over_the_limit(client: ApiClient) -> None:
    limit = client.app.config["MAX_CONTENT_LENGTH"]
    body = b'{"name":"' + b"x" * limit + b'"}'
    for path in ("/tokens", "/tasks", "/asset-pools", "/auth/login"):
        client.post(path, body, headers=JSON, expect=413)


def test_unknown_routes(client: ApiClient) -> None:
    for path in (
        "/",
        "/nothing",
        "/tokens//",
        "//tokens",
        "/tokens/../me",
        "/%00",
        "/%ff",
        "/\u202e",
        "/" + "a" * 5000,
    ):
        answer = client.request("GET", path)
        assert answer.status_code in {400, 404} or (path == "/" and answer.status_code == 200), path


def test_trace_ids(client: ApiClient) -> None:
    given = client.request("GET", "/me", headers={"X-Trace-Id": "abc-1.2_3"})
    assert given.headers["X-Trace-Id"] == "abc-1.2_3"
    for bad in ("a b", "x" * 65, "\u00e4", "<script>"):
        answer = client.request("GET", "/nothing", headers={"X-Trace-Id": bad}, expect=404)
        assert answer.headers["X-Trace-Id"] != bad
        assert answer.json["traceId"] == answer.headers["X-Trace-Id"]


def test_cross_origin_requests(client: ApiClient) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "PATCH"}
    preflight = client.anonymous().request("OPTIONS", "/tokens", headers=asked, expect=204)
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    for caller, status in ((client, 200), (client.anonymous(), 401)):
        answer = caller.request("GET", "/tokens", headers={"Origin": "https://example.org"}, expect=status)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://example.org"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in answer.headers["Vary"]
