"""Makers of elements for the table of access: each call makes a new one, in the space of the administrator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from models import entities as e
from models.bus import WorkerInfo
from models.entities import TaskState
from models.events import ASSET_CREATED, NewEvent
from models.ids import new_id
from models.messages import REINDEX, RUN_PIPELINE, SWEEP, Queue
from models.paths import encode_path
from models.search import IndexHome
from models.services.pipelines import create_pipeline
from models.storage import blob_key
from tests.support.access import Made, Make
from tests.support.access_world import World
from tests.support.documents import Silent
from tests.support.waiting import wait_until
from workers.indexing.feed import Feed


def asset(world: World) -> UUID:
    return world.add(
        e.Asset, sha512=world.sha512(), size=1, mime_type="text/plain", filename=world.word(), origin="test"
    )


def asset_hash(world: World) -> str:
    return world.get(e.Asset, asset(world)).sha512


def upload(world: World) -> UUID:
    """Begin an upload of three bytes."""
    values = {"size": 3, "filename": "a.txt", "origin": "test", "expires": datetime.now(UTC) + timedelta(days=1)}
    row = e.Upload(id=new_id(), space_id=world.space_id, creator_id=world.admin.user_id, **values)
    world.insert(row)
    return row.id


def stored_blob(world: World) -> tuple[str, int]:
    """Keep bytes that nothing else has; gives their hash and size."""
    data = world.word().encode()
    sha512 = hashlib.sha512(data).hexdigest()
    writer = world.platform.blobs.write(blob_key(sha512))
    writer.write(data)
    writer.commit()
    world.insert(e.Blob(sha512=sha512, size=len(data)))
    return sha512, len(data)


def stored_asset(world: World) -> UUID:
    sha512, size = stored_blob(world)
    values = {"sha512": sha512, "blob_sha512": sha512, "size": size, "mime_type": "text/plain"}
    return world.add(e.Asset, filename="a.txt", origin="test", **values)


def awaited_bytes(world: World) -> Made:
    data = world.word().encode()
    values = {"sha512": hashlib.sha512(data).hexdigest(), "size": 0, "mime_type": "text/plain"}
    return {"asset_id": world.add(e.Asset, filename="a.txt", origin="test", **values), "data": data}


def library(world: World) -> UUID:
    return world.add(e.Library, name=world.word())


def library_member(world: World) -> Made:
    made = {"library_id": library(world), "asset_id": asset(world)}
    world.insert(e.LibraryAsset(**made))
    return made


def collection(world: World) -> UUID:
    return world.add(e.Collection, name=world.word())


def collection_member(world: World) -> Made:
    made = {"collection_id": collection(world), "asset_id": asset(world)}
    world.insert(e.CollectionAsset(**made, position=1))
    return made


def tag(world: World) -> UUID:
    return world.add(e.Tag, name=world.word())


def rated_tag(world: World) -> UUID:
    """A tag that everybody has rated."""
    tag_id = tag(world)
    with world.platform.unit_of_work() as uow:
        uow.execute('INSERT INTO tag_rating (tag_id, user_id, rating) SELECT :tag, id, 3 FROM "user"', tag=tag_id)
        uow.commit()
    return tag_id


def tagged_asset(world: World) -> Made:
    made = {"asset_id": asset(world), "tag_id": tag(world), "placement_id": new_id()}
    world.insert(e.AssetTag(id=made["placement_id"], asset_id=made["asset_id"], tag_id=made["tag_id"]))
    return made


def comment(world: World) -> UUID:
    return world.add(e.Comment, asset_id=asset(world), text="words")


def annotation(world: World) -> UUID:
    return world.add(e.Annotation, asset_id=asset(world), type="FEEDBACK", title="words")


def reaction(world: World) -> UUID:
    return world.add(e.Reaction, asset_id=asset(world), type="LIKE")


def reaction_to(column: str, make_target: Callable[[World], UUID], model: Any) -> Make:
    """Make a reaction, and what it is to."""

    def make(world: World) -> Made:
        target_id = make_target(world)
        place = {"asset_id": getattr(world.get(model, target_id), "asset_id", target_id), column: target_id}
        return {"target_id": target_id, "reaction_id": world.add(e.Reaction, type="LIKE", **place)}

    return make


def pool(world: World) -> UUID:
    return world.add(e.Pool, name=world.word(), fs_path=folder(world))


def folder(world: World) -> str:
    path = world.folder / world.word()
    path.mkdir(parents=True)
    return encode_path(bytes(path))


def user(world: World) -> UUID:
    user_id = world.add(e.User, username=world.word())
    world.insert(e.SpaceMember(space_id=world.space_id, user_id=user_id))
    return user_id


def guest(world: World) -> UUID:
    """An account of another space, who may act in this one."""
    user_id = world.add(e.User, username=world.word(), space_id=world.other_space)
    world.insert(*[e.SpaceMember(space_id=each, user_id=user_id) for each in (world.space_id, world.other_space)])
    return user_id


def outsider(world: World) -> UUID:
    """An account of another space, who may not act in this one."""
    user_id = world.add(e.User, username=world.word(), space_id=world.other_space)
    world.insert(e.SpaceMember(space_id=world.other_space, user_id=user_id))
    return user_id


def group(world: World) -> UUID:
    return world.add(e.Group, name=world.word())


def role(world: World) -> UUID:
    return world.add(e.Role, name=world.word())


def group_user(world: World) -> Made:
    made = {"group_id": group(world), "user_id": user(world)}
    world.insert(e.GroupUser(**made))
    return made


def group_role(world: World) -> Made:
    made = {"group_id": group(world), "role_id": role(world)}
    world.insert(e.GroupRole(**made))
    return made


def grant(world: World) -> Made:
    made = {"element_id": role(world), "grant_id": new_id()}
    scope = {"permission": "READ_ASSET", "library_id": library(world)}
    world.insert(e.RoleGrant(id=made["grant_id"], role_id=made["element_id"], **scope))
    return made


def home_space(world: World) -> UUID:
    return world.space_id


def space(world: World) -> UUID:
    space_id = new_id()
    world.insert(e.Space(id=space_id, name=world.word()))
    return space_id


def token(world: World) -> UUID:
    secret = world.word().encode()
    return world.add(e.Token, name=world.word(), user_id=world.admin.user_id, secret_sha256=secret)


def session(world: World) -> UUID:
    values = {
        "means": "password",
        "address": "127.0.0.1",
        "agent": "",
        "expires": datetime.now(UTC) + timedelta(days=1),
    }
    return world.add(e.LoginSession, user_id=world.admin.user_id, **values)


def blacklisted(world: World) -> UUID:
    return world.add(e.Blacklist, sha512=world.sha512())


def webhook(world: World) -> UUID:
    return world.add(e.Webhook, url="https://example.org/hook")


def pipeline(world: World) -> UUID:
    with world.platform.unit_of_work() as uow:
        made = create_pipeline(uow, world.admin, {"name": world.word()})
        uow.commit()
    return made.id


def delivery(world: World) -> Made:
    """A delivery of a webhook."""
    webhook_id = webhook(world)
    body = f'{{"spaceUuid": "{world.admin.space_id}", "data": {{}}}}'
    told = {"id": new_id(), "webhook_id": webhook_id, "type": "tag.created", "subject_id": new_id(), "body": body}
    with world.platform.unit_of_work() as uow:
        uow.session.add(e.WebhookDelivery(**told))
        uow.commit()
    return {"element_id": webhook_id, "delivery_id": told["id"]}


def pipeline_run(world: World) -> Made:
    """A run of a pipeline, with an item."""
    pipeline_id = pipeline(world)
    payload = {"pipeline_uuid": str(pipeline_id), "version": 1, "dry_run": False}
    run_id = world.add(
        e.Task, kind=RUN_PIPELINE.name, title="Run", payload=payload, priority=1, max_attempts=3,
        state=TaskState.PENDING, subject_id=pipeline_id,
    )  # fmt: skip
    with world.platform.unit_of_work() as uow:
        uow.session.add(
            e.RunItem(task_id=run_id, index=0, asset_id=asset(world), sha512=bytes(64), filename="a", size=1,
                      state="SUCCESS", duration_ms=1, results=b"[]")
        )  # fmt: skip
        uow.commit()
    return {"element_id": pipeline_id, "run_id": run_id, "item_id": UUID(int=1)}


def _task(world: World, state: TaskState, **values: Any) -> UUID:
    return world.add(
        e.Task, kind=SWEEP.name, title="Sweep", payload={}, priority=1, max_attempts=3, state=state, **values
    )


def waiting_task(world: World) -> UUID:
    return _task(world, TaskState.PENDING)


def ended_task(world: World) -> UUID:
    return _task(world, TaskState.FAILED, error_code="internal")


def worker(world: World) -> str:
    name = f"host:1:{world.word()}"
    world.platform.bus.announce(WorkerInfo(name, (Queue.BULK,)), 60)
    return name


def index_job(world: World) -> UUID:
    job = _task(world, TaskState.PENDING)
    with world.platform.unit_of_work() as uow:
        uow.execute("UPDATE task SET kind = :kind WHERE id = :id", kind=REINDEX.name, id=job)
        uow.commit()
    return job


def _count_assets(world: World) -> int:
    with world.platform.reading() as uow:
        return int(uow.fetch("SELECT count(*) FROM asset")[0][0])


def indexed_asset(world: World) -> Made:
    asset_id = asset(world)
    with world.platform.unit_of_work() as uow:
        uow.publish(NewEvent(ASSET_CREATED, world.space_id, asset_id))
        uow.commit()
    with Feed(world.platform, IndexHome(world.platform.settings.loom_home.index), Silent()) as feed:
        feed.run_once()
    # Readers look for a new commit now and then only.
    wait_until(lambda: (world.platform.search.document_count() or 0) >= _count_assets(world))
    return {"asset_id": asset_id}
