"""Makers of what assets are made of, for the table of access: as `access_makers`."""

from __future__ import annotations

from uuid import UUID

from models import entities as e
from models.entities import AttachmentType, ComponentType
from models.ids import new_id
from models.services.diagnostics import NewFile, keep
from tests.support.access import Made
from tests.support.access_makers import asset, ended_task, pool, stored_blob, user
from tests.support.access_world import World

DIAGNOSTIC = "profile-0-1.txt"


def diagnosed_task(world: World) -> UUID:
    task = ended_task(world)
    with world.platform.unit_of_work() as uow:
        keep(uow, task, [NewFile(DIAGNOSTIC, "text/plain", "All of it")])
        uow.commit()
    return task


def component(world: World) -> UUID:
    return world.add(e.Component, asset_id=asset(world), type=ComponentType.IMAGE, payload={"width": 1})


def component_of_asset(world: World) -> Made:
    component_id = component(world)
    return {"element_id": component_id, "asset_id": world.get(e.Component, component_id).asset_id}


def embedding(world: World) -> UUID:
    return world.add(e.Embedding, asset_id=asset(world), vector=[1.0, 2.0], dimensions=2)


def attachment(world: World) -> UUID:
    return _attachment(world, AttachmentType.ASSET_THUMBNAIL, asset(world))


def _attachment(world: World, kind: AttachmentType, asset_id: UUID | None) -> UUID:
    sha512, size = stored_blob(world)
    values = {"type": kind, "filename": "a.txt", "mime_type": "text/plain", "size": size}
    return world.add(e.Attachment, asset_id=asset_id, blob_sha512=sha512, **values)


def location(world: World) -> UUID:
    location_id = new_id()
    numbers = dict.fromkeys(("device", "inode", "size", "mtime_ns", "ctime_ns"), 1)
    world.insert(e.Location(id=location_id, pool_id=pool(world), asset_id=asset(world), path=b"a.txt", **numbers))
    return location_id


def declared_binary(world: World) -> UUID:
    return world.add(e.AssetBinary, asset_id=asset(world), path=f"/{world.word()}")


def pictured_user(world: World) -> UUID:
    user_id = user(world)
    _picture(world, user_id)
    return user_id


def everybody_pictured(world: World) -> Made:
    """Give all callers a picture."""
    for actor in world.people.values():
        _picture(world, actor.user_id)
    return {}


def _picture(world: World, user_id: UUID) -> None:
    picture = _attachment(world, AttachmentType.USER_AVATAR, None)
    with world.platform.unit_of_work() as uow:
        uow.session.get_one(e.User, user_id).avatar_id = picture
        uow.commit()
