"""Avatars: the pictures of users. Each is an attachment in the space that the user's account belongs to.

Everybody who sees a user sees their picture. It is changed by the user, or by who may change users in that space.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from models.entities import Attachment, SpaceMember, User
from models.errors import Forbidden, NotFound
from models.events import NewEvent
from models.permissions import Actor
from models.services.attachments import ATTACHMENTS, add_attachment, change_avatar
from models.services.blobs import request_blob_removal
from models.services.crud import Values
from models.unit_of_work import UnitOfWork


def find_pictured(uow: UnitOfWork, actor: Actor, user_id: UUID, *, to_change: bool = False) -> User:
    """Give a user of the actor's space: a member of it, or somebody whose account belongs to it.

    Raises:
        NotFound: when there is none.
        Forbidden: when their picture is to be changed, but their account belongs to another space.
    """
    is_member = select(SpaceMember.user_id).where(
        SpaceMember.space_id == actor.space_id, SpaceMember.user_id == User.id
    )
    query = select(User).where(User.id == user_id, User.deleted.is_(None), is_member.exists())
    user = uow.session.execute(query).scalar_one_or_none()
    if user is None:
        raise NotFound(f"Cannot find user with uuid '{user_id}'")
    if to_change and user.space_id != actor.space_id:
        raise Forbidden("The account belongs to another space")
    return user


def find_own(uow: UnitOfWork, actor: Actor, *, to_change: bool = False) -> User:
    """Give the signed-in user.

    Raises:
        Forbidden: when their picture is to be changed, but they signed in with a part of their permissions.
    """
    if to_change and actor.is_narrowed:
        raise Forbidden("A token with fewer permissions than its owner cannot change them")
    return uow.session.get_one(User, actor.user_id)


def get_avatar(uow: UnitOfWork, user: User) -> Attachment:
    """Give the picture of a user.

    Raises:
        NotFound: when they have none.
    """
    avatar = uow.session.get(Attachment, user.avatar_id) if user.avatar_id else None
    if avatar is None:
        raise NotFound("The user has no avatar")
    return avatar


def lock_pictured(uow: UnitOfWork, user_id: UUID) -> User:
    """Give the user of that id, so that nobody else changes their picture until the transaction ends.

    Raises:
        NotFound: when there is none any more.
    """
    query = select(User).where(User.id == user_id, User.deleted.is_(None))
    query = query.with_for_update().execution_options(populate_existing=True)
    user = uow.session.execute(query).scalar_one_or_none()
    if user is None:
        raise NotFound(f"Cannot find user with uuid '{user_id}'")
    return user


def put_avatar(uow: UnitOfWork, user_id: UUID, editor_id: UUID | None, values: Values) -> Attachment:
    """Give a user a picture whose bytes are kept, in place of the one before; as `add_attachment`."""
    user = lock_pictured(uow, user_id)
    before = user.avatar_id
    avatar = add_attachment(uow, user.space_id, editor_id, values)
    change_avatar(uow, user, avatar.id, editor_id)
    if before is not None:
        _remove(uow, before, editor_id)
    return avatar


def drop_avatar(uow: UnitOfWork, user: User, editor_id: UUID | None) -> None:
    """Take the picture of a user, whose row is locked, away; without one nothing happens."""
    if user.avatar_id is not None:
        before = user.avatar_id
        change_avatar(uow, user, None, editor_id)
        _remove(uow, before, editor_id)


def _remove(uow: UnitOfWork, attachment_id: UUID, user_id: UUID | None) -> None:
    picture = uow.session.get_one(Attachment, attachment_id)
    uow.session.delete(picture)
    uow.session.flush()
    uow.publish(NewEvent(ATTACHMENTS.deleted, picture.space_id, picture.id, user_id))
    request_blob_removal(uow, picture.space_id, [picture.blob_sha512])
