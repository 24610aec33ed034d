"""Writing many assets and locations at once: a few statements for each batch, whatever its size.

Rows are always written in the order of their key, so that two batches can wait for each other but never deadlock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

from models.ids import new_id_text
from models.stamps import MISSING, UNSEEN, flags_of
from models.unit_of_work import UnitOfWork, as_rows

_RECORDS = """json_to_recordset(CAST(:rows AS json)) AS new (id uuid, path text, asset_id uuid, device bigint,
           inode bigint, size bigint, mtime_ns bigint, ctime_ns bigint)"""
_PREFIX = "substr(path, 1, 2000)"
_UNIQUE = f"pool_id, {_PREFIX}, substr(sha256(path), 1, GREATEST(0, octet_length(path) - 2000) * 32)"
"""The expressions of the unique index, see `models.entities.Location`."""
_PRESENT = "state = 'PRESENT', last_seen = now(), missing_since = NULL, missing_task_id = NULL"


class NewAsset(NamedTuple):
    """A content to be known in a space."""

    sha512: str
    size: int
    mime_type: str
    filename: str


class NewLocation(NamedTuple):
    """A file version to be known in a pool; see `models.entities.Location` for the terms."""

    path: bytes
    asset_id: UUID
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class KnownPlace(NamedTuple):
    """Where the catalogue has an asset."""

    id: UUID
    asset_id: UUID
    path: bytes


def ensure_assets(
    uow: UnitOfWork, space_id: UUID, creator_id: UUID | None, origin: str, assets: Sequence[NewAsset]
) -> tuple[dict[str, UUID], set[UUID]]:
    """Make sure that each content has its asset. Gives the ids by hash, and those that are new."""
    wanted = sorted({asset.sha512: asset for asset in assets}.values())
    created: Any = uow.execute(
        """INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin, creator_id, editor_id)
           SELECT id, :space, decode(sha512, 'hex'), size, mime_type, filename, :origin, CAST(:creator AS uuid),
                  CAST(:creator AS uuid)
           FROM json_to_recordset(CAST(:rows AS json))
                AS new (id uuid, sha512 text, size bigint, mime_type text, filename text)
           ON CONFLICT (space_id, sha512) DO NOTHING RETURNING encode(sha512, 'hex'), id""",
        space=space_id,
        origin=origin,
        creator=creator_id,
        rows=as_rows([_asset_row(*asset) for asset in wanted]),
    ).all()
    ids: dict[str, UUID] = {row[0]: row[1] for row in created}
    new = set(ids.values())
    others = [asset.sha512 for asset in wanted if asset.sha512 not in ids]
    if others:
        ids.update(find_assets(uow, space_id, others))
    return ids, new


def _asset_row(sha512: str, size: int, mime_type: str, filename: str) -> dict[str, object]:
    return {"id": new_id_text(), "sha512": sha512, "size": size, "mime_type": mime_type, "filename": filename}


def find_assets(uow: UnitOfWork, space_id: UUID, hashes: Sequence[str]) -> dict[str, UUID]:
    """Give the assets that a space has of these contents."""
    rows: Any = uow.execute(
        "SELECT encode(sha512, 'hex'), id FROM asset WHERE space_id = :space AND sha512 = ANY(:hashes)",
        space=space_id,
        hashes=[bytes.fromhex(sha512) for sha512 in hashes],
    ).all()
    return {row[0]: row[1] for row in rows}


KnownFile = tuple[bytes, bytes]
"""A location as the catalogue has it: its stamp, and its ids, which are asked of few."""


def location_of(known: KnownFile) -> UUID:
    """Give the location's own id."""
    return UUID(bytes=known[1][:16])


def asset_of(known: KnownFile) -> UUID:
    """Give the id of what was found there."""
    return UUID(bytes=known[1][16:])


def is_missing(known: KnownFile) -> bool:
    """Whether it is MISSING."""
    return bool(flags_of(known[0]) & MISSING)


_VERSION = " || ".join(f"int8send({name})" for name in ("device", "inode", "size", "mtime_ns", "ctime_ns"))
_FLAGS = f"(state = 'MISSING')::int * {MISSING} + (missing_task_id IS NOT NULL)::int * {UNSEEN}"
_STAMP = f"path || {_VERSION} || set_byte('\\x00'::bytea, 0, {_FLAGS})"


def list_files(uow: UnitOfWork, pool_id: UUID, after: bytes, limit: int) -> list[KnownFile]:
    """Give the locations of a pool behind a path, in the bytewise order of their paths."""
    # Ordered by their beginnings, which the index has, paths are nearly in order; the rest sorts a handful at a time.
    rows = uow.fetch_binary(
        f"""SELECT {_STAMP}, uuid_send(id) || uuid_send(asset_id)
            FROM location WHERE pool_id = %(pool)s AND path > %(after)s::bytea
            AND {_PREFIX} >= substr(%(after)s::bytea, 1, 2000)
            ORDER BY {_PREFIX}, path LIMIT %(limit)s""",  # noqa: S608 - only constants are put in
        pool=pool_id, after=after, limit=limit,
    )  # fmt: skip
    return cast("list[KnownFile]", rows)


def put_locations(uow: UnitOfWork, pool_id: UUID, locations: Sequence[NewLocation]) -> None:
    """Write what was found at these paths, over what was known of them."""
    uow.execute(
        f"""INSERT INTO location (id, pool_id, path, asset_id, device, inode, size, mtime_ns, ctime_ns)
           SELECT id, :pool, decode(path, 'hex'), asset_id, device, inode, size, mtime_ns, ctime_ns FROM {_RECORDS}
           ON CONFLICT ({_UNIQUE}) DO UPDATE SET asset_id = excluded.asset_id, device = excluded.device,
               inode = excluded.inode, size = excluded.size, mtime_ns = excluded.mtime_ns,
               ctime_ns = excluded.ctime_ns, {_PRESENT}""",  # noqa: S608 - only constants are put in
        pool=pool_id,
        rows=_rows([(new_id_text(), location) for location in sorted(locations)]),
    )


