"""Section 1 of the wire contract: the service as a whole."""

from __future__ import annotations

import pytest
import yaml

from models.settings import Settings
from tests.support.client import ApiClient

ORIGIN = "https://example.org"


def test_1_the_port_is_8092_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Settings.model_fields["server_rest_port"]
    assert field.default == 8092
    monkeypatch.setenv("LOOM_SERVER_REST_PORT", "9999")
    assert Settings().server_rest_port == 9999


def test_1_no_other_version_than_v1(client: ApiClient) -> None:
    client.request("GET", "/me", expect=200)
    assert client.app.test_client().get("/api/v2/me").status_code == 404


def test_1_the_openapi_document_is_json_and_yaml_under_all_its_names(client: ApiClient) -> None:
    as_json = client.anonymous().request("GET", "/openapi.json", expect=200)
    assert as_json.content_type == "application/json"
    for name in ("/openapi", "/openapi.yaml"):
        as_yaml = client.anonymous().request("GET", name, expect=200)
        assert as_yaml.mimetype == "text/vnd.yaml"
        assert yaml.load(as_yaml.data, Loader=yaml.CSafeLoader) == as_json.json


@pytest.mark.parametrize("path", ["", "/"])
def test_1_server_info_without_and_with_a_slash(client: ApiClient, path: str) -> None:
    assert set(client.get(f"/api/v1{path}")) == {"version", "dbRevision", "lastUsed"}


def test_1_health_has_its_four_keys(client: ApiClient) -> None:
    assert {"status", "version", "database", "timestamp"} <= set(client.anonymous().get("/health"))


def test_1_me_is_a_user_answer(client: ApiClient) -> None:
    me = client.get("/me")
    user = client.get(f"/users/{me['uuid']}")
    assert {key: me[key] for key in user} == user


def test_1_cors_of_any_origin_with_credentials(client: ApiClient) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    told = client.anonymous().request("OPTIONS", "/assets", headers=asked, expect=204).headers
    assert (told["Access-Control-Allow-Origin"], told["Access-Control-Allow-Credentials"]) == (ORIGIN, "true")
    methods = set(told["Access-Control-Allow-Methods"].split(", "))
    assert methods >= {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    headers = set(told["Access-Control-Allow-Headers"].split(", "))
    assert headers >= {"Content-Type", "Authorization", "Accept", "X-Loom-Space", "Idempotency-Key", "If-Match"}


@pytest.mark.parametrize(("path", "status"), [("/me", 200), ("/nothing", 404), ("/assets/x", 400), ("/health", 200)])
def test_1_every_answer_has_a_trace_id(client: ApiClient, path: str, status: int) -> None:
    assert client.request("GET", path, expect=status).headers["X-Trace-Id"]


@pytest.mark.parametrize("path", ["/pools", "/asset-pools", "/login", "/tasks", "/assets/upload", "/search/status"])
def test_1_a_slash_at_the_end_changes_nothing(client: ApiClient, path: str) -> None:
    method = "POST" if path in {"/login", "/assets/upload"} else "GET"
    plain, slashed = (client.request(method, f"{path}{slash}").status_code for slash in ("", "/"))
    assert plain == slashed != 404
