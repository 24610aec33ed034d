"""Asset pools: folders of the server, or parts of buckets, whose files are assets.

No pool lies in another of its space: a file would have two owners, and two schedules.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from pathspec import GitIgnoreSpec
from sqlalchemy import select

from models.entities import Pool, Task, TaskState
from models.errors import Conflict, InvalidInput
from models.events import POOL_DELETED, NewEvent
from models.home import Home
from models.ids import printable
from models.messages import DELETE_POOL, SCAN_POOL
from models.paths import decode_path, encode_path
from models.payloads import DeletePool, ScanPool
from models.permissions import Actor, Entity
from models.services import tasks
from models.services.crud import Resource, Values
from models.services.holders import POOL_HOLDER, delete_by_task, open_task
from models.services.schedules import parse_trigger, set_pool_schedule
from models.storage.buckets import SCHEMES, is_bucket
from models.unit_of_work import UnitOfWork

POOLS = Resource(Pool, "asset pool", Entity.ASSET_POOL)
_NO_FILES = ("/proc", "/sys", "/dev")
_LONGEST_PATH = 4096


def roots_of_space(uow: UnitOfWork, actor: Actor) -> Sequence[Path] | None:
    """Give the folders that pools of the actor's space must lie under; None: anywhere."""
    rows = uow.fetch("SELECT pool_roots FROM space WHERE id = %(id)s", id=actor.space_id)
    roots = [Path(os.fsdecode(decode_path(root))) for root in rows[0][0]]
    return None if actor.is_default_space and not roots else roots


def folder_in_space(text: str, roots: Sequence[Path] | None, everywhere: Sequence[Path]) -> str:
    """Resolve the root of a pool within the folders of its space (None: no such bound), and raise as `usable_folder`.

    Nothing is asked of the file system about a path outside of them: who may make pools in one space must not find out
    what there is on the server.
    """
    if roots is None:
        return usable_folder(text, everywhere)
    path = _read_absolute(text)
    lexical = [os.path.normpath(os.fsencode(root)) for root in roots]
    _require_below(os.path.normpath(path), lexical)
    # Where links lead is found out without a word on whether anything is there.
    real = [os.path.realpath(root) for root in lexical]
    _require_below(os.path.realpath(path), real)
    folder = usable_folder(text, everywhere)
    _require_below(decode_path(folder), real)
    return folder


def _require_below(path: bytes, roots: Sequence[bytes]) -> None:
    if not any(_is_below(path, root) for root in roots):
        raise InvalidInput("fsPath: lies outside of the folders that the space may have pools in")


def usable_folder(text: str, roots: Sequence[Path]) -> str:
    """Resolve the root of a pool: where it really lies decides what it overlaps and whether it is allowed.

    Asks the file system, which may take long if it is a network's.

    Raises:
        InvalidInput: when it is no folder that can be used, or lies below none of the roots (none: anywhere).
    """
    path = _read_absolute(text)
    try:
        folder = os.path.realpath(path, strict=True)
    except OSError as error:
        raise InvalidInput(f"fsPath: '{printable(text)}' cannot be used: {error.strerror}") from None
    if not os.path.isdir(folder):
        raise InvalidInput(f"fsPath: '{printable(text)}' is not a folder")
    if any(_is_below(folder, os.fsencode(place)) for place in _NO_FILES):
        raise InvalidInput("fsPath: holds devices and views of the kernel, not files")
    if roots and not any(_is_below(folder, os.path.realpath(os.fsencode(root))) for root in roots):
        raise InvalidInput("fsPath: lies outside of the folders that LOOM_POOL_ROOTS allows")
    return encode_path(folder)


def refuse_own_folders(fs_path: str, home: Home) -> None:
    """Keep pools away from what Loom itself keeps: whoever may read assets must not read its secrets.

    Raises:
        InvalidInput: when the folder is Loom's home, holds it, or lies in its engines, blobs or index.
    """
    folder = decode_path(fs_path)
    own = [os.path.realpath(os.fsencode(path)) for path in (home.path, home.engines, home.blobs, home.index)]
    if any(_is_below(path, folder) for path in own) or any(_is_below(folder, path) for path in own[1:]):
        raise InvalidInput("fsPath: holds the data of Loom itself")


