"""Groups of users, and the roles that they have. Every change lets the space's policy be read anew."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from models.entities import Group, GroupRole, GroupUser, Role, User
from models.permissions import Actor, Entity, Verb
from models.services.accounts import USERS, hold_member
from models.services.crud import Resource
from models.services.escalation import granted_by_group, granted_by_role, require_held, require_not_lost
from models.services.paging import Page, PageRequest
from models.services.policies import touch_policy
from models.services.roles import ROLES
from models.unit_of_work import UnitOfWork

GROUPS = Resource(Group, "group", Entity.GROUP)


def delete_group(uow: UnitOfWork, actor: Actor, group: Group) -> None:
    """Remove a group, which must be locked; its users lose its roles.

    Raises:
        Forbidden: when the group grants more than the actor has.
        Conflict: when nobody would be left who can manage the space.
    """
    taken = granted_by_group(uow, group.id)
    require_held(actor, taken)
    GROUPS.delete(uow, actor, group)
    touch_policy(uow, actor.space_id)
    require_not_lost(uow, actor, taken)


def add_user(uow: UnitOfWork, actor: Actor, group_id: UUID, user_id: UUID) -> tuple[Group, bool]:
    """Put a user into a group. Gives the group, and whether they are new to it.

    Raises:
        Forbidden: when the group grants more than the actor has.
    """
    group = GROUPS.get(uow, actor, group_id, Verb.UPDATE, lock=True)
    hold_member(uow, actor, user_id)
    require_held(actor, granted_by_group(uow, group_id))
    is_new = uow.session.get(GroupUser, (group_id, user_id)) is None
    if is_new:
        uow.session.add(GroupUser(group_id=group_id, user_id=user_id))
        _changed(uow, actor, group)
    return group, is_new


def remove_user(uow: UnitOfWork, actor: Actor, group_id: UUID, user_id: UUID) -> None:
    """Take a user out of a group; harmless if they are not in it. Everybody may leave a group that they may change.

    Raises:
        Forbidden: when the group grants more than the actor has.
        Conflict: when nobody would be left who can manage the space.
    """
    group = GROUPS.get(uow, actor, group_id, Verb.UPDATE, lock=True)
    USERS.get(uow, actor, user_id)
    member = uow.session.get(GroupUser, (group_id, user_id))
    if member is None:
        return
    taken = granted_by_group(uow, group_id)
    if user_id != actor.user_id or actor.is_narrowed:
        require_held(actor, taken)
    uow.session.delete(member)
    _changed(uow, actor, group)
    require_not_lost(uow, actor, taken)


def add_role(uow: UnitOfWork, actor: Actor, group_id: UUID, role_id: UUID) -> tuple[Group, bool]:
    """Give a role to a group. Gives the group, and whether the role is new to it.

    Raises:
        Forbidden: when the role grants more than the actor has.
    """
    group = GROUPS.get(uow, actor, group_id, Verb.UPDATE, lock=True)
    # Locked, so that it cannot come to grant more before the group has it.
    ROLES.get(uow, actor, role_id, lock=True)
    require_held(actor, granted_by_role(uow, role_id))
    is_new = uow.session.get(GroupRole, (group_id, role_id)) is None
    if is_new:
        uow.session.add(GroupRole(group_id=group_id, role_id=role_id))
        _changed(uow, actor, group)
    return group, is_new


def remove_role(uow: UnitOfWork, actor: Actor, group_id: UUID, role_id: UUID) -> None:
    """Take a role from a group; harmless if it has not got it.

    Raises:
        Forbidden: when the role grants more than the actor has.
        Conflict: when nobody would be left who can manage the space.
    """
    group = GROUPS.get(uow, actor, group_id, Verb.UPDATE, lock=True)
    ROLES.get(uow, actor, role_id)
    given = uow.session.get(GroupRole, (group_id, role_id))
    if given is None:
        return
    taken = granted_by_role(uow, role_id)
    require_held(actor, taken)
    uow.session.delete(given)
    _changed(uow, actor, group)
    require_not_lost(uow, actor, taken)


def users_of(uow: UnitOfWork, actor: Actor, group_id: UUID, request: PageRequest) -> Page[User]:
    """List the users in a group that the actor may see."""
    GROUPS.get(uow, actor, group_id)
    held = select(GroupUser.user_id).where(GroupUser.group_id == group_id)
    return USERS.page(uow, actor, request.where(User.id.in_(held)))


def roles_of(uow: UnitOfWork, actor: Actor, group_id: UUID, request: PageRequest) -> Page[Role]:
    """List the roles of a group."""
    GROUPS.get(uow, actor, group_id)
    held = select(GroupRole.role_id).where(GroupRole.group_id == group_id)
    return ROLES.page(uow, actor, request.where(Role.id.in_(held)))


def groups_of_user(uow: UnitOfWork, actor: Actor, user_id: UUID, request: PageRequest) -> Page[Group]:
    """List the groups of the space that a user is in."""
    USERS.get(uow, actor, user_id)
    held = select(GroupUser.group_id).where(GroupUser.user_id == user_id)
    return GROUPS.page(uow, actor, request.where(Group.id.in_(held)))


def roles_of_user(uow: UnitOfWork, actor: Actor, user_id: UUID, request: PageRequest) -> Page[Role]:
    """List the roles that a user has by the groups of the space."""
    USERS.get(uow, actor, user_id)
    held = (
        select(GroupRole.role_id)
        .join(GroupUser, GroupUser.group_id == GroupRole.group_id)
        .where(GroupUser.user_id == user_id)
    )
    return ROLES.page(uow, actor, request.where(Role.id.in_(held)))


def _changed(uow: UnitOfWork, actor: Actor, group: Group) -> None:
    touch_policy(uow, actor.space_id)
    GROUPS.publish(uow, actor, GROUPS.updated, group)
