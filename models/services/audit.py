"""Who made and who changed elements, by name: one query for a whole page, none if the caller did it all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from models.db import Audited
from models.entities import User
from models.permissions import Actor
from models.unit_of_work import UnitOfWork


def name_users(uow: UnitOfWork, actor: Actor, elements: Sequence[Audited]) -> None:
    """Fill in `creator_name` and `editor_name` of the elements."""
    wanted = {user_id for element in elements for user_id in (element.creator_id, element.editor_id)}
    names = {actor.user_id: actor.username}
    names |= usernames(uow, {user_id for user_id in wanted if user_id not in {None, actor.user_id}})
    for element in elements:
        element.creator_name = names.get(element.creator_id) if element.creator_id else None
        element.editor_name = names.get(element.editor_id) if element.editor_id else None


def usernames(uow: UnitOfWork, user_ids: Collection[UUID | None]) -> dict[UUID, str]:
    """Give what users are called; those who were removed have a name, too."""
    if not user_ids:
        return {}
    rows = uow.session.execute(select(User.id, User.username).where(User.id.in_(user_ids)))
    return {row.id: row.username for row in rows}


def mark_edited(element: Audited, actor: Actor) -> None:
    """Count a change, so that the element's ETag moves on, and remember whose it was."""
    element.revision += 1
    element.edited = datetime.now(UTC)
    element.editor_id = actor.user_id
