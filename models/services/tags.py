"""Tags: the labels of a space's vocabulary, and how people rate them. Putting them on assets is in `tagging.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import Select, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from models.entities import AssetTag, Tag, TagRating, Task
from models.errors import Conflict, NotFound
from models.events import NewEvent
from models.ids import new_id
from models.payloads import DeleteTag
from models.permissions import Actor, Entity
from models.services.announcing import announce_all
from models.services.assets import require_readable
from models.services.crud import Resource, Values
from models.services.holders import TAG_HOLDER, delete_by_task
from models.services.paging import Page, PageRequest
from models.unit_of_work import UnitOfWork

TAGS = Resource(Tag, "tag", Entity.TAG)
LEAST_RATING, MOST_RATING = 1, 5
_SHOWN = ("name", "collection", "color")
_TRIES = 5

TagName = tuple[str, str]
"""Collection and name, which say which tag of the space is meant."""


def update_tag(uow: UnitOfWork, actor: Actor, tag: Tag, values: Values) -> None:
    """Change what is given of a tag; assets that have it show it differently then."""
    is_shown = any(name in values and values[name] != getattr(tag, name) for name in _SHOWN)
    TAGS.update(uow, actor, tag, values)
    if is_shown:
        announce_all(uow, actor.space_id, actor.user_id, "tag", tag.id, f"Tell of the assets with the tag {tag.name}")


def delete_tag(uow: UnitOfWork, actor: Actor, tag: Tag, max_attempts: int) -> Task | None:
    """Forget a tag, which must be locked, and take it off all assets.

    Returns:
        The task that does it, if it is on very many.
    """
    payload = DeleteTag(tag_uuid=tag.id)
    task = delete_by_task(uow, actor, TAG_HOLDER, payload, tag.id, tag.name, max_attempts)
    if task is None:
        forget_tag(uow, tag, actor.user_id)
    return task


def forget_tag(uow: UnitOfWork, tag: Tag, user_id: UUID | None) -> None:
    """Remove a tag, which must be locked, with where it still is."""
    TAG_HOLDER.remove_some(uow, tag.space_id, user_id, tag.id)
    uow.session.delete(tag)
    uow.session.flush()
    uow.publish(NewEvent(TAGS.deleted, tag.space_id, tag.id, user_id))


def ensure_tags(uow: UnitOfWork, actor: Actor, wanted: Mapping[TagName, Values]) -> dict[TagName, Tag]:
    """Give the tags of these names, those made now that do not exist; none of them can go away or be renamed.

    `wanted` has what a new one is made of. Whoever asks for the same at the same time gets the same.

    Raises:
        Conflict: when others keep removing what is wanted.
    """
    for _ in range(_TRIES):
        found = _hold_tags(uow, actor, wanted)
        if len(found) == len(wanted):
            return found
        for key in sorted(wanted.keys() - found.keys()):
            _insert(uow, actor, wanted[key])
    raise Conflict("The tags are being changed by others; try again")


def hold_tags(uow: UnitOfWork, actor: Actor, tag_ids: Iterable[UUID]) -> dict[UUID, Tag]:
    """Give those of the tags that the actor may read; none of them can go away or be renamed."""
    query = select(Tag).where(Tag.id.in_(list(tag_ids)), TAGS.visible(actor)).order_by(Tag.id)
    return {tag.id: tag for tag in uow.session.execute(_held(query)).scalars()}


def _hold_tags(uow: UnitOfWork, actor: Actor, wanted: Iterable[TagName]) -> dict[TagName, Tag]:
    query = select(Tag).where(Tag.space_id == actor.space_id, tuple_(Tag.collection, Tag.name).in_(list(wanted)))
    return {(tag.collection, tag.name): tag for tag in uow.session.execute(_held(query.order_by(Tag.id))).scalars()}


def _held(query: Select[Tag]) -> Select[Tag]:
    return query.with_for_update(read=True, key_share=True).execution_options(populate_existing=True)


def _insert(uow: UnitOfWork, actor: Actor, values: Values) -> None:
    """Make a tag, unless somebody else has just made it."""
    row = {
        **values,
        "id": new_id(),
        "space_id": actor.space_id,
        "creator_id": actor.user_id,
        "editor_id": actor.user_id,
    }
    made = uow.session.execute(insert(Tag).values(row).on_conflict_do_nothing().returning(Tag.id)).scalar_one_or_none()
    if made is not None:
        uow.publish(NewEvent(TAGS.created, actor.space_id, made, actor.user_id))


def rate(uow: UnitOfWork, actor: Actor, tag_id: UUID, rating: int) -> None:
    """Keep what the actor thinks of a tag, instead of what they thought before."""
    TAGS.get(uow, actor, tag_id)
    row = insert(TagRating).values(tag_id=tag_id, user_id=actor.user_id, rating=rating)
    uow.session.execute(
        row.on_conflict_do_update(index_elements=[TagRating.tag_id, TagRating.user_id], set_={"rating": rating})
    )


def rating_of(uow: UnitOfWork, actor: Actor, tag_id: UUID) -> int:
    """Give what the actor thinks of a tag.

    Raises:
        NotFound: when they have not said, or see no such tag.
    """
    TAGS.get(uow, actor, tag_id)
    rating = uow.session.get(TagRating, (tag_id, actor.user_id))
    if rating is None:
        raise NotFound("You have not rated this tag")
    return rating.rating


def unrate(uow: UnitOfWork, actor: Actor, tag_id: UUID) -> None:
    """Forget what the actor thinks of a tag; harmless if they have not said."""
    TAGS.get(uow, actor, tag_id)
    own = (TagRating.tag_id == tag_id, TagRating.user_id == actor.user_id)
    uow.session.execute(delete(TagRating).where(*own))


def tags_of(uow: UnitOfWork, actor: Actor, asset_id: UUID, request: PageRequest) -> Page[Tag]:
    """List the tags of an asset.

    Raises:
        NotFound: when the actor sees no such asset.
    """
    require_readable(uow, actor, asset_id)
    put = select(AssetTag.tag_id).where(AssetTag.asset_id == asset_id)
    return TAGS.page(uow, actor, request.where(Tag.id.in_(put)))
