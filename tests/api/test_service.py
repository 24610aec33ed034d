"""Loom itself: health, what it is, who I am, the OpenAPI document, and what happens when PostgreSQL was restarted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from models.bus import WorkerInfo
from models.connections import connect
from models.messages import Queue
from models.wiring import Platform
from scheduler.relay import EventRelay
from tests.support.client import ApiClient
from web.app import create_app
from web.resources import BLUEPRINTS


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_health_is_open_and_detailed(client: ApiClient, platform: Platform, path: str) -> None:
    EventRelay(platform).run_once()
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 10)
    health = client.anonymous().get(path)
    assert (health["status"], health["database"]) == ("UP", "UP")
    assert {name: check["status"] for name, check in health["checks"].items()} == dict.fromkeys(
        ("database", "redis", "storage", "workers", "relay"), "UP"
    )
    assert health["checks"]["workers"]["queues"]["hash"] == 1
    assert health["checks"]["relay"]["lagSeconds"] == {"relay": 0.0}
    assert datetime.fromisoformat(health["timestamp"]).tzinfo == UTC


def test_what_is_missing_degrades(client: ApiClient) -> None:
    health = client.anonymous().get("/health")
    assert health["status"] == "DEGRADED"
    assert health["checks"]["workers"]["queues"] == dict.fromkeys(Queue, 0)


def test_health_without_a_database(platform: Platform) -> None:
    settings = platform.settings.model_copy(update={"database_url": "postgresql://loom@/loom?host=/nowhere"})
    away = replace(platform, engine=connect(settings), settings=settings)
    caller = ApiClient(create_app(away))
    health = caller.request("GET", "/health", expect=503).json
    assert (health["status"], health["database"]) == ("DEGRADED", "DOWN")
    answer = ApiClient(caller.app, "loom_key").request("GET", "/me", expect=503)
    assert int(answer.headers["Retry-After"]) >= 1
    assert "nowhere" not in answer.json["message"]


def test_requests_survive_a_restart_of_the_database(client: ApiClient, platform: Platform) -> None:
    made = client.post("/tokens", {"name": "k"}, expect=201)
    for _ in range(3):
        with platform.engine.connect() as one, platform.engine.connect() as other:
            one.exec_driver_sql("SELECT 1")
            other.exec_driver_sql("SELECT 1")
        _end_other_connections(platform)
        client.get(f"/tokens/{made['uuid']}")
        client.patch(f"/tokens/{made['uuid']}", {"meta": {"a": 1}})


def _end_other_connections(platform: Platform) -> None:
    engine = connect(platform.settings)
    with engine.connect() as connection:
        ended = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'loom'"
        ).all()
    engine.dispose()
    assert ended


def test_me(client: ApiClient) -> None:
    me = client.get("/me")
    assert (me["username"], me["enabled"]) == ("admin", True)
    assert "password" not in str(me).lower()


def test_server_info_needs_a_token(client: ApiClient) -> None:
    info = client.get("")
    assert info["dbRevision"]
    assert {"version", "lastUsed"} <= set(info)
    client.anonymous().get("", expect=401)


def test_the_openapi_document_has_every_route(client: ApiClient) -> None:
    document = client.anonymous().get("/openapi.json")
    assert document["info"]["title"] == "Loom"
    assert document["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    documented = set(document["paths"])
    for blueprint in BLUEPRINTS:
        assert blueprint._docs, blueprint.name
    assert {"/api/v1/tokens", "/api/v1/asset-pools/{element_id}/scan", "/api/v1/tasks/kinds"} <= documented
    meant = document["components"]["schemas"]["TokenCreate"]["properties"]
    assert meant["expires"]["format"] == "date-time"
    assert all(
        "summary" in operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    )
