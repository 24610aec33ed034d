"""Diagnostics of tasks: asked for with the task, found out as its parts run, and for operators alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

from models.messages import SWEEP
from models.permissions import Actor, Permission
from models.services.diagnostics import MOST_PARTS, want
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.handlers import Engine, OneStep
from tests.support.people import make_user, sign_in
from workers.inline import run_all

_BOTH = {"X-Task-Diagnostics": "profile, memory"}
_SWEEP = {"kind": "maintenance.sweep"}


def _names(client: ApiClient, task: str) -> list[str]:
    return [each["name"] for each in client.get(f"/tasks/{task}/diagnostics")["data"]]


def test_profile_and_memory(client: ApiClient, platform: Platform) -> None:
    task = client.request("POST", "/tasks", _SWEEP, headers=_BOTH, expect=202).json["uuid"]
    assert _names(client, task) == []
    run_all(platform)
    assert client.get(f"/tasks/{task}")["state"] == "SUCCEEDED"
    assert _names(client, task) == ["memory-0-1.json", "profile-0-1.speedscope.json", "profile-0-1.txt"]
    text = client.request("GET", f"/tasks/{task}/diagnostics/profile-0-1.txt")
    assert "sweep.py" in text.text
    assert text.headers["X-Content-Type-Options"] == "nosniff"
    memory = client.get(f"/tasks/{task}/diagnostics/memory-0-1.json")
    assert memory["unit"] == "bytes"
    assert memory["peak"] >= memory["begin"] > 1024**2
    assert len(memory["samples"]) >= 2
    assert client.get(f"/tasks/{task}/diagnostics/profile-0-1.speedscope.json")["profiles"]
    client.get(f"/tasks/{task}/diagnostics/nothing", expect=404)
    client.delete(f"/tasks/{task}", expect=204)
    client.get(f"/tasks/{task}/diagnostics", expect=404)


def test_only_of_the_request_that_asks(client: ApiClient, platform: Platform) -> None:
    client.request("POST", "/tasks", _SWEEP, headers=_BOTH, expect=202)
    plain = client.post("/tasks", _SWEEP, expect=202)["uuid"]
    run_all(platform)
    assert _names(client, plain) == []
    client.request("POST", f"/tasks/{plain}/retry", {"items": "all"}, headers=_BOTH, expect=202)
    run_all(platform)
    assert _names(client, plain) == ["memory-0-1.json", "profile-0-1.speedscope.json", "profile-0-1.txt"]


def test_what_cannot_be_found_out_is_refused(client: ApiClient) -> None:
    wrong: dict[str, Any] = {"X-Task-Diagnostics": "profile, colour"}
    answer = client.request("POST", "/tasks", _SWEEP, headers=wrong, expect=400)
    assert answer.json["message"] == "X-Task-Diagnostics: 'colour' is not one of profile, memory"
    assert client.get("/tasks")["data"] == []


def test_nobody_else_may_ask(app: Flask, client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    allowed = [Permission.CREATE_ASSET_POOL, Permission.READ_ASSET_POOL, Permission.UPDATE_ASSET_POOL]
    make_user(platform, "mary", allowed)
    mary = sign_in(app, "mary")
    media = tmp_path / "media"
    media.mkdir()
    pool = mary.post("/asset-pools", {"name": "p", "fsPath": str(media)}, expect=201)["uuid"]
    mary.request("POST", f"/asset-pools/{pool}/scan", headers=_BOTH, expect=403)
    assert client.get("/tasks")["data"] == []
    task = mary.post(f"/asset-pools/{pool}/scan", expect=202)["uuid"]
    mary.get(f"/tasks/{task}/diagnostics", expect=403)


def test_a_part_that_fails_tells_how_it_ran(platform: Platform, actor: Actor) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("on purpose")

    engine = Engine(platform, actor)
    want(["memory"])
    task_id = engine.submit(SWEEP)
    want([])
    engine.run_all(OneStep(fail))
    with platform.reading() as uow:
        names = uow.fetch("SELECT name FROM task_diagnostic WHERE task_id = %(task)s", task=task_id)
    assert names == [("memory-0-1.json",)]


def test_of_many_parts_the_first_ones_are_looked_at(client: ApiClient, platform: Platform, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    for number in range(MOST_PARTS * 40):
        (media / f"{number}.txt").write_text(str(number))
    pool = client.post("/asset-pools", {"name": "p", "fsPath": str(media)}, expect=201)["uuid"]
    memory = {"X-Task-Diagnostics": "memory"}
    task = client.request("POST", f"/asset-pools/{pool}/scan", headers=memory, expect=202).json["uuid"]
    run_all(platform)
    parts = {int(name.split("-")[1]) for name in _names(client, task)}
    assert parts <= set(range(MOST_PARTS))
    assert len(parts) > 1
