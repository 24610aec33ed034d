"""Stored bytes that nothing refers to are found and removed, and no others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models.ids import new_id
from models.messages import COLLECT_GARBAGE
from models.payloads import CollectGarbage
from models.permissions import Actor
from models.services import tasks
from models.services.blob_gc import collect_unknown
from models.storage import blob_key, staging_key
from models.wiring import Platform
from tests.support.assets import run_uploads, sha512_of, submit_upload
from tests.support.client import ApiClient
from tests.support.platforms import execute, rows
from tests.support.working import meanwhile
from workers.inline import run_all

_DAYS = 2 * 24 * 3600


def _keep(platform: Platform, data: bytes) -> str:
    """Store bytes that Loom does not know, of two days ago."""
    key = blob_key(sha512_of(data))
    writer = platform.blobs.write(key)
    writer.write(data)
    writer.commit()
    path = platform.settings.loom_home.blobs / key
    os.utime(path, (time.time() - _DAYS,) * 2)
    return key


def _collect(platform: Platform, actor: Actor, **options: Any) -> dict[str, Any]:
    with platform.unit_of_work() as uow:
        task = tasks.submit(
            uow, COLLECT_GARBAGE, CollectGarbage(**options), space_id=actor.space_id, title="gc", max_attempts=1,
            actor=actor,
        )  # fmt: skip
        uow.commit()
    run_all(platform)
    with platform.unit_of_work() as uow:
        result = tasks.get_task(uow, actor, task.id).result
    assert result is not None
    return result


@pytest.fixture
def filled(platform: Platform, actor: Actor) -> Platform:
    """One content in use, one that lost its asset, one that nobody knows, and one that is new."""
    for data in (b"used", b"unused"):
        submit_upload(platform, actor, data)
    run_uploads(platform)
    execute(platform, "UPDATE blob SET created = now() - interval '2 days'")
    execute(platform, f"DELETE FROM asset WHERE sha512 = decode('{sha512_of(b'unused')}', 'hex')")
    _keep(platform, b"unknown")
    writer = platform.blobs.write(blob_key(sha512_of(b"new")))
    writer.write(b"new")
    writer.commit()
    return platform


def _stored(platform: Platform) -> set[bytes]:
    return {data for data in (b"used", b"unused", b"unknown", b"new") if platform.blobs.size(blob_key(sha512_of(data)))}


def test_only_what_nothing_refers_to_goes(filled: Platform, actor: Actor) -> None:
    assert _collect(filled, actor) == {"dryRun": False, "unreferenced": 1, "unknown": 1, "bytes": 13}
    assert _stored(filled) == {b"used", b"new"}
    assert rows(filled, "SELECT count(*) FROM blob") == [(1,)]
    assert _collect(filled, actor) == {"dryRun": False, "unreferenced": 0, "unknown": 0, "bytes": 0}


def test_a_dry_run_removes_nothing(filled: Platform, actor: Actor) -> None:
    assert _collect(filled, actor, dry_run=True) == {"dryRun": True, "unreferenced": 1, "unknown": 1, "bytes": 13}
    assert _stored(filled) == {b"used", b"unused", b"unknown", b"new"}


def test_operators_ask_for_it(filled: Platform, client: ApiClient) -> None:
    body = {"kind": "storage.gc", "payload": {"dryRun": True, "graceHours": 1}}
    task = client.post("/tasks", body, expect=202)
    assert task["payload"] == {"dryRun": True, "graceHours": 1}
    run_all(filled)
    assert client.get(f"/tasks/{task['uuid']}")["result"]["bytes"] == 13
    client.post("/tasks", {**body, "payload": {"graceHours": 0}}, expect=400)
    client.post("/tasks", {**body, "payload": {"hours": 1}}, expect=400)
    kinds = {kind["kind"]: kind["payload"]["properties"] for kind in client.get("/tasks/kinds")["data"]}
    assert set(kinds["storage.gc"]) == {"dryRun", "graceHours"}


def test_what_is_younger_than_the_grace_stays(filled: Platform, actor: Actor) -> None:
    assert _collect(filled, actor, grace_hours=72)["bytes"] == 0
    assert _stored(filled) == {b"used", b"unused", b"unknown", b"new"}


def test_other_things_in_the_folder_are_let_be(filled: Platform, actor: Actor) -> None:
    folder = filled.settings.loom_home.blobs
    sha512 = "ab" * 64
    for name in ("README", "ab/notes", f"xy/zz/{sha512}", f"ab/{sha512}", "ab/ab/short", staging_key(new_id())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (time.time() - _DAYS,) * 2)
    assert _collect(filled, actor)["unknown"] == 1
    assert (folder / f"ab/{sha512}").exists()


def test_uploads_of_the_same_content_at_the_same_time_lose_nothing(platform: Platform, actor: Actor) -> None:
    collect: Callable[[], object] = lambda: collect_unknown(  # noqa: E731
        platform.unit_of_work, platform.blobs, timedelta(seconds=-60)
    )
    with meanwhile(collect):
        for number in range(40):
            submit_upload(platform, actor, b"%d" % (number % 5))
            run_uploads(platform)
    found = rows(platform, "SELECT encode(blob_sha512, 'hex') FROM asset")
    assert len(found) == 5
    assert all(platform.blobs.size(blob_key(sha512)) for (sha512,) in found)
