"""Bytes and assets for tests."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.entities import Asset, Library, LibraryAsset, Location, Pool, Task
from models.ids import new_id
from models.messages import DELETE_BLOB, STORE_BINARY
from models.paths import encode_path
from models.payloads import StoreBinary
from models.permissions import Actor
from models.services import tasks
from models.storage import blob_key, staging_key
from models.wiring import Platform
from tests.support.client import ApiClient
from workers.inline import run_one

DATA = bytes(range(256)) * 8000


def sha512_of(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


def stage(platform: Platform, data: bytes) -> str:
    key = staging_key(new_id())
    writer = platform.blobs.write(key)
    writer.write(data)
    writer.commit()
    return key


def submit_upload(
    platform: Platform, actor: Actor, data: bytes, filename: str = "a.txt", asset_id: UUID | None = None
) -> UUID:
    payload = StoreBinary(pieces=((stage(platform, data), len(data)),), filename=filename, asset_uuid=asset_id)
    with platform.unit_of_work() as uow:
        task = tasks.submit(
            uow, STORE_BINARY, payload, space_id=actor.space_id, title="Store", max_attempts=3, actor=actor
        )
        uow.commit()
        return task.id


def run_uploads(platform: Platform) -> None:
    while run_one(platform, STORE_BINARY.queue):
        pass


def run_removals(platform: Platform) -> None:
    while run_one(platform, DELETE_BLOB.queue):
        pass


def upload(
    platform: Platform, actor: Actor, data: bytes, filename: str = "a.txt", asset_id: UUID | None = None
) -> Task:
    """Store bytes the way a request and a worker do; gives the ended task."""
    task_id = submit_upload(platform, actor, data, filename, asset_id)
    run_uploads(platform)
    return get_task(platform, task_id)


def get_task(platform: Platform, task_id: UUID) -> Task:
    with platform.unit_of_work() as uow:
        return uow.session.get_one(Task, task_id)


def find_asset(platform: Platform, data: bytes, actor: Actor) -> Asset | None:
    with platform.unit_of_work() as uow:
        query = select(Asset).where(Asset.sha512 == sha512_of(data), Asset.space_id == actor.space_id)
        return uow.session.execute(query).scalar_one_or_none()


def is_kept(platform: Platform, data: bytes) -> bool:
    """Tell whether the bytes are in the blob store and known there; the two must never differ."""
    digest = sha512_of(data)
    with platform.unit_of_work() as uow:
        has_row = bool(uow.execute("SELECT 1 FROM blob WHERE sha512 = :key", key=bytes.fromhex(digest)).all())
    has_bytes = platform.blobs.size(blob_key(digest)) == len(data)
    assert has_row == has_bytes
    return has_row


def add_pool_file(platform: Platform, actor: Actor, asset: Asset, file: Path, **changes: Any) -> UUID:
    """Make a pool of the file's folder in which the asset lies."""
    status = file.stat()
    pool = Pool(id=new_id(), space_id=actor.space_id, name=str(new_id()), fs_path=encode_path(bytes(file.parent)))
    values = {
        "path": os.fsencode(file.name), "device": status.st_dev, "inode": status.st_ino, "size": status.st_size,
        "mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns,
    }  # fmt: skip
    with platform.unit_of_work() as uow:
        uow.session.add(pool)
        uow.session.flush()
        uow.session.add(Location(pool_id=pool.id, asset_id=asset.id, **{**values, **changes}))
        uow.commit()
    return pool.id


def make_space(platform: Platform, actor: Actor, name: str) -> Actor:
    """Give the same user in a new space."""
    space_id = new_id()
    with platform.unit_of_work() as uow:
        uow.execute("INSERT INTO space (id, name) VALUES (:id, :name)", id=space_id, name=name)
        uow.commit()
    return Actor(actor.user_id, space_id, actor.username, actor.grants)


def put_in_library(platform: Platform, actor: Actor, asset_id: UUID | str, name: str = "films") -> UUID:
    """Make a library with just this asset."""
    library = Library(id=new_id(), space_id=actor.space_id, name=name)
    with platform.unit_of_work() as uow:
        uow.session.add(library)
        uow.session.flush()
        uow.session.add(LibraryAsset(library_id=library.id, asset_id=UUID(str(asset_id))))
        uow.commit()
    return library.id


def picture(number: int = 0) -> bytes:
    """Give bytes that begin as a PNG does."""
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes([number]) * 50


def staged(platform: Platform) -> list[str]:
    """Give the keys of what is staged."""
    return list(platform.blobs.iter_staged(datetime.now(UTC) + timedelta(days=1)))


def uploaded(client: ApiClient, platform: Platform, actor: Actor, data: bytes = DATA, name: str = "a.bin") -> str:
    """Upload bytes; gives the path of the asset's binary."""
    upload(platform, actor, data, name)
    asset = find_asset(platform, data, actor)
    assert asset is not None
    return f"/assets/{asset.id}/binary"
