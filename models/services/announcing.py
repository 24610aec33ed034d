"""Telling that assets have changed as others see or find them, though no row of theirs did: many at once.

More than some thousand are told of by a task, part by part: one transaction of a million events would hold up all
readers of the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from models.events import ASSET_UPDATED
from models.messages import ANNOUNCE_ASSETS
from models.payloads import AnnounceAssets
from models.services import tasks
from models.unit_of_work import UnitOfWork

MOST_AT_ONCE = 10_000
"""What concerns more assets is left to a task."""
_ATTEMPTS = 10


@dataclass(frozen=True)
class _Source:
    """A table that tells which assets belong to what, and its key: how it is spelled as text, and read again."""

    table: str
    column: str
    key: str
    spelled: str
    first: str
    read: str

    def next_key(self) -> str:
        """Give the statement that finds where a range ends."""
        behind = f"{self.key} > {self.read.format('after')}"
        return f"""SELECT {self.spelled} FROM (
                SELECT {self.key} FROM {self.table} WHERE {self.column} = :id AND {behind}
                ORDER BY {self.key} LIMIT :most) AS next ORDER BY {self.key} DESC LIMIT 1"""  # noqa: S608 - constants

    def members(self) -> str:
        """Give the statement that finds the assets in a range."""
        return f"""SELECT DISTINCT asset_id FROM {self.table} WHERE {self.column} = :id
                AND {self.key} > {self.read.format("after")} AND {self.key} <= {self.read.format("until")}"""  # noqa: S608


SourceName = Literal["pool", "tag"]
_SOURCES = {
    "pool": _Source("location", "pool_id", "path", "encode(path, 'hex')", "", "decode(:{}, 'hex')"),
    "tag": _Source("asset_tag", "tag_id", "asset_id", "CAST(asset_id AS text)", str(UUID(int=0)), "CAST(:{} AS uuid)"),
}


@dataclass(frozen=True)
class Range:
    """Some neighbours in the table of a source: behind one key, up to another."""

    after: str
    until: str


def announce(uow: UnitOfWork, space_id: UUID, user_id: UUID | None, asset_ids: Iterable[UUID]) -> None:
    """Tell of each of these assets that it has changed as others see it."""
    uow.publish_each(ASSET_UPDATED, space_id, sorted(set(asset_ids)), user_id)


def announce_all(
    uow: UnitOfWork, space_id: UUID, user_id: UUID | None, source: SourceName, source_id: UUID, title: str
) -> None:
    """Tell the same of all assets of a pool, or with a tag: at once if they are few, else by a task."""
    first = next_range(uow, source, source_id, None, MOST_AT_ONCE)
    if first is None:
        return
    if next_range(uow, source, source_id, first.until, 1) is None:
        announce(uow, space_id, user_id, members_in(uow, source, source_id, first))
        return
    payload = AnnounceAssets(source=source, source_uuid=source_id)
    tasks.submit(uow, ANNOUNCE_ASSETS, payload, space_id=space_id, title=title, max_attempts=_ATTEMPTS)


def next_range(uow: UnitOfWork, source: SourceName, source_id: UUID, after: str | None, most: int) -> Range | None:
    """Give the next range of at most so many rows; None behind the last."""
    known = _SOURCES[source]
    start = known.first if after is None else after
    until: Any = uow.execute(known.next_key(), id=source_id, after=start, most=most).scalar_one_or_none()
    return None if until is None else Range(start, until)


def members_in(uow: UnitOfWork, source: SourceName, source_id: UUID, part: Range) -> list[UUID]:
    """Give the assets in a range."""
    rows: Any = uow.execute(_SOURCES[source].members(), id=source_id, after=part.after, until=part.until).all()
    return [row[0] for row in rows]
