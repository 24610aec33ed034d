"""What is known, at the moment something is done about duplicates, of those that are in a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from models.entities import DedupGroup, LocationState, Review
from models.permissions import Actor
from models.services.asset_blocks import Place
from models.services.asset_bytes import AssetSource
from models.services.dedup import DEDUPS
from models.storage import blob_key
from models.unit_of_work import UnitOfWork


class Standing(NamedTuple):
    """A member as it stands now. `places` are the files that are meant: of the asset, or the one place."""

    asset_id: UUID
    is_kept: bool
    sha512: str
    size: int
    is_stored: bool
    """Whether Loom keeps its bytes itself."""
    has_holes: bool
    places: Sequence[Place]

    @property
    def source(self) -> AssetSource:
        """Where its bytes can be read."""
        return AssetSource(self.size, blob_key(self.sha512) if self.is_stored else None, self.places)


def confirmed_groups(uow: UnitOfWork, actor: Actor, wanted: Sequence[UUID]) -> list[UUID]:
    """Give the groups that are confirmed, of those that are wanted or of all."""
    query = select(DedupGroup.id).where(DEDUPS.visible(actor), DedupGroup.review_status == Review.CONFIRMED)
    if wanted:
        query = query.where(DedupGroup.id.in_(list(wanted)))
    return list(uow.session.execute(query.order_by(DedupGroup.id)).scalars())


def standing_of(uow: UnitOfWork, actor: Actor, group_id: UUID) -> list[Standing]:
    """Give the members of a group, if it is confirmed; else nothing."""
    rows = uow.fetch(
        """SELECT m.asset_id, m.role = 'KEEP', encode(asset.sha512, 'hex'), asset.size,
               m.location_id IS NULL AND asset.blob_sha512 IS NOT NULL, coalesce(asset.zero_chunk_count, 0) > 0,
               ARRAY(SELECT l.id FROM location AS l WHERE l.asset_id = m.asset_id AND l.state = %(present)s
                     AND (m.location_id IS NULL OR l.id = m.location_id) ORDER BY l.id)
           FROM dedup_member AS m JOIN dedup_group AS g ON g.id = m.group_id JOIN asset ON asset.id = m.asset_id
           WHERE g.id = %(group)s AND g.space_id = %(space)s AND g.review_status = 'CONFIRMED' ORDER BY m.id""",
        group=group_id, space=actor.space_id, present=LocationState.PRESENT.value,
    )  # fmt: skip
    places = _places(uow, [place for row in rows for place in row[6]])
    return [Standing._make((*row[:6], [places[place] for place in row[6]])) for row in rows]


def _places(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Place]:
    rows = uow.fetch(
        """SELECT l.id, l.pool_id, pool.fs_path, l.path, l.state, l.device, l.inode, l.size, l.mtime_ns, l.last_seen
           FROM location AS l JOIN pool ON pool.id = l.pool_id WHERE l.id = ANY(%(ids)s)""",
        ids=list(ids),
    )
    return {row[0]: Place(*row) for row in rows}
