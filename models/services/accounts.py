"""Accounts of users: make, change and remove them. Signing in is in `users.py`.

An account belongs to one space, in which alone its username means something; members of other spaces are seen there
too, but only their own space changes them. A removed account keeps its row, without anything personal, so that what
its user made still has a maker.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from models.entities import Space, SpaceMember, User
from models.errors import Conflict, Forbidden, NotFound
from models.events import NewEvent
from models.ids import printable
from models.permissions import Actor, Entity, Verb
from models.services.avatars import drop_avatar
from models.services.crud import Resource, Values
from models.services.escalation import managed_by, require_managers, require_not_above, spaces_of
from models.services.passwords import hash_password
from models.services.policies import touch_policy
from models.services.sessions import end_logins
from models.unit_of_work import UnitOfWork

_OWNED = ("space_member", "group_user", "token", "tag_rating", "idempotency_key", "user_identity", "session")
"""Tables with what goes with an account."""
_PASSWORD_BYTES = 16
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
        end_logins(uow, user)
    is_locked_out = "enabled" in changed and not values["enabled"]
    if is_locked_out and user.id == actor.user_id:
        raise Conflict("Nobody can disable themselves")
    managed = managed_by(uow, [user.id]) if is_locked_out else []
    USERS.update(uow, actor, user, values)
    if changed & _TAKEN_OVER:
        touch_policies(uow, spaces_of(uow, [user.id]))
    require_managers(uow, managed)


def reset_password(uow: UnitOfWork, username: str, space: str) -> str:
    """Give a user another password, which nobody can find out later; they may sign in again, and other logins end.

    Raises:
        NotFound: when the space has no such user.
    """
    query = select(User).join(Space, Space.id == User.space_id).with_for_update(of=User)
    query = query.where(User.username == username, Space.name == space, User.deleted.is_(None))
    user = uow.session.execute(query).scalar_one_or_none()
    if user is None:
        raise NotFound(f"There is no user '{printable(username)}' in the space '{printable(space)}'")
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    user.password_hash, user.enabled = hash_password(password), True
    end_logins(uow, user)
    user.revision += 1
    user.edited = datetime.now(UTC)
    uow.session.flush()
    touch_policies(uow, spaces_of(uow, [user.id]))
    uow.publish(NewEvent(USERS.updated, user.space_id, user.id))
    return password


def delete_user(uow: UnitOfWork, actor: Actor, user: User) -> None:
    """Remove an account, which must be locked: what is personal is forgotten, keys and memberships end.

    Raises:
        Forbidden: when the user may do more than the actor.
        Conflict: for the actor themselves, and for the last who can manage a space.
    """
    if user.id == actor.user_id:
        raise Conflict("Nobody can delete themselves")
    require_not_above(uow, actor, user.id)
    managed = managed_by(uow, [user.id])
    drop_avatar(uow, user, actor.user_id)
    forget_users(uow, [user.id])
    USERS.publish(uow, actor, USERS.deleted, user)
    require_managers(uow, managed)


def forget_users(uow: UnitOfWork, user_ids: Sequence[UUID]) -> None:
    """Purge accounts, which must be locked. Their rows stay under names that nobody can have foreseen."""
    spaces = spaces_of(uow, user_ids)
    for table in _OWNED:
        uow.execute(f"DELETE FROM {table} WHERE user_id = ANY(:users)", users=list(user_ids))  # noqa: S608 - our tables
    uow.execute(
        """UPDATE "user" SET username = 'deleted-' || gen_random_uuid(), firstname = NULL, lastname = NULL,
               email = NULL, password_hash = NULL, avatar_id = NULL, meta = '{}', enabled = false, deleted = now(),
               epoch = epoch + 1, revision = revision + 1
           WHERE id = ANY(:users) AND deleted IS NULL""",
        users=list(user_ids),
    )
    touch_policies(uow, spaces)


def touch_policies(uow: UnitOfWork, space_ids: Sequence[UUID]) -> None:
    """Let what is remembered of users be forgotten, and their live connections be looked at, in these spaces.

    They are locked in their order, so that no two changes wait for each other.
    """
    for space_id in sorted(space_ids):
        touch_policy(uow, space_id)


def add_member(uow: UnitOfWork, space_id: UUID, user_id: UUID) -> bool:
    """Let a user act in a space; tells whether that is new."""
    added = uow.execute(
        "INSERT INTO space_member (space_id, user_id) VALUES (:space, :user) ON CONFLICT DO NOTHING",
        space=space_id,
        user=user_id,
    ).rowcount
    return bool(added)


def hold_member(uow: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """Give a user of the actor's space, who stays a member of it until the transaction ends.

    Raises:
        NotFound: when there is none, or the actor does not see them.
    """
    user = USERS.get(uow, actor, user_id)
    query = "SELECT 1 FROM space_member WHERE space_id = %(space)s AND user_id = %(user)s FOR KEY SHARE"
    if not uow.fetch(query, space=actor.space_id, user=user_id):
        raise USERS.missing(user_id)
    return user
