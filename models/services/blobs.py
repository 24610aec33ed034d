"""The bytes behind assets and attachments: kept once under their SHA-512, removed when nothing refers to them any more.

Whoever puts or removes the bytes of a hash holds the advisory lock of that hash until its transaction ends. So a
remover that counted no references cannot take the bytes from under one that is being made.

Whoever drops a reference takes no such lock, and does not look for others: it asks for a removal, which looks once the
drop is committed. So of two that drop the last two references at the same time the later removal sees that none is
left, and what has ten thousand attachments can be deleted without ten thousand locks.

Lock order: hashes (those of several in their order), then the row of the asset or user, then what hangs off it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from models.errors import NotFound
from models.messages import DELETE_BLOB, KINDS
from models.payloads import DeleteBlob, StagedPayload
from models.services import tasks
from models.services.removal import require_removal
from models.storage import BlobStore, Piece, blob_key, keep_pieces
from models.unit_of_work import UnitOfWork

STAGING_GONE = "staging-gone"
"""Code of the error of a task whose staged bytes are not there."""
_STALE = timedelta(hours=24)
_REMOVAL_ATTEMPTS = 10
_REMOVALS = 250
"""So many hashes are locked at once; all locks of a server share one table."""


def lock_blob(uow: UnitOfWork, sha512: str) -> None:
    """Keep all others from putting or removing the bytes of this hash until the transaction ends."""
    uow.lock(f"blob:{sha512}")


def keep_blob(uow: UnitOfWork, store: BlobStore, sha512: str, size: int, pieces: Sequence[Piece]) -> None:
    """Make sure that the staged bytes are kept under their hash, for as long as the transaction lasts at least.

    Raises:
        NotFound: when they are neither kept nor staged.
    """
    lock_blob(uow, sha512)
    if store.size(blob_key(sha512)) != size:
        # In a bucket this may take minutes, during which the connection is idle.
        uow.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        _keep(store, pieces, blob_key(sha512))
    uow.execute(
        "INSERT INTO blob (sha512, size) VALUES (:sha512, :size) ON CONFLICT DO NOTHING",
        sha512=bytes.fromhex(sha512),
        size=size,
    )


def _keep(store: BlobStore, pieces: Sequence[Piece], target: str) -> None:
    try:
        keep_pieces(store, pieces, target)
    except NotFound:
        raise staging_gone() from None


def staging_gone() -> NotFound:
    """Say that there is nothing to keep."""
    return NotFound("The uploaded bytes are no longer there; upload them again", code=STAGING_GONE)


def request_blob_removal(uow: UnitOfWork, space_id: UUID, hashes: Iterable[str]) -> None:
    """Ask for the removal of bytes to which this transaction drops a reference; those that others refer to stay.

    The tasks belong to the space that drops it.
    """
    wanted = sorted(set(hashes))
    for start in range(0, len(wanted), _REMOVALS):
        some = wanted[start : start + _REMOVALS]
        tasks.submit(
            uow,
            DELETE_BLOB,
            DeleteBlob(hashes=tuple(some)),
            space_id=space_id,
            title=f"Remove the stored bytes {some[0][:12]}…" if len(some) == 1 else f"Remove {len(some)} stored files",
            max_attempts=_REMOVAL_ATTEMPTS,
        )


def remove_if_unused(uow: UnitOfWork, store: BlobStore, sha512: str) -> bool:
    """Remove the bytes of a hash and their row, unless something refers to them. Tells whether it did.

    The bytes go before the commit, under the lock. If the commit fails the row stays without its bytes, which nothing
    that refers to bytes notices: the next removal ends it, and `keep_blob` looks at the bytes, not at the row.

    Raises:
        Unavailable: while a backup is made.
    """
    require_removal(uow)
    lock_blob(uow, sha512)
    if _is_used(uow, sha512):
        return False
    uow.execute("DELETE FROM blob WHERE sha512 = :sha512", sha512=bytes.fromhex(sha512))
    store.delete(blob_key(sha512))
    return True


def _is_used(uow: UnitOfWork, sha512: str) -> bool:
    used: Any = uow.execute(
        """SELECT EXISTS (SELECT 1 FROM asset WHERE blob_sha512 = :sha512)
               OR EXISTS (SELECT 1 FROM attachment WHERE blob_sha512 = :sha512)""",
        sha512=bytes.fromhex(sha512),
    ).scalar_one()
    return bool(used)


def remove_stale_staging(begin: Callable[[], UnitOfWork], store: BlobStore) -> int:
    """Remove staged uploads of yesterday or older that no open task and no upload waits for. Returns how many.

    A failed task can be tried again for as long as its staged bytes are there.
    """
    stale = list(store.iter_staged(datetime.now(UTC) - _STALE))
    # After the listing: a key of that age gets no new task, but an open one may end.
    with begin() as uow:
        rows: Any = uow.execute(
            """SELECT jsonb_path_query(payload, '$.pieces[*][0]') #>> '{}' FROM task
               WHERE kind = ANY(:kinds) AND state IN ('PENDING', 'RUNNING', 'CANCELLING')
               UNION ALL SELECT jsonb_path_query(pieces, '$[*][0]') #>> '{}' FROM upload""",
            kinds=[kind.name for kind in KINDS.values() if issubclass(kind.payload, StagedPayload)],
        ).all()
    awaited = {row[0] for row in rows}
    doomed = [key for key in stale if key not in awaited]
    for key in doomed:
        store.delete(key)
    return len(doomed)
