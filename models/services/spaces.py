"""Spaces: tenants, and who may act in them. Making, changing and removing them is for operators.

An operator holds the permission in the space `default`. Everybody else sees the spaces that they are a member of.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true

from models.entities import Space, SpaceMember, User
from models.entities.space import DEFAULT_SPACE
from models.errors import Conflict, InvalidInput
from models.permissions import Actor, Entity, Permission
from models.services.accounts import USERS, add_member, forget_user
from models.services.crud import Page, PageRequest, Resource, Values
from models.services.escalation import require_manageable
from models.services.policies import touch_policy
from models.services.space_policy import ensure_policy
from models.unit_of_work import UnitOfWork

_HOLDING = {"asset": "assets", "pool": "asset pools", "library": "libraries", "collection": "collections"}


def is_visible(model: Any, actor: Actor) -> ColumnElement[bool]:
    """Tell which spaces the actor may know of."""
    if actor.is_operator(Permission.CREATE_SPACE) and not actor.is_narrowed:
        return true()
    membership = select(SpaceMember.space_id).where(
        SpaceMember.space_id == model.id, SpaceMember.user_id == actor.user_id
    )
    return membership.exists()


SPACES = Resource(Space, "space", Entity.SPACE, within=is_visible)


def create_space(uow: UnitOfWork, actor: Actor, values: Values) -> Space:
    """Make a space with its sample roles; the actor becomes its first administrator."""
    actor.require_operator(Permission.CREATE_SPACE)
    space = Space(**{"creator_id": actor.user_id, "editor_id": actor.user_id, **values})
    uow.session.add(space)
    uow.session.flush()
    add_member(uow, space.id, actor.user_id)
    ensure_policy(uow, space.id)
    SPACES.publish(uow, actor, SPACES.created, space)
    return space


def update_space(uow: UnitOfWork, actor: Actor, space: Space, values: Values) -> None:
    """Change a space."""
    actor.require_operator(Permission.UPDATE_SPACE)
    if space.name == DEFAULT_SPACE and values.get("name", DEFAULT_SPACE) != DEFAULT_SPACE:
        raise Conflict(f"The space '{DEFAULT_SPACE}' keeps its name")
    SPACES.update(uow, actor, space, values)


def delete_space(uow: UnitOfWork, actor: Actor, space: Space) -> None:
    """Remove a space that holds nothing any more, with its accounts, groups, roles and words.

    Raises:
        Conflict: for the space `default`, and for one that holds assets, pools, libraries or collections.
    """
    actor.require_operator(Permission.DELETE_SPACE)
    if space.name == DEFAULT_SPACE:
        raise Conflict(f"The space '{DEFAULT_SPACE}' is always there")
    for table, words in _HOLDING.items():
        if uow.fetch(f"SELECT 1 FROM {table} WHERE space_id = %(space)s LIMIT 1", space=space.id):  # noqa: S608
            raise Conflict(f"The space holds {words}; remove them first")
    _empty(uow, space)
    SPACES.delete(uow, actor, space)


def _empty(uow: UnitOfWork, space: Space) -> None:
    """Remove what belongs to the space and to nobody else. Accounts stay as makers, in the space `default`."""
    for user in uow.session.execute(select(User).where(User.space_id == space.id).with_for_update()).scalars():
        if user.deleted is None:
            forget_user(uow, user)
    uow.execute(
        f"""UPDATE "user" SET space_id = (SELECT id FROM space WHERE name = '{DEFAULT_SPACE}')
            WHERE space_id = :space""",  # noqa: S608 - a constant
        space=space.id,
    )
    for table in ("tag", "comment", "reaction", "blacklist", "webhook", "pipeline", "attachment", "task", "schedule"):
        uow.execute(f"DELETE FROM {table} WHERE space_id = :space", space=space.id)  # noqa: S608 - our tables


def add_user(uow: UnitOfWork, actor: Actor, space_id: UUID, user_id: UUID) -> tuple[Space, bool]:
    """Let an account of another space act in this one. Gives the space, and whether they are new to it."""
    actor.require_operator(Permission.UPDATE_SPACE)
    space = SPACES.get(uow, actor, space_id)
    user = uow.session.get(User, user_id)
    if user is None or user.deleted is not None:
        raise USERS.missing(user_id)
    is_new = add_member(uow, space.id, user_id)
    if is_new:
        SPACES.publish(uow, actor, SPACES.updated, space)
    return space, is_new


def remove_user(uow: UnitOfWork, actor: Actor, space_id: UUID, user_id: UUID) -> None:
    """Let a user no longer act in a space; harmless if they may not.

    Raises:
        Conflict: when their account belongs to it, or nobody would be left who can manage it.
    """
    actor.require_operator(Permission.UPDATE_SPACE)
    space = SPACES.get(uow, actor, space_id)
    user = uow.session.get(User, user_id)
    if user is not None and user.space_id == space.id and user.deleted is None:
        raise Conflict("The account belongs to the space; delete it instead")
    uow.execute("DELETE FROM space_member WHERE space_id = :space AND user_id = :user", space=space.id, user=user_id)
    uow.execute(
        """DELETE FROM group_user USING "group" WHERE "group".id = group_id AND "group".space_id = :space
           AND user_id = :user""",
        space=space.id,
        user=user_id,
    )
    touch_policy(uow, space.id)
    require_manageable(uow, space.id)
    SPACES.publish(uow, actor, SPACES.updated, space)


def users_of(uow: UnitOfWork, actor: Actor, space_id: UUID, request: PageRequest) -> Page[User]:
    """List the users who may act in a space."""
    return USERS.page(uow, in_space(uow, actor, space_id), request)


def in_space(uow: UnitOfWork, actor: Actor, space_id: UUID) -> Actor:
    """Give the actor, looking into a space: the one they act in, or any for an operator.

    Raises:
        InvalidInput: when it is another one, and the actor is no operator.
    """
    SPACES.get(uow, actor, space_id)
    if space_id == actor.space_id:
        return actor
    if not actor.is_operator(Permission.CREATE_SPACE):
        raise InvalidInput("Name the space in the header X-Loom-Space to see what is in it")
    return Actor(actor.user_id, space_id, actor.username, actor.grants, actor.token_id, actor.is_narrowed)
