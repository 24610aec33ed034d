"""Accounts of users: make, change and remove them. Signing in is in `users.py`.

An account belongs to one space, in which alone its username means something; members of other spaces are seen there
too, but only their own space changes them. A removed account keeps its row, without anything personal, so that what
its user made still has a maker.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from models.entities import SpaceMember, User
from models.errors import Conflict, Forbidden
from models.permissions import Actor, Entity, Verb
from models.services.crud import Resource, Values
from models.services.escalation import require_manageable, require_not_above
from models.services.policies import touch_policy
from models.unit_of_work import UnitOfWork

_PERSONAL = ("firstname", "lastname", "email", "password_hash", "avatar_id")
_TAKEN_OVER = frozenset({"password_hash", "enabled"})
"""Whoever changes these decides whether somebody can sign in."""
_NAMES = frozenset({"username", "email"})
"""By these, an account that nobody has used yet is found at a first single sign-on (`identities.py`)."""


def is_member(model: Any, actor: Actor) -> ColumnElement[bool]:
    """Tell which users may act in the actor's space."""
    membership = select(SpaceMember.user_id).where(
        SpaceMember.user_id == model.id, SpaceMember.space_id == actor.space_id
    )
    return and_(membership.exists(), model.deleted.is_(None))


USERS = Resource(User, "user", Entity.USER, within=is_member)


def create_user(uow: UnitOfWork, actor: Actor, values: Values) -> User:
    """Make an account in the actor's space; without a password nobody can sign in with it."""
    user = USERS.create(uow, actor, values)
    add_member(uow, actor.space_id, user.id)
    return user


def get_account(uow: UnitOfWork, actor: Actor, user_id: UUID, verb: Verb) -> User:
    """Give an account of the actor's space, locked, to change or remove it.

    Raises:
        Forbidden: when the user is a member whose account belongs to another space.
    """
    user = USERS.get(uow, actor, user_id, verb, lock=True)
    if user.space_id != actor.space_id:
        raise Forbidden("The account belongs to another space, which alone can change it")
    return user


def update_user(uow: UnitOfWork, actor: Actor, user: User, values: Values) -> None:
    """Change what is given of an account. A new password, or an end of `enabled`, ends all of its logins at once.

    Raises:
        Forbidden: when the user may do more than the actor, and this would let the actor sign in or lock them out.
        Conflict: when this would lock out the actor themselves, or the last who can manage the space.
    """
    changed = {name for name, value in values.items() if getattr(user, name) != value}
    if changed & _NAMES and user.password_hash is None:
        require_not_above(uow, actor, user.id)
    if changed & _TAKEN_OVER:
        require_not_above(uow, actor, user.id)
        user.epoch += 1
        touch_policies(uow, user.id)
    is_locked_out = "enabled" in changed and not values["enabled"]
    if is_locked_out and user.id == actor.user_id:
        raise Conflict("Nobody can disable themselves")
    USERS.update(uow, actor, user, values)
    if is_locked_out:
        require_manageable(uow, actor.space_id)


def delete_user(uow: UnitOfWork, actor: Actor, user: User) -> None:
    """Remove an account: what is personal is forgotten, keys and memberships end, the name is free again.

    Raises:
        Forbidden: when the user may do more than the actor.
        Conflict: for the actor themselves, and for the last who can manage the space.
    """
    if user.id == actor.user_id:
        raise Conflict("Nobody can delete themselves")
    require_not_above(uow, actor, user.id)
    forget_user(uow, user)
    USERS.publish(uow, actor, USERS.deleted, user)
    require_manageable(uow, actor.space_id)


def forget_user(uow: UnitOfWork, user: User) -> None:
    """Purge an account that is locked."""
    spaces = uow.execute("DELETE FROM space_member WHERE user_id = :user RETURNING space_id", user=user.id).all()
    for table in ("group_user", "token", "tag_rating", "idempotency_key", "user_identity"):
        uow.execute(f"DELETE FROM {table} WHERE user_id = :user", user=user.id)  # noqa: S608 - names of our tables
    for name in _PERSONAL:
        setattr(user, name, None)
    user.username, user.meta = f"deleted-{user.id}", {}
    user.enabled, user.deleted, user.epoch = False, datetime.now(UTC), user.epoch + 1
    user.revision += 1
    uow.session.flush()
    for (space_id,) in spaces:
        touch_policy(uow, UUID(str(space_id)))


def touch_policies(uow: UnitOfWork, user_id: UUID) -> None:
    """Let what is remembered of a user be forgotten, and their live connections be looked at, in all their spaces."""
    for (space_id,) in uow.fetch("SELECT space_id FROM space_member WHERE user_id = %(user)s", user=user_id):
        touch_policy(uow, space_id)


def add_member(uow: UnitOfWork, space_id: UUID, user_id: UUID) -> bool:
    """Let a user act in a space; tells whether that is new."""
    added = uow.execute(
        "INSERT INTO space_member (space_id, user_id) VALUES (:space, :user) ON CONFLICT DO NOTHING",
        space=space_id,
        user=user_id,
    ).rowcount
    return bool(added)
