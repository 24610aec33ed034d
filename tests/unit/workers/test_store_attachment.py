"""`attachments.store`: attachments and avatars, whatever happens to the worker or to what they belong to."""

from __future__ import annotations

import os
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models.entities import Attachment, Embedding, TaskState, User
from models.messages import STORE_ATTACHMENT
from models.payloads import StoreAttachment
from models.permissions import Actor
from models.services import assets, blobs, tasks
from models.services.blob_gc import collect_unreferenced
from models.services.embeddings import put_embeddings
from models.settings import Settings
from models.wiring import Platform
from tests.support.assets import get_task, is_kept, picture, run_removals, run_uploads, sha512_of, stage

DATA = b"a small file\n" * 1000


def submit(platform: Platform, actor: Actor, data: bytes = DATA, **more: object) -> UUID:
    payload = StoreAttachment(pieces=((stage(platform, data), len(data)),), filename="a", **{"type": "PROXY", **more})  # type: ignore[arg-type]
    with platform.unit_of_work() as uow:
        task = tasks.submit(
            uow, STORE_ATTACHMENT, payload, space_id=actor.space_id, title="Store", max_attempts=3, actor=actor
        )
        uow.commit()
    return task.id


def attachments(platform: Platform) -> list[Attachment]:
    with platform.unit_of_work() as uow:
        return list(uow.session.execute(select(Attachment).order_by(Attachment.id)).scalars())


def make_asset(platform: Platform, actor: Actor) -> UUID:
    values = {"sha512": sha512_of(b"asset"), "size": 5, "mime_type": "x/y", "filename": "f", "origin": "test"}
    with platform.unit_of_work() as uow:
        asset = assets.create_asset(uow, actor, values)
        uow.commit()
    return asset.id


def make_embedding(platform: Platform, actor: Actor, asset_id: UUID) -> UUID:
    with platform.unit_of_work() as uow:
        ((embedding, _),) = put_embeddings(uow, actor, asset_id, [{"vector": [1.0]}])
        uow.commit()
    return embedding.id


def avatar_of(platform: Platform, actor: Actor) -> UUID | None:
    with platform.unit_of_work() as uow:
        return uow.session.get_one(User, actor.user_id).avatar_id


def expire(platform: Platform) -> None:
    """Give the part that nobody finished to the next worker."""
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE task_part SET state = 'READY' WHERE state = 'RUNNING'")
        uow.commit()


class Died(Exception):
    """A worker ends here."""


_PLACES = {
    "keep_staged": "workers.handlers.store_attachment.keep_staged",
    "_keep_owner": "workers.handlers.store_attachment._keep_owner",
    "_add": "workers.handlers.store_attachment._add",
    "settle": "models.services.work.settle",
    "clean_up": "workers.handlers.store_attachment.StoreAttachmentHandler.clean_up",
}


@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize("kind", ["PROXY", "USER_AVATAR"])
def test_a_worker_may_die_anywhere(
    platform: Platform, actor: Actor, monkeypatch: pytest.MonkeyPatch, place: str, kind: str
) -> None:
    def die(*_: object) -> None:
        raise Died

    is_avatar = kind == "USER_AVATAR"
    more: dict[str, object] = {"user_uuid": actor.user_id, "type": kind} if is_avatar else {}
    submit(platform, actor, picture(1), **more)
    run_uploads(platform)
    task_id = submit(platform, actor, picture(2), **more)
    with monkeypatch.context() as patch:
        patch.setattr(_PLACES[place], die)
        patch.setattr("workers.runtime.Runtime._until_written", die)
        with pytest.raises(Died):
            run_uploads(platform)
    expire(platform)
    run_uploads(platform)
    task = get_task(platform, task_id)
    assert task.state == TaskState.SUCCEEDED
    assert task.result is not None
    made = [str(each.id) for each in attachments(platform)]
    assert len(made) == (1 if is_avatar else 2)
    assert made[-1] == task.result["attachmentUuid"]
    run_removals(platform)
    assert (is_kept(platform, picture(1)), is_kept(platform, picture(2))) == (not is_avatar, True)
    assert (avatar_of(platform, actor) is not None) == is_avatar


