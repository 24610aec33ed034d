"""What searches are narrowed by: marks in the index, and which of them an actor's grants and restrictions ask for.

The index has the libraries and collections that an asset was added to, its pools, its tags and whether it is
blacklisted. Which pools a library spans is looked up when somebody searches, so that it acts at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from models.permissions import Actor, Permission
from models.search import Part
from models.unit_of_work import UnitOfWork

BLACKLISTED = "blacklisted"
MARKS = f"""
    SELECT 'library:' || library_id FROM library_asset WHERE asset_id = a.id
    UNION ALL SELECT 'collection:' || collection_id FROM collection_asset WHERE asset_id = a.id
    UNION SELECT 'pool:' || pool_id FROM location WHERE asset_id = a.id
    UNION SELECT 'tag:' || tag.name FROM asset_tag JOIN tag ON tag.id = tag_id WHERE asset_id = a.id
    UNION SELECT '{BLACKLISTED}' FROM blacklist WHERE space_id = a.space_id AND sha512 = a.sha512
"""  # noqa: S608 - a constant
"""The marks of the asset `a`, in SQL."""

Groups = list[Sequence[str]]


@dataclass(frozen=True)
class Restriction:
    """What a caller wants a search to be restricted to."""

    library: UUID | None = None
    collection: UUID | None = None
    tags: Sequence[str] = ()


def granted_marks(uow: UnitOfWork, actor: Actor) -> Groups:
    """Give the groups of marks that keep a search within what the actor may read and search."""
    groups: Groups = []
    for permission in (Permission.READ_ASSET, Permission.READ_SEARCH):
        if not actor.may(permission):
            libraries = _library_marks(uow, actor, actor.libraries(permission))
            groups.append([*libraries, *(f"collection:{key}" for key in sorted(actor.collections(permission)))])
    return groups


_PARTS = {
    Part.PATHS: Permission.READ_ASSET_LOCATION, Part.TAGS: Permission.READ_TAG, Part.COMMENTS: Permission.READ_COMMENT,
    Part.ANNOTATIONS: Permission.READ_ANNOTATION,
}  # fmt: skip


def visible_parts(actor: Actor) -> frozenset[Part]:
    """Give the parts that the actor may see of every asset that they can find; they neither find nor see the others."""
    return frozenset(part for part, permission in _PARTS.items() if _may_see(actor, permission))


def _may_see(actor: Actor, needed: Permission) -> bool:
    if actor.may(needed):
        return True
    return any(
        not actor.may(each)
        and actor.libraries(each) <= actor.libraries(needed)
        and actor.collections(each) <= actor.collections(needed)
        for each in (Permission.READ_ASSET, Permission.READ_SEARCH)
    )


def wanted_marks(uow: UnitOfWork, actor: Actor, wanted: Restriction) -> Groups:
    """Give the groups of marks that a caller asks for. What they may not read is in no document."""
    groups: Groups = [[f"tag:{name.casefold()}"] for name in wanted.tags if actor.may(Permission.READ_TAG)]
    if wanted.tags and not actor.may(Permission.READ_TAG):
        groups.append([])
    if wanted.library is not None:
        may = actor.may(Permission.READ_LIBRARY) or wanted.library in actor.libraries(Permission.READ_LIBRARY)
        groups.append(_library_marks(uow, actor, [wanted.library]) if may else [])
    if wanted.collection is not None:
        may = actor.may(Permission.READ_COLLECTION) or wanted.collection in actor.collections(
            Permission.READ_COLLECTION
        )
        groups.append([f"collection:{wanted.collection}"] if may else [])
    return groups


def _library_marks(uow: UnitOfWork, actor: Actor, libraries: Collection[UUID]) -> list[str]:
    if not libraries:
        return []
    rows = uow.fetch(
        """SELECT DISTINCT library_pool.pool_id FROM library_pool JOIN library ON library.id = library_id
           WHERE library_id = ANY(%(libraries)s) AND library.space_id = %(space)s""",
        libraries=list(libraries),
        space=actor.space_id,
    )
    return [*(f"library:{key}" for key in sorted(libraries)), *(f"pool:{row[0]}" for row in rows)]
