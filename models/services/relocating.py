"""Locations that follow a file which Loom itself has moved or copied."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models.entities import Pool
from models.errors import NotFound
from models.permissions import Actor, Permission
from models.pipelines.effects import RelocateEffect
from models.services.announcing import announce
from models.services.ingest import NewLocation, put_locations
from models.unit_of_work import UnitOfWork


def relocate(uow: UnitOfWork, actor: Actor, asset_id: UUID, moved: RelocateEffect) -> None:
    """Write where a file lies now. Its location stays the same one, with all that hangs on it, unless it is a copy.

    A scan may have come first, and known the place: then there is one location more or less, and nothing is lost.

    Raises:
        NotFound: when the pool is not there any more.
        Forbidden: when the actor may not change locations.
    """
    actor.require(Permission.UPDATE_ASSET_LOCATION)
    pool = uow.session.get(Pool, moved.pool_id)
    if pool is None or pool.space_id != actor.space_id:
        raise NotFound("The pool was removed")
    found: Any = uow.execute(
        "SELECT id FROM location WHERE pool_id = :pool AND path = :path FOR UPDATE", pool=moved.pool_id, path=moved.path
    ).scalar_one_or_none()
    place = NewLocation(
        moved.path, asset_id, moved.device, moved.inode, moved.size, moved.mtime_ns, moved.ctime_ns
    )  # fmt: skip
    if moved.is_copy or (found is not None and found != moved.location_id):
        put_locations(uow, moved.pool_id, [place])
        if not moved.is_copy:
            uow.execute("DELETE FROM location WHERE id = :id", id=moved.location_id)
    else:
        _follow(uow, moved)
    announce(uow, actor.space_id, actor.user_id, [asset_id])


def _follow(uow: UnitOfWork, moved: RelocateEffect) -> None:
    uow.execute(
        """UPDATE location SET pool_id = :pool, path = :path, device = :device, inode = :inode, size = :size,
               mtime_ns = :mtime, ctime_ns = :ctime, state = 'PRESENT', last_seen = now(), missing_since = NULL,
               missing_task_id = NULL
           WHERE id = :id""",
        id=moved.location_id, pool=moved.pool_id, path=moved.path, device=moved.device, inode=moved.inode,
        size=moved.size, mtime=moved.mtime_ns, ctime=moved.ctime_ns,
    )  # fmt: skip
