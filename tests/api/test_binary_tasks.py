"""Storing and removing bytes: the tasks themselves, on a real database and a real folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

from models.entities import Asset, TaskState
from models.errors import NotFound
from models.permissions import ALL_GRANTS, Actor
from models.services import assets, blobs
from models.services.asset_bytes import asset_source, open_source
from models.services.asset_views import view_asset
from models.services.blob_gc import collect_unreferenced
from models.settings import Settings
from models.storage import Piece, blob_key
from models.wiring import Platform
from tests.support.assets import (
    add_pool_file,
    find_asset,
    get_task,
    is_kept,
    make_space,
    run_removals,
    run_uploads,
    sha512_of,
    stage,
    staged,
    submit_upload,
    upload,
)
from workers.handlers.store_binary import StoreBinaryHandler

DATA = b"the bytes of a document\n" * 100_000


@pytest.fixture
def other(platform: Platform, actor: Actor) -> Actor:
    return make_space(platform, actor, "other")


def delete(platform: Platform, actor: Actor, asset_id: UUID | str) -> None:
    with platform.unit_of_work() as uow:
        assets.delete_asset(uow, actor, assets.hold_asset(uow, actor, asset_id))
        uow.commit()


def make_asset(platform: Platform, actor: Actor, data: bytes, **changes: Any) -> Asset:
    values = {"sha512": sha512_of(data), "size": len(data), "mime_type": "x/y", "filename": "f", "origin": "test"}
    with platform.unit_of_work() as uow:
        asset = assets.create_asset(uow, actor, {**values, **changes})
        uow.commit()
    return asset


def events(platform: Platform) -> list[str]:
    with platform.unit_of_work() as uow:
        return [str(row[0]) for row in uow.execute("SELECT type FROM event WHERE type LIKE 'asset.%' ORDER BY id")]


def read_source(platform: Platform, asset: Asset) -> bytes:
    with platform.reading() as uow:
        source = asset_source(view_asset(uow, Actor(UUID(int=0), asset.space_id, "", ALL_GRANTS), asset.id))
    reader = open_source(platform.blobs, source)
    try:
        return reader.read(source.size + 1)
    finally:
        reader.close()


def test_an_upload_becomes_an_asset_with_its_bytes(platform: Platform, actor: Actor) -> None:
    task = upload(platform, actor, DATA, "report.md")
    asset = find_asset(platform, DATA, actor)
    assert asset is not None
    assert task.state == TaskState.SUCCEEDED
    assert task.result == {
        "assetUuid": str(asset.id), "sha512": sha512_of(DATA), "size": len(DATA), "mimeType": "text/markdown",
        "status": "CREATED",
    }  # fmt: skip
    assert (asset.filename, asset.origin, asset.mime_type) == ("report.md", "upload", "text/markdown")
    assert (asset.creator_id, asset.blob_sha512, task.bytes_done) == (actor.user_id, asset.sha512, len(DATA))
    assert is_kept(platform, DATA)
    assert read_source(platform, asset) == DATA
    assert staged(platform) == []
    assert events(platform) == ["asset.created", "asset.uploaded"]


def test_the_same_bytes_again_are_the_same_asset_and_one_blob(platform: Platform, actor: Actor) -> None:
    first = upload(platform, actor, DATA, "a.txt").result
    second = upload(platform, actor, DATA, "b.txt").result
    assert first is not None
    assert second == {**first, "status": "EXISTING"}
    assert staged(platform) == []
    assert events(platform) == ["asset.created", "asset.uploaded"]


def test_an_empty_upload_is_an_asset_too(platform: Platform, actor: Actor) -> None:
    result = upload(platform, actor, b"", "nothing").result
    assert result is not None
    assert (result["size"], result["mimeType"]) == (0, "application/x-empty")
    assert is_kept(platform, b"")


def test_bytes_that_an_asset_awaits_are_attached_to_it(platform: Platform, actor: Actor) -> None:
    asset = make_asset(platform, actor, DATA)
    assert upload(platform, actor, DATA, "other-name", asset.id).state == TaskState.SUCCEEDED
    stored = find_asset(platform, DATA, actor)
    assert stored is not None
    assert (stored.id, stored.filename, stored.blob_sha512) == (asset.id, "f", sha512_of(DATA))
    assert stored.mime_type == "text/plain"
    assert events(platform) == ["asset.created", "asset.updated", "asset.uploaded"]


def test_other_bytes_than_the_assets_are_refused_and_nothing_is_kept(platform: Platform, actor: Actor) -> None:
    asset = make_asset(platform, actor, DATA)
    task = upload(platform, actor, b"something else", "a", asset.id)
    assert (task.state, task.error_code) == (TaskState.FAILED, "hash-mismatch")
    assert not is_kept(platform, b"something else")
    assert find_asset(platform, b"something else", actor) is None


def test_an_asset_of_another_space_cannot_be_given_bytes(platform: Platform, actor: Actor, other: Actor) -> None:
    asset = make_asset(platform, actor, DATA)
    task = upload(platform, other, DATA, "a", asset.id)
    assert (task.state, task.error_code) == (TaskState.FAILED, "not-found")
    assert not is_kept(platform, DATA)


def test_an_upload_whose_bytes_are_gone_says_so(platform: Platform, actor: Actor) -> None:
    task_id = submit_upload(platform, actor, DATA)
    for key in staged(platform):
        platform.blobs.delete(key)
    run_uploads(platform)
    task = get_task(platform, task_id)
    assert (task.state, task.error_code) == (TaskState.FAILED, "staging-gone")


class Died(Exception):
    """A worker ends here."""


@pytest.mark.parametrize("place", ["keep_staged", "store_content", "settle", "clean_up"])
def test_a_worker_may_die_anywhere_and_the_next_one_comes_to_the_same_end(
    platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def die(*_: object) -> None:
        raise Died

    target = {
        "keep_staged": "workers.handlers.store_binary.keep_staged",
        "store_content": "workers.handlers.store_binary.store_content",
        "settle": "models.services.work.settle",
        "clean_up": "workers.handlers.store_binary.StoreBinaryHandler.clean_up",
    }[place]
    task_id = submit_upload(platform, actor, DATA)
    with monkeypatch.context() as patch:
        patch.setattr(target, die)
        patch.setattr("workers.runtime.Runtime._until_written", die)
        with pytest.raises(Died):
            run_uploads(platform)
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE task_part SET state = 'READY' WHERE state = 'RUNNING'")
        uow.commit()
    run_uploads(platform)
    assert get_task(platform, task_id).state == TaskState.SUCCEEDED
    assert find_asset(platform, DATA, actor) is not None
    assert is_kept(platform, DATA)
    assert events(platform) == ["asset.created", "asset.uploaded"]


def test_deleting_the_only_asset_removes_its_bytes(platform: Platform, actor: Actor) -> None:
    upload(platform, actor, DATA)
    delete(platform, actor, sha512_of(DATA))
    assert is_kept(platform, DATA)
    run_removals(platform)
    assert not is_kept(platform, DATA)
    assert find_asset(platform, DATA, actor) is None
    assert events(platform)[-1] == "asset.deleted"


def test_two_spaces_share_bytes_and_the_last_one_takes_them_along(
    platform: Platform, actor: Actor, other: Actor
) -> None:
    for owner in (actor, other):
        result = upload(platform, owner, DATA).result
        assert result is not None
        assert result["status"] == "CREATED"
    delete(platform, actor, sha512_of(DATA))
    run_removals(platform)
    asset = find_asset(platform, DATA, other)
    assert asset is not None
    assert read_source(platform, asset) == DATA
    delete(platform, other, asset.id)
    run_removals(platform)
    assert not is_kept(platform, DATA)


def test_an_upload_between_the_deletion_and_its_task_keeps_the_bytes(platform: Platform, actor: Actor) -> None:
    upload(platform, actor, DATA)
    delete(platform, actor, sha512_of(DATA))
    upload(platform, actor, DATA)
    run_removals(platform)
    assert is_kept(platform, DATA)


def test_bytes_that_were_lost_are_healed_by_the_next_upload(platform: Platform, actor: Actor) -> None:
    upload(platform, actor, DATA)
    platform.blobs.delete(blob_key(sha512_of(DATA)))
    upload(platform, actor, DATA)
    assert is_kept(platform, DATA)


def test_storing_and_deleting_at_the_same_time_never_loses_bytes(platform: Platform, actor: Actor) -> None:
    def store() -> None:
        for _ in range(12):
            upload(platform, actor, DATA)

    def remove() -> None:
        for _ in range(40):
            with suppress(NotFound):
                delete(platform, actor, sha512_of(DATA))
            run_removals(platform)

    threads = [Thread(target=store), Thread(target=store), Thread(target=remove)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_uploads(platform)
    run_removals(platform)
    asset = find_asset(platform, DATA, actor)
    assert is_kept(platform, DATA) == (asset is not None)
    with platform.unit_of_work() as uow:
        failed = uow.execute("SELECT error_code FROM task WHERE state NOT IN ('SUCCEEDED')").all()
    assert failed == []
    assert staged(platform) == []


def test_two_spaces_that_delete_at_the_same_time_leave_no_bytes(platform: Platform, actor: Actor, other: Actor) -> None:
    for round_number in range(10):
        data = DATA + bytes([round_number])
        for owner in (actor, other):
            upload(platform, owner, data)
        threads = [Thread(target=delete, args=(platform, owner, sha512_of(data))) for owner in (actor, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run_removals(platform)
        assert not is_kept(platform, data)


def test_a_file_of_a_pool_is_read_while_it_is_the_one_that_was_hashed(
    platform: Platform, actor: Actor, tmp_path: Path
) -> None:
    asset = make_asset(platform, actor, DATA)
    with pytest.raises(NotFound):
        read_source(platform, asset)
    file = tmp_path / "file"
    file.write_bytes(DATA)
    add_pool_file(platform, actor, asset, file)
    assert read_source(platform, asset) == DATA
    file.write_bytes(DATA[::-1])
    os.utime(file, ns=(0, 0))
    with pytest.raises(NotFound):
        read_source(platform, asset)
    delete(platform, actor, asset.id)
    assert file.exists()


def test_a_symlink_in_place_of_a_pool_file_is_not_followed(platform: Platform, actor: Actor, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    (tmp_path / "pool").mkdir()
    link = tmp_path / "pool" / "link"
    link.symlink_to(secret)
    asset = make_asset(platform, actor, DATA)
    add_pool_file(platform, actor, asset, link)
    with pytest.raises(NotFound):
        read_source(platform, asset)


def test_the_sweep_removes_old_staged_bytes_but_not_those_of_open_tasks(
    platform: Platform, actor: Actor, settings: Settings
) -> None:
    awaited = submit_upload(platform, actor, DATA)
    stage(platform, b"abandoned")
    for key in staged(platform):
        os.utime(settings.loom_home.blobs / key, (0, 0))
    fresh = stage(platform, b"just now")
    assert blobs.remove_stale_staging(platform.unit_of_work, platform.blobs) == 1
    assert len(staged(platform)) == 2
    run_uploads(platform)
    assert get_task(platform, awaited).state == TaskState.SUCCEEDED
    assert staged(platform) == [fresh]


def test_the_sweep_removes_bytes_that_no_asset_came_to_refer_to(platform: Platform, actor: Actor) -> None:
    upload(platform, actor, DATA)
    with platform.unit_of_work() as uow:
        blobs.keep_blob(uow, platform.blobs, sha512_of(b"orphan"), 6, [Piece(stage(platform, b"orphan"), 6)])
        uow.commit()
    assert collect_unreferenced(platform.unit_of_work, platform.blobs).count == 0
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE blob SET created = now() - interval '25 hours'")
        uow.commit()
    assert collect_unreferenced(platform.unit_of_work, platform.blobs).count == 1
    assert not is_kept(platform, b"orphan")
    assert is_kept(platform, DATA)


def test_a_large_upload_is_hashed_in_pieces(platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.handlers.staged._CHUNK_BYTES", 1000)
    assert upload(platform, actor, DATA).state == TaskState.SUCCEEDED
    assert StoreBinaryHandler.kind.name == "assets.store-binary"
