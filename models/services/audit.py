"""Who made and who changed elements, by name: one query for a whole page, none if the caller did it all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from models.db import Audited
from models.entities import User
from models.permissions import Actor
from models.unit_of_work import UnitOfWork


def name_users(uow: UnitOfWork, actor: Actor, elements: Sequence[Audited]) -> None:
    """Fill in `creator_name` and `editor_name` of the elements."""
    wanted = {user_id for element in elements for user_id in (element.creator_id, element.editor_id)}
    names = {actor.user_id: actor.username}
    if unknown := wanted - {None, actor.user_id}:
        rows = uow.session.execute(select(User.id, User.username).where(User.id.in_(unknown)))
        names.update((user_id, name) for user_id, name in rows)
    for element in elements:
        element.creator_name = names.get(element.creator_id) if element.creator_id else None
        element.editor_name = names.get(element.editor_id) if element.editor_id else None


def mark_edited(element: Audited, actor: Actor) -> None:
    """Count a change, so that the element's ETag moves on, and remember whose it was."""
    element.revision += 1
    element.edited = datetime.now(UTC)
    element.editor_id = actor.user_id