def _read_absolute(text: str) -> bytes:
    try:
        path = decode_path(text)
    except InvalidInput as error:
        raise InvalidInput(f"fsPath: {error}") from None
    if not path.startswith(b"/"):
        raise InvalidInput("fsPath: must be an absolute path")
    if b"\0" in path or len(path) > _LONGEST_PATH:
        raise InvalidInput("fsPath: no folder has such a path")
    return path


def bucket_in_space(text: str, roots: Sequence[Path] | None, allowed: Sequence[str]) -> str:
    """Read the URL of a pool in a bucket. What the server's credentials open is for its operator to say.

    Raises:
        InvalidInput: when it is no such URL, or the operator has not allowed it.
    """
    scheme, _, rest = text.partition("://")
    parts = rest.rstrip("/").split("/")
    is_plain = text.isprintable() and not set(text) & set("\\?#@ ") and not {"", ".", ".."} & set(parts)
    if scheme not in SCHEMES or not is_plain:
        raise InvalidInput("url: must be such as s3://bucket/folder, gs://bucket or az://container")
    url = f"{scheme}://{'/'.join(parts)}"
    if roots is not None:
        raise InvalidInput("url: the space may have pools in some folders only")
    if not any(_is_below(url.encode(), place.rstrip("/").encode()) for place in allowed):
        raise InvalidInput("url: lies in no bucket that LOOM_POOL_BUCKETS allows")
    return url


def _require_watchable(fs_path: str, values: Values) -> None:
    if values.get("is_watched") and is_bucket(fs_path):
        raise InvalidInput("watch: a bucket tells nobody of changes; give the pool a schedule")


def folder_below(text: str) -> str:
    """Read the name of a folder of a pool, in the spelling of `models.paths`.

    Raises:
        InvalidInput: when it is none.
    """
    parts = decode_path(text.strip("/")).split(b"/") if text.strip("/") else []
    if any(part in {b"", b".", b".."} or b"\0" in part for part in parts):
        raise InvalidInput("path: is not the path of a folder below the root of the pool")
    return encode_path(b"/".join(parts))


def free_bytes(fs_path: str) -> int | None:
    """Tell how much room is left where a pool lies; None when it is not there. May take long, as above."""
    try:
        return shutil.disk_usage(decode_path(fs_path)).free
    except OSError:
        return None


def create_pool(uow: UnitOfWork, actor: Actor, values: Values) -> Pool:
    """Make a pool of a usable folder."""
    _require_schedule(values)
    _require_rules(values)
    _require_watchable(values["fs_path"], values)
    _require_apart(uow, actor, values["fs_path"], None)
    pool = POOLS.create(uow, actor, values)
    set_pool_schedule(uow, pool)
    return pool


def update_pool(uow: UnitOfWork, actor: Actor, pool: Pool, values: Values) -> None:
    """Change what is given of a pool; the next scan finds what a new folder means for its files."""
    _require_schedule(values)
    _require_rules(values)
    _require_watchable(values.get("fs_path", pool.fs_path), {"is_watched": pool.is_watched, **values})
    if values.get("fs_path", pool.fs_path) != pool.fs_path:
        _require_idle(uow, pool)
        _require_apart(uow, actor, values["fs_path"], pool)
        # Who names another folder knows that it lies elsewhere.
        pool.root_device = pool.root_fsid = None
    POOLS.update(uow, actor, pool, values)
    set_pool_schedule(uow, pool)


def _require_rules(values: Values) -> None:
    """Check what a scan shall look at."""
    rules = values.get("scan_rules") or {}
    _require_patterns([*rules.get("include", ()), *rules.get("exclude", ())])


def _require_patterns(patterns: Sequence[str]) -> None:
    for pattern in patterns:
        try:
            GitIgnoreSpec.from_lines([pattern])
        except ValueError:
            raise InvalidInput(f"'{printable(pattern)}' is not a pattern such as '*.tmp' or 'cache/'") from None


