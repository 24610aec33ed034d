"""While a backup is made nothing is removed from the blob store: what its snapshot refers to must be copied first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine, text

from models.errors import Unavailable
from models.storage import BlobStore, Piece, delete_pieces
from models.unit_of_work import UnitOfWork

_NAME = "loom:backup"


@contextmanager
def nothing_removed(engine: Engine) -> Iterator[None]:
    """Let nothing be removed meanwhile. Waits for what is being removed just now."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": _NAME})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": _NAME})


def require_removal(uow: UnitOfWork) -> None:
    """Insist that bytes may be removed, until the transaction ends.

    Raises:
        Unavailable: while a backup is made.
    """
    if not _may_remove(uow):
        raise Unavailable("Nothing is removed while a backup is made")


def drop_pieces(uow: UnitOfWork, store: BlobStore, pieces: Sequence[Piece]) -> None:
    """Remove staged pieces that no task needs any more; while a backup is made they are left to the daily sweep."""
    if _may_remove(uow):
        delete_pieces(store, pieces)


def _may_remove(uow: UnitOfWork) -> bool:
    row = uow.fetch("SELECT pg_try_advisory_xact_lock_shared(hashtextextended(%(name)s, 0))", name=_NAME)
    return bool(row[0][0])