@pytest.mark.parametrize("gone", ["asset", "embedding", "user", "another space's asset"])
def test_what_belongs_to_nothing_any_more_is_not_kept(platform: Platform, actor: Actor, gone: str) -> None:
    asset_id = make_asset(platform, actor)
    more: dict[str, object] = {
        "asset": {"asset_uuid": uuid4()},
        "embedding": {"asset_uuid": asset_id, "embedding_uuid": uuid4()},
        "user": {"user_uuid": uuid4(), "type": "USER_AVATAR"},
        "another space's asset": {"asset_uuid": asset_id},
    }[gone]  # type: ignore[assignment]
    task_id = submit(platform, actor, picture(), **more)
    if gone.startswith("another"):
        with platform.unit_of_work() as uow:
            uow.execute("INSERT INTO space (id, name) VALUES (:id, 'other')", id=uuid4())
            uow.execute("UPDATE asset SET space_id = (SELECT id FROM space WHERE name = 'other')")
            uow.commit()
    run_uploads(platform)
    task = get_task(platform, task_id)
    assert (task.state, task.error_code) == (TaskState.FAILED, "not-found")
    assert not is_kept(platform, picture())


def test_an_embedding_that_moved_meanwhile_is_not_found(platform: Platform, actor: Actor) -> None:
    asset_id = make_asset(platform, actor)
    embedding_id = make_embedding(platform, actor, asset_id)
    task_id = submit(platform, actor, asset_uuid=asset_id, embedding_uuid=embedding_id)
    run_uploads(platform)
    assert get_task(platform, task_id).state == TaskState.SUCCEEDED
    (attachment,) = attachments(platform)
    assert (attachment.asset_id, attachment.embedding_id) == (asset_id, embedding_id)
    task_id = submit(platform, actor, asset_uuid=uuid4(), embedding_uuid=embedding_id)
    run_uploads(platform)
    assert get_task(platform, task_id).error_code == "not-found"


def test_staged_bytes_that_are_gone(platform: Platform, actor: Actor) -> None:
    task_id = submit(platform, actor)
    for key in list((platform.settings.loom_home.blobs / "staging").iterdir()):
        platform.blobs.delete(f"staging/{key.name}")
    run_uploads(platform)
    assert get_task(platform, task_id).error_code == "staging-gone"


def test_a_picture_takes_the_place_of_the_one_before(platform: Platform, actor: Actor) -> None:
    for number in (1, 2, 2):
        submit(platform, actor, picture(number), user_uuid=actor.user_id, type="USER_AVATAR")
        run_uploads(platform)
    run_removals(platform)
    (attachment,) = attachments(platform)
    assert (attachment.id, attachment.creator_id) == (avatar_of(platform, actor), actor.user_id)
    assert (is_kept(platform, picture(1)), is_kept(platform, picture(2))) == (False, True)


def test_the_sweep_knows_attachments(platform: Platform, actor: Actor, settings: Settings) -> None:
    submit(platform, actor)
    run_uploads(platform)
    awaited = submit(platform, actor, DATA + b"2")
    for key in (settings.loom_home.blobs / "staging").iterdir():
        os.utime(key, (0, 0))
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE blob SET created = now() - interval '25 hours'")
        uow.commit()
    assert blobs.remove_stale_staging(platform.unit_of_work, platform.blobs) == 0
    assert collect_unreferenced(platform.unit_of_work, platform.blobs).count == 0
    run_uploads(platform)
    assert get_task(platform, awaited).state == TaskState.SUCCEEDED
    with platform.unit_of_work() as uow:
        uow.execute("DELETE FROM attachment")
        uow.execute("UPDATE blob SET created = now() - interval '25 hours'")
        uow.commit()
    assert collect_unreferenced(platform.unit_of_work, platform.blobs).count == 2
    assert not is_kept(platform, DATA)


def test_removing_an_asset_removes_what_hangs_off_it(platform: Platform, actor: Actor) -> None:
    asset_id = make_asset(platform, actor)
    embedding_id = make_embedding(platform, actor, asset_id)
    submit(platform, actor, asset_uuid=asset_id, embedding_uuid=embedding_id)
    run_uploads(platform)
    with platform.unit_of_work() as uow:
        assets.delete_asset(uow, actor, assets.hold_asset(uow, actor, asset_id))
        uow.commit()
    run_removals(platform)
    with platform.unit_of_work() as uow:
        assert uow.session.get(Embedding, embedding_id) is None
    assert (attachments(platform), is_kept(platform, DATA)) == ([], False)
