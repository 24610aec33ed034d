"""What is verified: the files of a pool, or the stored contents of a space, in the order of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from models.entities import Pool
from models.errors import NotFound
from models.events import ASSET_UPDATED
from models.messages import VERIFY_POOL
from models.payloads import VerifyPool
from models.permissions import Actor, Permission, Verb
from models.services.ingest import KnownFile, asset_of, is_missing, list_files
from models.services.pools import POOLS
from models.stamps import packed_version_of, path_of
from models.unit_of_work import UnitOfWork, as_rows


class Expected(NamedTuple):
    """A file as it should be. `name` is its path in the pool, or its hash in the store."""

    name: bytes
    asset_id: UUID | None
    version: bytes
    """As `models.stamps` spells it; of stored bytes there is none."""


def require_verifiable(uow: UnitOfWork, actor: Actor, wanted: VerifyPool) -> UUID | None:
    """Insist that the actor may have this read; gives what the task is about.

    Raises:
        NotFound: when they see no such pool.
        Forbidden: when they may not change it, or not all pools.
    """
    if wanted.pool_uuid is None:
        actor.require(Permission.UPDATE_ASSET_POOL)
        return None
    return POOLS.get(uow, actor, wanted.pool_uuid, Verb.UPDATE).id


def find_pool(uow: UnitOfWork, pool_id: UUID) -> Pool:
    """Give a pool that is being verified.

    Raises:
        NotFound: when it was removed.
    """
    pool = uow.session.get(Pool, pool_id)
    if pool is None:
        raise NotFound("The pool was removed")
    return pool


def count_expected(uow: UnitOfWork, space_id: UUID, pool_id: UUID | None) -> int:
    """Count what there is to verify."""
    statement = "SELECT count(*) FROM location WHERE pool_id = :id AND state = 'PRESENT'"
    if pool_id is None:
        statement = "SELECT count(*) FROM asset WHERE space_id = :id AND blob_sha512 IS NOT NULL"
    count: Any = uow.execute(statement, id=pool_id or space_id).scalar_one()
    return int(count)


def list_expected(
    uow: UnitOfWork, space_id: UUID, pool_id: UUID | None, after: bytes, limit: int
) -> Sequence[Expected]:  # fmt: skip
    """Give the next of them behind a name; none at the end only, but fewer where some are missing."""
    if pool_id is not None:
        known = list_files(uow, pool_id, after, limit)
        return [_expected(each) for each in known]
    rows: Any = uow.execute(
        """SELECT sha512 FROM asset WHERE space_id = :space AND blob_sha512 IS NOT NULL AND sha512 > :after
           ORDER BY sha512 LIMIT :limit""",
        space=space_id,
        after=after,
        limit=limit,
    ).all()
    return [Expected(bytes(row[0]), None, b"") for row in rows]


def _expected(known: KnownFile) -> Expected:
    asset_id = None if is_missing(known) else asset_of(known)
    return Expected(path_of(known[0]), asset_id, packed_version_of(known[0]))


def hashes_of(uow: UnitOfWork, asset_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Give the hashes of assets."""
    rows: Any = uow.execute(
        "SELECT id, encode(sha512, 'hex') FROM asset WHERE id = ANY(CAST(:ids AS uuid[]))", ids=list(asset_ids)
    ).all()
    return {row[0]: row[1] for row in rows}


def record_chunks(
    uow: UnitOfWork, space_id: UUID, user_id: UUID | None, found: Mapping[str, tuple[str, int]]
) -> None:  # fmt: skip
    """Note chunk hashes and numbers of zero chunks, given by SHA-512; tells of the assets of which that is news."""
    rows = [{"sha512": key, "chunk_hash": each[0], "zeros": each[1]} for key, each in sorted(found.items())]
    changed: Any = uow.execute(
        """UPDATE asset SET chunk_hash = new.chunk_hash, zero_chunk_count = new.zeros, revision = revision + 1,
               edited = now(), editor_id = CAST(:user AS uuid)
           FROM json_to_recordset(CAST(:rows AS json)) AS new (sha512 text, chunk_hash text, zeros bigint)
           WHERE space_id = :space AND asset.sha512 = decode(new.sha512, 'hex')
           AND (asset.chunk_hash, asset.zero_chunk_count) IS DISTINCT FROM (new.chunk_hash, new.zeros)
           RETURNING asset.id""",
        space=space_id,
        user=user_id,
        rows=as_rows(rows),
    ).all()
    uow.publish_each(ASSET_UPDATED, space_id, sorted(row[0] for row in changed), user_id)


def last_position(uow: UnitOfWork, space_id: UUID, pool_id: UUID | None) -> bytes:
    """Give the name behind which the next run goes on: where the last one that came to its end has ended."""
    row: Any = uow.execute(
        """SELECT result ->> 'next' FROM task WHERE kind = :kind AND space_id = :space AND result ? 'next'
           AND subject_id IS NOT DISTINCT FROM CAST(:pool AS uuid) ORDER BY id DESC LIMIT 1""",
        kind=VERIFY_POOL.name,
        space=space_id,
        pool=pool_id,
    ).first()
    return bytes.fromhex(row[0]) if row else b""
