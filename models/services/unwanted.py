"""What is on the blacklist: for those who take contents in, and those who list assets.

Who makes an asset of a single content holds the lock of its hash and looks here in the same transaction; so does who
blacklists one. A scan looks without locks: what slips past it in the same moment is left out of lists all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from models.entities import Blacklist
from models.errors import Conflict
from models.unit_of_work import UnitOfWork

BLACKLISTED = "blacklisted"
"""Code of the error, and of the outcome of an item."""
WELCOME = """NOT EXISTS (SELECT 1 FROM blacklist AS b WHERE b.space_id = asset.space_id
    AND b.sha512 = asset.sha512)"""
"""In SQL: an asset is not blacklisted."""
REFUSAL = "This content is blacklisted"


def refuse_blacklisted(uow: UnitOfWork, space_id: UUID, sha512: str) -> None:
    """Insist that a content is welcome; the caller holds the lock of the hash.

    Raises:
        Conflict: with the code `blacklisted` when it is not.
    """
    if find_blacklisted(uow, space_id, [sha512]):
        raise Conflict(REFUSAL, code=BLACKLISTED)


def find_blacklisted(uow: UnitOfWork, space_id: UUID, hashes: Sequence[str]) -> set[str]:
    """Tell which of these hashes are blacklisted: one indexed query, however many there are."""
    rows: Any = uow.execute(
        """SELECT encode(sha512, 'hex') FROM blacklist WHERE space_id = :space
           AND sha512 IN (SELECT decode(hash, 'hex') FROM unnest(CAST(:hashes AS text[])) AS hash)""",
        space=space_id,
        hashes=f"{{{','.join(hashes)}}}",
    ).all()
    return {row[0] for row in rows}


def is_listed(asset: Any) -> ColumnElement[bool]:
    """Tell which assets are blacklisted."""
    entry = select(Blacklist.id).where(Blacklist.space_id == asset.space_id, Blacklist.sha512 == asset.sha512)
    return entry.exists()