def move_locations(uow: UnitOfWork, moves: Sequence[tuple[UUID, NewLocation]]) -> None:
    """Let known places follow their files to new paths."""
    uow.execute(
        f"""UPDATE location SET path = decode(new.path, 'hex'), device = new.device, inode = new.inode,
               size = new.size, mtime_ns = new.mtime_ns, ctime_ns = new.ctime_ns, {_PRESENT}
           FROM {_RECORDS} WHERE location.id = new.id""",  # noqa: S608 - only constants are put in
        rows=_rows(moves),
    )


def _rows(locations: Sequence[tuple[UUID | str, NewLocation]]) -> str:
    return as_rows([_location_row(key, *place) for key, place in locations])


def _location_row(
    key: UUID | str, path: bytes, asset_id: UUID, device: int, inode: int, size: int, mtime_ns: int, ctime_ns: int
) -> dict[str, object]:
    return {
        "id": key, "path": path.hex(), "asset_id": asset_id, "device": device, "inode": inode, "size": size,
        "mtime_ns": mtime_ns, "ctime_ns": ctime_ns,
    }  # fmt: skip


def lock_places(uow: UnitOfWork, pool_id: UUID, asset_ids: Sequence[UUID]) -> list[KnownPlace]:
    """Give the places of these assets in a pool, locked; those that another scan part deals with are left out."""
    rows: Any = uow.execute(
        """SELECT id, asset_id, path FROM location WHERE pool_id = :pool AND asset_id = ANY(CAST(:assets AS uuid[]))
           ORDER BY path FOR UPDATE SKIP LOCKED""",
        pool=pool_id,
        assets=list(asset_ids),
    ).all()
    return [KnownPlace(*row) for row in rows]


def mark_unseen(
    uow: UnitOfWork, task_id: UUID, location_ids: Sequence[UUID], paths: Sequence[bytes], *, at_once: bool
) -> list[UUID]:
    """Note that a scan has not found these files, unless they have moved meanwhile.

    What no earlier scan has missed stays PRESENT for the time being, unless it is to be believed at once.

    Returns:
        The assets of those that are MISSING now.
    """
    rows: Any = uow.execute(
        """UPDATE location SET missing_task_id = :task, missing_since = COALESCE(missing_since, now()),
               state = CASE WHEN :at_once OR missing_task_id IS NOT NULL THEN 'MISSING' ELSE state END
           FROM unnest(CAST(:ids AS uuid[]), CAST(:paths AS bytea[])) AS gone (id, path)
           WHERE location.id = gone.id AND location.path = gone.path AND state = 'PRESENT'
               AND missing_task_id IS DISTINCT FROM CAST(:task AS uuid)
           RETURNING asset_id, state""",
        task=task_id,
        ids=list(location_ids),
        paths=list(paths),
        at_once=at_once,
    ).all()
    return [row[0] for row in rows if row[1] == "MISSING"]


def mark_replaced(uow: UnitOfWork, task_id: UUID, pool_id: UUID, paths: Sequence[bytes]) -> list[UUID]:
    """Note that what these paths held is gone: something else is there, which is not wanted. Gives the assets."""
    rows: Any = uow.execute(
        """UPDATE location SET state = 'MISSING', missing_since = now(), missing_task_id = :task
           WHERE pool_id = :pool AND path = ANY(CAST(:paths AS bytea[])) AND state = 'PRESENT' RETURNING asset_id""",
        task=task_id,
        pool=pool_id,
        paths=list(paths),
    ).all()
    return [row[0] for row in rows]


def restore_present(uow: UnitOfWork, location_ids: Sequence[UUID]) -> list[UUID]:
    """Note that these files are where they were. Gives the assets of those that were MISSING."""
    rows: Any = uow.execute(
        f"""WITH before AS (SELECT id, state FROM location WHERE id = ANY(CAST(:ids AS uuid[]))
                AND missing_task_id IS NOT NULL ORDER BY id FOR UPDATE)
           UPDATE location SET {_PRESENT} FROM before WHERE location.id = before.id
           RETURNING asset_id, before.state""",  # noqa: S608 - only a constant is put in
        ids=list(location_ids),
    ).all()
    return [row[0] for row in rows if row[1] == "MISSING"]


def count_unseen(uow: UnitOfWork, task_id: UUID) -> dict[str, int]:
    """Count the files that this scan did not find and that did not turn up elsewhere, by what is made of that."""
    rows: Any = uow.execute(
        "SELECT state, count(*) FROM location WHERE missing_task_id = :id GROUP BY state", id=task_id
    ).all()
    found = {row[0]: row[1] for row in rows}
    return {"missing": found.get("MISSING", 0), "suspected": found.get("PRESENT", 0)}


def count_present(uow: UnitOfWork, pool_id: UUID) -> int:
    """Count the files of a pool that were there when last looked at."""
    count: Any = uow.execute(
        "SELECT count(*) FROM location WHERE pool_id = :id AND state = 'PRESENT'", id=pool_id
    ).scalar_one()
    return int(count)


def has_locations(uow: UnitOfWork, pool_id: UUID) -> bool:
    """Tell whether the catalogue has files of this pool that were there when last looked at."""
    found = uow.execute("SELECT 1 FROM location WHERE pool_id = :id AND state = 'PRESENT' LIMIT 1", id=pool_id)
    return found.first() is not None
