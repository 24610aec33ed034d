"""Files and stored bytes that are not what they were when they were hashed are found, and nothing else is changed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from models.messages import VERIFY_POOL
from models.payloads import VerifyPool
from models.permissions import Actor, Permission
from models.services import tasks
from models.services.task_items import list_items
from models.storage import blob_key
from models.wiring import Platform
from tests.support.assets import run_uploads, sha512_of, submit_upload
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import rows
from tests.support.scanner import Scanner
from workers.inline import run_all


def verify(platform: Platform, actor: Actor, **options: Any) -> Any:
    with platform.unit_of_work() as uow:
        task = tasks.submit(
            uow, VERIFY_POOL, VerifyPool(**options), space_id=actor.space_id, title="verify", max_attempts=1,
            actor=actor, subject_id=options.get("pool_uuid"),
        )  # fmt: skip
        uow.commit()
    run_all(platform)
    with platform.unit_of_work() as uow:
        return tasks.get_task(uow, actor, task.id)


def counts(task: Any) -> dict[str, int]:
    result = dict(task.result)
    result.pop("next")
    return {name: count for name, count in result.items() if count}


def harm(place: Path, data: bytes) -> None:
    """Change bytes as a failing disk does: nobody has written to the file."""
    times = place.stat()
    place.write_bytes(data)
    os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.fixture
def filled(scanner: Scanner) -> Scanner:
    for number in range(6):
        scanner.write(f"{number}", b"content %d" % number)
    scanner.scan()
    return scanner


def test_right_files_are_right(filled: Scanner) -> None:
    os.utime(filled.root / "1")
    os.chmod(filled.root / "2", 0o600)
    assert counts(verify(filled.platform, filled.actor, pool_uuid=filled.pool_id)) == {"verified": 6}


def test_damage_is_told_from_change(filled: Scanner) -> None:
    before = rows(filled.platform, "SELECT * FROM location ORDER BY id")
    harm(filled.root / "0", b"Content 0")
    harm(filled.root / "1", b"cont")
    filled.write("2", b"somebody has written")
    (filled.root / "3").unlink()
    (filled.root / "4").unlink()
    (filled.root / "4").symlink_to(filled.root / "5")
    task = verify(filled.platform, filled.actor, pool_uuid=filled.pool_id)
    assert counts(task) == {
        "verified": 1, "content-corrupt": 1, "content-truncated": 1, "file-changed": 1, "file-vanished": 2,
    }  # fmt: skip
    assert (task.state, task.done, task.failed, task.skipped) == ("PARTIAL", 1, 2, 3)
    told = {item.subject: (item.state, item.code) for item in filled.items(task)}
    assert told["0"] == ("FAILED", "content-corrupt")
    assert told["2"] == ("SKIPPED", "file-changed")
    assert rows(filled.platform, "SELECT * FROM location ORDER BY id") == before


def test_a_share_goes_around(filled: Scanner) -> None:
    seen = []
    for _ in range(3):
        task = verify(filled.platform, filled.actor, pool_uuid=filled.pool_id, share=0.5)
        assert counts(task) == {"verified": 3}
        seen.append(bytes.fromhex(task.result["next"]))
    assert seen == [b"2", b"5", b"2"]


def test_a_pace_is_kept(filled: Scanner) -> None:
    filled.write("large", bytes(4096))
    filled.scan()
    begun = time.monotonic()
    verify(filled.platform, filled.actor, pool_uuid=filled.pool_id, bytes_per_second=4096)
    assert time.monotonic() - begun > 0.9


def test_a_root_that_is_away_is_no_damage(filled: Scanner) -> None:
    filled.root.rename(filled.root.with_name("aside"))
    task = verify(filled.platform, filled.actor, pool_uuid=filled.pool_id)
    assert {item.code for item in filled.items(task)} == {"pool-root-absent"}


def test_stored_bytes(platform: Platform, actor: Actor) -> None:
    for number in range(4):
        submit_upload(platform, actor, b"content %d" % number)
    run_uploads(platform)
    folder = platform.settings.loom_home.blobs
    harm(folder / blob_key(sha512_of(b"content 0")), b"Content 0")
    harm(folder / blob_key(sha512_of(b"content 1")), b"")
    platform.blobs.delete(blob_key(sha512_of(b"content 2")))
    task = verify(platform, actor)
    assert counts(task) == {"verified": 1, "content-corrupt": 2, "content-missing": 1}
    with platform.unit_of_work() as uow:
        subjects = {item.subject for item in list_items(uow, task.id, "FAILED", -1, 10)}
    assert subjects == {sha512_of(b"content %d" % number) for number in range(3)}


def test_an_empty_pool(scanner: Scanner) -> None:
    assert counts(verify(scanner.platform, scanner.actor, pool_uuid=scanner.pool_id)) == {}


def test_who_may_change_a_pool_may_have_it_verified(platform: Platform, client: ApiClient, filled: Scanner) -> None:
    body = {"kind": "pools.verify", "payload": {"poolUuid": str(filled.pool_id), "share": 0.1}}
    task = client.post("/tasks", body, expect=202)
    assert task["subjectUuid"] == str(filled.pool_id)
    make_user(platform, "reader", [Permission.CREATE_TASK, Permission.READ_ASSET_POOL])
    make_user(platform, "stranger", [Permission.CREATE_TASK])
    reader, stranger = (sign_in(client.app, name) for name in ("reader", "stranger"))
    reader.post("/tasks", body, expect=403)
    stranger.post("/tasks", body, expect=404)
    stranger.post("/tasks", {"kind": "pools.verify"}, expect=403)
    for payload in ({"share": 0}, {"share": 2}, {"bytesPerSecond": 1}, {"poolUuid": "x"}):
        client.post("/tasks", {"kind": "pools.verify", "payload": payload}, expect=400)


def test_chunks_are_noted_on_request(scanner: Scanner) -> None:
    torn = bytes(range(256)) * 20_000 + bytes(4096 * 30)
    scanner.write("torn", torn)
    scanner.write("small", b"small")
    scanner.scan()
    stored = torn + b"stored"
    submit_upload(scanner.platform, scanner.actor, stored)
    run_uploads(scanner.platform)
    query = "SELECT filename, size, zero_chunk_count, chunk_hash FROM asset ORDER BY size"
    verify(scanner.platform, scanner.actor, pool_uuid=scanner.pool_id)
    assert {row[2:] for row in rows(scanner.platform, query)} == {(None, None)}
    for _ in range(2):
        verify(scanner.platform, scanner.actor, pool_uuid=scanner.pool_id, chunks=True)
        verify(scanner.platform, scanner.actor, chunks=True)
        prefix = hashlib.sha256(torn[: 5 * 1024**2]).hexdigest()
        assert rows(scanner.platform, query) == [
            ("small", 5, 0, hashlib.sha256(b"small").hexdigest()), ("torn", len(torn), 30, prefix),
            ("a.txt", len(stored), 30, prefix),
        ]  # fmt: skip
    told = "SELECT count(*) FROM event WHERE type = 'asset.updated'"
    assert rows(scanner.platform, told) == [(3,)]
