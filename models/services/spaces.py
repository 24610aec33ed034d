"""Spaces: tenants, and who may act in them. Making, changing and removing them is for operators.

An operator holds the permission in the space `default`. Everybody else sees the spaces that they are a member of.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, true

from models.entities import Attachment, Collection, Library, Space, SpaceMember, User
from models.entities.space import DEFAULT_SPACE
from models.errors import Conflict, InvalidInput, NotFound
from models.permissions import Actor, Entity, Grants, Permission
from models.services.accounts import USERS, add_member, forget_users
from models.services.blobs import request_blob_removal
from models.services.collections import COLLECTIONS
from models.services.crud import Resource, Values
from models.services.escalation import managed_by, require_managers
from models.services.libraries import LIBRARIES, name_pools
from models.services.paging import Page, PageRequest
from models.services.policies import touch_policy
from models.services.space_policy import ensure_policy
from models.unit_of_work import UnitOfWork

_OPERATING = (Permission.CREATE_SPACE, Permission.UPDATE_SPACE, Permission.DELETE_SPACE)
_HOLDING = {"asset": "assets", "pool": "asset pools", "library": "libraries", "collection": "collections"}
_REST = ("tag", "reaction", "comment", "blacklist", "webhook", "pipeline", "task", "schedule")
"""Tables with what may be left in a space besides, which goes with it."""


def is_operator(actor: Actor) -> bool:
    """Whether the actor looks after all spaces."""
    return any(actor.is_operator(permission) for permission in _OPERATING)


def is_visible(model: Any, actor: Actor) -> ColumnElement[bool]:
    """Tell which spaces the actor may know of: with a key that carries less than all, the one that it is for."""
    if is_operator(actor):
        return true()
    if actor.is_narrowed:
        here: ColumnElement[bool] = model.id == actor.space_id
        return here
    membership = select(SpaceMember.space_id).where(
        SpaceMember.space_id == model.id, SpaceMember.user_id == actor.user_id
    )
    return membership.exists()


SPACES = Resource(Space, "space", Entity.SPACE, within=is_visible, is_open=True)


def sees_roots(actor: Actor, space: Space) -> bool:
    """Whether the actor is told the folders that pools of a space may lie in: operators, and who makes pools there."""
    return is_operator(actor) or (space.id == actor.space_id and actor.may(Permission.CREATE_ASSET_POOL))


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
    managed = _forget_accounts(uow, space.id, actor.space_id)
    for table in _REST:
        uow.execute(f"DELETE FROM {table} WHERE space_id = :space", space=space.id)  # noqa: S608 - our tables
    # Who listens there is a member no more.
    touch_policy(uow, space.id)
    SPACES.delete(uow, actor, space)
    require_managers(uow, managed)


def _forget_accounts(uow: UnitOfWork, space_id: UUID, heir_id: UUID) -> list[UUID]:
    """Remove the accounts of a space, which stay as makers in another. Gives the other spaces that they could manage.

    What it has of stored files goes first: their removal is a task of the heir's.
    """
    files = delete(Attachment).where(Attachment.space_id == space_id).returning(Attachment.blob_sha512)
    request_blob_removal(uow, heir_id, uow.session.execute(files).scalars().all())
    accounts = select(User.id).where(User.space_id == space_id).order_by(User.id).with_for_update()
    user_ids = uow.session.execute(accounts).scalars().all()
    managed = managed_by(uow, user_ids)
    forget_users(uow, user_ids)
    uow.execute('UPDATE "user" SET space_id = :heir WHERE space_id = :space', heir=heir_id, space=space_id)
    return [each for each in managed if each != space_id]


def add_user(uow: UnitOfWork, actor: Actor, space_id: UUID, user_id: UUID) -> tuple[Space, bool]:
    """Let an account of another space act in this one. Gives the space, and whether they are new to it."""
    actor.require_operator(Permission.UPDATE_SPACE)
    space = SPACES.get(uow, actor, space_id)
    query = select(User.id).where(User.id == user_id, User.deleted.is_(None))
    if uow.session.execute(query.with_for_update(read=True)).first() is None:
        raise USERS.missing(user_id)
    is_new = add_member(uow, space.id, user_id)
    if is_new:
        touch_policy(uow, space.id)
        SPACES.publish(uow, actor, SPACES.updated, space)
    return space, is_new


def remove_user(uow: UnitOfWork, actor: Actor, space_id: UUID, user_id: UUID) -> None:
    """Let a user no longer act in a space, nor with keys for it; harmless if they may not.

    Raises:
        Conflict: when their account belongs to it, or nobody would be left who can manage it.
    """
    actor.require_operator(Permission.UPDATE_SPACE)
    space = SPACES.get(uow, actor, space_id)
    user = uow.session.get(User, user_id)
    if user is not None and user.space_id == space.id and user.deleted is None:
        raise Conflict("The account belongs to the space; delete it instead")
    managed = [each for each in managed_by(uow, [user_id]) if each == space_id]
    if _remove_member(uow, space_id, user_id):
        touch_policy(uow, space.id)
        SPACES.publish(uow, actor, SPACES.updated, space)
        require_managers(uow, managed)


def _remove_member(uow: UnitOfWork, space_id: UUID, user_id: UUID) -> bool:
    """Take a user out of a space and its groups; tells whether they were in it."""
    ids = {"space": space_id, "user": user_id}
    gone = uow.execute("DELETE FROM space_member WHERE space_id = :space AND user_id = :user", **ids).rowcount
    uow.execute("DELETE FROM token WHERE space_id = :space AND user_id = :user", **ids)
    uow.execute(
        'DELETE FROM group_user USING "group" g WHERE g.id = group_id AND g.space_id = :space AND user_id = :user',
        **ids,
    )
    return bool(gone)


def users_of(uow: UnitOfWork, actor: Actor, space_id: UUID, request: PageRequest) -> Page[User]:
    """List the users who may act in a space."""
    return USERS.page(uow, in_space(uow, actor, space_id), request)


def libraries_of(uow: UnitOfWork, actor: Actor, space_id: UUID, request: PageRequest) -> Page[Library]:
    """List the libraries of a space."""
    page = LIBRARIES.page(uow, in_space(uow, actor, space_id), request)
    name_pools(uow, page.elements)
    return page


def collections_of(uow: UnitOfWork, actor: Actor, space_id: UUID, request: PageRequest) -> Page[Collection]:
    """List the collections of a space."""
    return COLLECTIONS.page(uow, in_space(uow, actor, space_id), request)


def require_in_space(
    uow: UnitOfWork, actor: Actor, space_id: UUID, resource: Resource[Any], element_id: UUID
) -> Space:  # fmt: skip
    """Insist that a library or a collection is in a space; gives the space.

    Raises:
        Conflict: when it is in the one that the actor acts in instead. None moves: its assets would stay behind.
        NotFound: when the actor does not see it.
    """
    space = SPACES.get(uow, actor, space_id)
    try:
        resource.get(uow, in_space(uow, actor, space_id), element_id)
    except NotFound:
        resource.get(uow, actor, element_id)
        raise Conflict(f"The {resource.name} belongs to another space, and cannot move") from None
    return space


def in_space(uow: UnitOfWork, actor: Actor, space_id: UUID) -> Actor:
    """Give the actor, looking into a space: the one they act in, or any for an operator.

    Raises:
        InvalidInput: when it is another one, and the actor is no operator.
    """
    SPACES.get(uow, actor, space_id)
    if space_id == actor.space_id:
        return actor
    if not is_operator(actor):
        raise InvalidInput("Name the space in the header X-Loom-Space to see what is in it")
    # Grants for single libraries are for those of the space acted in.
    grants = Grants(actor.grants.everywhere)
    return Actor(actor.user_id, space_id, actor.username, grants, actor.token_id, actor.is_narrowed)
