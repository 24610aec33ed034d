"""Bytes that are kept and that nothing refers to: finding and removing them.

They are left by an upload that was cancelled, or failed for good, after its bytes were kept; by a process that died
between the bytes and their row; or by a database that was put back to an earlier day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from models.services.blobs import lock_blob, remove_if_unused
from models.services.removal import require_removal
from models.storage import BlobStore, blob_key
from models.unit_of_work import UnitOfWork

GRACE = timedelta(hours=24)
"""What was kept later may be about to be referred to."""
_BATCH = 500

Begin = Callable[[], UnitOfWork]
Check = Callable[[], None]
"""Called between batches; stops the collection by raising."""


@dataclass
class Garbage:
    """How many contents were removed, or would be, and how many bytes they have."""

    count: int = 0
    size: int = 0


def collect_unreferenced(
    begin: Begin, store: BlobStore, grace: timedelta = GRACE, *, is_dry: bool = False, check: Check = lambda: None
) -> Garbage:  # fmt: skip
    """Remove, or with `is_dry` count, contents that Loom knows and nothing refers to."""
    found = _unreferenced(begin, datetime.now(UTC) - grace, check)
    return _collect(begin, found, lambda uow, sha512: remove_if_unused(uow, store, sha512), is_dry=is_dry)


def collect_unknown(
    begin: Begin, store: BlobStore, grace: timedelta = GRACE, *, is_dry: bool = False, check: Check = lambda: None
) -> Garbage:  # fmt: skip
    """Remove, or with `is_dry` count, contents that lie in the store and that Loom does not know."""
    found = _unknown(begin, store.iter_blobs(datetime.now(UTC) - grace), check)
    return _collect(begin, found, lambda uow, sha512: _remove_unknown(uow, store, sha512), is_dry=is_dry)


def _collect(
    begin: Begin, found: Iterable[tuple[str, int]], remove: Callable[[UnitOfWork, str], bool], *, is_dry: bool
) -> Garbage:  # fmt: skip
    garbage = Garbage()
    for sha512, size in found:
        if is_dry or _commit(begin, remove, sha512):
            garbage.count += 1
            garbage.size += size
    return garbage


def _commit(begin: Begin, remove: Callable[[UnitOfWork, str], bool], sha512: str) -> bool:
    with begin() as uow:
        is_gone = remove(uow, sha512)
        uow.commit()
    return is_gone


def _unreferenced(begin: Begin, before: datetime, check: Check) -> Iterator[tuple[str, int]]:
    """Go through the table in the order of its key, so that what stays is not looked at twice."""
    after = b""
    while True:
        check()
        with begin() as uow:
            rows: Any = uow.execute(
                """SELECT sha512, size FROM blob WHERE created < :before AND sha512 > :after
                   AND NOT EXISTS (SELECT 1 FROM asset WHERE asset.blob_sha512 = blob.sha512)
                   AND NOT EXISTS (SELECT 1 FROM attachment WHERE attachment.blob_sha512 = blob.sha512)
                   ORDER BY sha512 LIMIT :batch""",
                before=before, after=after, batch=_BATCH,
            ).all()  # fmt: skip
        yield from ((bytes(row[0]).hex(), row[1]) for row in rows)
        if len(rows) < _BATCH:
            return
        after = bytes(rows[-1][0])


def _unknown(begin: Begin, stored: Iterator[tuple[str, int]], check: Check) -> Iterator[tuple[str, int]]:
    while batch := list(islice(stored, _BATCH)):
        check()
        with begin() as uow:
            rows: Any = uow.execute(
                "SELECT encode(sha512, 'hex') FROM blob WHERE sha512 = ANY(:hashes)",
                hashes=[bytes.fromhex(sha512) for sha512, _ in batch],
            ).all()
        known = {row[0] for row in rows}
        yield from (found for found in batch if found[0] not in known)


def _remove_unknown(uow: UnitOfWork, store: BlobStore, sha512: str) -> bool:
    """Whoever keeps these bytes just now holds the lock until their row is there."""
    require_removal(uow)
    lock_blob(uow, sha512)
    if uow.execute("SELECT 1 FROM blob WHERE sha512 = :sha512", sha512=bytes.fromhex(sha512)).first() is not None:
        return False
    store.delete(blob_key(sha512))
    return True
