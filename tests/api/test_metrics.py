"""Metrics: what operators watch, and nobody else."""

from __future__ import annotations

from uuid import UUID

from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from models.bus import WorkerInfo
from models.events import NewEvent
from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.metric_names import metric_names
from tests.support.people import make_space, make_user, sign_in


def _samples(client: ApiClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """The values, by name and the values of their labels, in the order of the labels' names."""
    text = client.request("GET", "/metrics", expect=200).get_data(as_text=True)
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_tell_of_queues_tasks_workers_and_requests(client: ApiClient, platform: Platform, actor: Actor) -> None:
    platform.bus.announce(WorkerInfo("w", ("hash", "media.gpu"), running=2), 60)
    client.post("/tasks", {"kind": "maintenance.sweep"}, expect=202)
    hook = client.post("/webhooks", {"url": "https://example.org/"}, expect=201)
    client.post(f"/webhooks/{hook['uuid']}/ping", expect=202)
    client.get("/assets/nonsense", expect=400)
    found = _samples(client)
    assert found["loom_tasks", ("maintenance.sweep", "PENDING")] == 1
    assert found["loom_parts", ("maintenance", "READY")] == found["loom_queue_runnable", ("maintenance",)] == 1
    assert found["loom_queue_oldest_seconds", ("maintenance",)] >= 0
    assert (found["loom_queue_workers", ("hash",)], found["loom_queue_workers", ("bulk",)]) == (1, 0)
    assert (found["loom_queue_workers", ("media.gpu",)], found["loom_worker_parts", ("w",)]) == (1, 2)
    assert found["loom_webhook_deliveries", ("PENDING", hook["uuid"])] == 1
    assert found["loom_redis_up", ()] == 1
    assert found["loom_database_connections", ("active",)] >= 1
    route = "/api/v1/tasks"
    assert found["loom_http_requests_total", ("POST", route, "202")] >= 1
    assert found["loom_http_request_seconds_count", ("POST", route)] >= 1
    assert not any("nonsense" in label for _, labels in found for label in labels)


def test_a_method_that_somebody_has_made_up_is_counted_with_all_others(client: ApiClient) -> None:
    for number in range(3):
        client.request(f"BREW{number}", "/tags")
    found = _samples(client)
    assert found["loom_http_requests_total", ("none", "none", "405")] >= 3
    assert not any("BREW" in label for _, labels in found for label in labels)


def test_pools_of_the_same_name_are_told_apart(client: ApiClient, platform: Platform, actor: Actor) -> None:
    with platform.unit_of_work() as uow:
        for number in (1, 2):
            space, pool = UUID(int=number), UUID(int=number + 10)
            uow.execute("INSERT INTO space (id, name) VALUES (:id, :name)", id=space, name=f"space {number}")
            uow.execute("INSERT INTO pool (id, space_id, name, fs_path) VALUES (:id, :space, 'media', '/m')",
                        id=pool, space=space)  # fmt: skip
            uow.execute(
                """INSERT INTO task (id, space_id, kind, title, state, payload, priority, subject_id, max_attempts,
                       started, finished, done)
                   VALUES (:id, :space, 'pools.scan', 'x', 'SUCCEEDED', '{}', 1, :pool, 1, now() - interval '4 seconds',
                       now() - interval '2 seconds', 100)""",
                id=UUID(int=number + 20), space=space, pool=pool,
            )  # fmt: skip
        uow.commit()
    found = _samples(client)
    for number in (11, 12):
        assert found["loom_pool_scan_age_seconds", ("media", str(UUID(int=number)))] >= 2
        assert found["loom_pool_scan_files_per_second", ("media", str(UUID(int=number)))] == 50


def test_the_log_of_events_has_readers_that_lag(client: ApiClient, platform: Platform, actor: Actor) -> None:
    with platform.unit_of_work() as uow:
        uow.execute("INSERT INTO relay_position (reader, xid, id, system) VALUES ('relay', '0', 0, 1)")
        uow.publish(NewEvent("tag.created", actor.space_id, actor.user_id))
        uow.commit()
    assert _samples(client)["loom_log_lag_seconds", ("relay",)] >= 0


def test_every_metric_is_named(client: ApiClient) -> None:
    names = {name for name, _ in _samples(client) if name.startswith("loom_") and not name.endswith("_created")}
    assert names <= metric_names()


def test_metrics_are_for_operators(app: Flask, client: ApiClient, platform: Platform) -> None:
    space = make_space(platform, "other")
    make_user(platform, "boss", list(Permission), space_id=space)
    make_user(platform, "nobody")
    sign_in(app, "boss", "other").request("GET", "/metrics", expect=403)
    sign_in(app, "nobody").request("GET", "/metrics", expect=403)
    ApiClient(app).request("GET", "/metrics", expect=401)