def _require_schedule(values: Values) -> None:
    """Check a schedule that is given; an empty one is none."""
    if values.get("schedule"):
        parse_trigger(values["schedule"])
    elif "schedule" in values:
        values["schedule"] = None


def _is_below(folder: bytes, root: bytes) -> bool:
    return folder == root or folder.startswith(root.rstrip(b"/") + b"/")


def _require_apart(uow: UnitOfWork, actor: Actor, fs_path: str, pool: Pool | None) -> None:
    """Refuse a root in or above that of another pool; two requests at once are looked at one after the other."""
    folder = decode_path(fs_path)
    uow.lock(f"pools of {actor.space_id}")
    rows = uow.session.execute(select(Pool.id, Pool.name, Pool.fs_path).where(Pool.space_id == actor.space_id))
    for pool_id, name, root in rows:
        other = decode_path(root)
        if (pool is None or pool_id != pool.id) and (_is_below(folder, other) or _is_below(other, folder)):
            raise Conflict(f"The folder overlaps with that of the asset pool '{printable(name)}'")


def used_bytes(uow: UnitOfWork, pool: Pool) -> int:
    """Sum up the files of a pool that were there when last looked at."""
    rows = uow.fetch(
        "SELECT coalesce(sum(size), 0)::bigint FROM location WHERE pool_id = %(id)s AND state = 'PRESENT'", id=pool.id
    )
    used: int = rows[0][0]
    return used


def scan_pool(uow: UnitOfWork, actor: Actor, pool: Pool, wanted: ScanPool, max_attempts: int) -> Task:
    """Ask for a scan; one of the same kind that is under way is joined. The pool must be locked.

    Raises:
        InvalidInput: when a pattern is none.
        Conflict: when the pool is being deleted, or another kind of scan is under way.
    """
    _require_patterns([*wanted.include, *wanted.exclude])
    task = _open_task(uow, pool)
    if task is not None and task.kind == DELETE_POOL.name:
        raise Conflict("The asset pool is being deleted")
    if task is not None and task.state != TaskState.CANCELLING:
        if ScanPool.model_validate(task.payload) != wanted:
            raise Conflict("Another scan of the asset pool is under way; wait for its end, or cancel it")
        return task
    return tasks.submit(
        uow,
        SCAN_POOL,
        wanted,
        space_id=actor.space_id,
        title=f"{'Dry run of a scan' if wanted.dry_run else 'Scan'} of {pool.name}",
        max_attempts=max_attempts,
        actor=actor,
        subject_id=pool.id,
    )


def delete_pool(uow: UnitOfWork, actor: Actor, pool: Pool, max_attempts: int) -> Task | None:
    """Forget a pool and where its files lie; the files and their assets stay. The pool must be locked.

    Returns:
        The task that does it, if the pool is large.
    """
    if open_task(uow, pool.id, SCAN_POOL) is not None:
        raise Conflict("A scan of the asset pool is under way; cancel it first")
    payload = DeletePool(pool_uuid=pool.id)
    task = delete_by_task(uow, actor, POOL_HOLDER, payload, pool.id, pool.name, max_attempts)
    if task is None:
        forget_pool(uow, pool, actor.user_id)
    return task


def forget_pool(uow: UnitOfWork, pool: Pool, user_id: UUID | None) -> None:
    """Remove a pool, which must be locked, with what it still has of locations."""
    POOL_HOLDER.remove_some(uow, pool.space_id, user_id, pool.id)
    uow.session.delete(pool)
    uow.publish(NewEvent(POOL_DELETED, pool.space_id, pool.id, user_id, {"name": pool.name}))


def _require_idle(uow: UnitOfWork, pool: Pool) -> None:
    if _open_task(uow, pool) is not None:
        raise Conflict("A task works on the asset pool; wait for its end, or cancel it")


def _open_task(uow: UnitOfWork, pool: Pool) -> Task | None:
    return open_task(uow, pool.id, SCAN_POOL, DELETE_POOL)
