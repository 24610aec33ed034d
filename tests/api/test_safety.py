"""Headers for browsers, a limit of requests, trace ids, readiness, and a password that was forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from flask import Flask

from compose.cli import main
from models import migrating
from models.db import REVISION
from models.services import health
from models.settings import Settings
from models.wiring import Platform
from tests.support.client import ApiClient
from web.app import connect_app


def test_answers_are_no_pages(client: ApiClient) -> None:
    for path in ("/assets", "/assets/nonsense", "/nowhere"):
        headers = client.request("GET", path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert (headers["X-Frame-Options"], headers["Referrer-Policy"]) == ("DENY", "no-referrer")
    page = client.app.test_client().get("/docs")
    assert "'self'" in page.headers["Content-Security-Policy"], "pages say their own"


def test_a_limit_of_requests_is_each_users_own(app: Flask, client: ApiClient, platform: Platform) -> None:
    keys = [client.post("/tokens", {"name": name}, expect=201)["token"] for name in ("a", "b")]
    settings = platform.settings.model_copy(update={"rate_limit": 3})
    connect_app(app, replace(platform, settings=settings))
    first, second = (ApiClient(app, key) for key in keys)
    assert [first.request("GET", "/tags").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = first.request("GET", "/tags")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    second.get("/tags")
    ApiClient(app).get("/health")


def test_the_trace_of_whoever_asks_is_taken_over(client: ApiClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    given = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    assert client.request("GET", "/tags", headers=given).headers["X-Trace-Id"] == trace
    both = {**given, "X-Trace-Id": "mine"}
    assert client.request("GET", "/tags", headers=both).headers["X-Trace-Id"] == "mine"
    for bad in (f"00-{'0' * 32}-00f067aa0ba902b7-01", "nonsense", ""):
        assert client.request("GET", "/tags", headers={"traceparent": bad}).headers["X-Trace-Id"] not in {"", "0" * 32}


def test_the_newest_tables_are_known_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_process_lives_and_is_ready(client: ApiClient, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    anonymous = client.anonymous()
    for path in ("/health/live", "/health/ready"):
        assert anonymous.get(path) == {"status": "UP", "reasons": []}
    with monkeypatch.context() as patch:
        patch.setattr(health, "check_database", lambda _: {"status": "DOWN"})
        told = anonymous.request("GET", "/health/ready", expect=503).json
        assert told["reasons"] == ["The database does not answer"]
        anonymous.get("/health/live")
    monkeypatch.setattr(health, "check_database", lambda _: {"status": "UP", "revision": "0001"})
    (reason,) = anonymous.request("GET", "/health/ready", expect=503).json["reasons"]
    assert "loom migrate" in reason


def test_a_process_goes_on_while_the_tables_are_those_of_the_next_version(
    client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "check_database", lambda _: {"status": "UP", "revision": "9999"})
    assert client.anonymous().get("/health/ready")["reasons"] == []


def test_a_forgotten_password_is_given_anew(
    app: Flask, client: ApiClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"LOOM_{name.upper()}", str(getattr(settings, name)))
    done = CliRunner().invoke(main, ["admin", "reset-password"])
    assert done.exit_code == 0, done.output
    password = done.output.split()[-1]
    client.get("/me", expect=401)
    ApiClient(app).post("/auth/login", {"username": "admin", "password": password})
    refused = CliRunner().invoke(main, ["admin", "reset-password", "nobody"])
    assert refused.exit_code != 0
    assert "no user 'nobody'" in refused.output
