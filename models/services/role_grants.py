"""What roles grant, one by one: a permission everywhere in the space, or for a single library or collection.

The latter are rows. The former are names in the role's own list, told here as if they were rows: what identifies one is
made of the role and the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy import func, select

from models.entities import Role, RoleGrant
from models.errors import InvalidInput, NotFound
from models.ids import new_id
from models.permissions import SCOPABLE, Actor, Permission, Verb
from models.services.collections import COLLECTIONS
from models.services.counting import Total
from models.services.escalation import require_held
from models.services.libraries import LIBRARIES
from models.services.paging import PageRequest
from models.services.policies import touch_policy
from models.services.roles import ROLES, update_role
from models.unit_of_work import UnitOfWork

EVERYWHERE = "all"


@dataclass(frozen=True)
class Target:
    """What a grant is for: `library` or `collection`, and which."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class Grant:
    """A permission that a role grants, and for what: None is everywhere."""

    id: UUID
    permission: str
    target: Target | None = None


def list_grants(
    uow: UnitOfWork, actor: Actor, role_id: UUID, request: PageRequest
) -> tuple[Sequence[Grant], Total]:  # fmt: skip
    """Give a part of what a role grants, in the order of the ids, and how much that is in all."""
    role = ROLES.get(uow, actor, role_id)
    count = uow.session.execute(select(func.count()).where(RoleGrant.role_id == role_id)).scalar_one()
    grants = [*_global_grants(role, request), *_scoped_grants(uow, role, request)]
    grants.sort(key=lambda grant: grant.id, reverse=request.is_descending)
    return grants[: request.limit], Total(len(role.permissions) + count)


def _global_grants(role: Role, request: PageRequest) -> Sequence[Grant]:
    grants = [_global_grant(role, permission) for permission in role.permissions]
    if request.after is None:
        return grants
    after = request.after
    return [grant for grant in grants if (grant.id < after if request.is_descending else grant.id > after)]


def _global_grant(role: Role, permission: str) -> Grant:
    return Grant(uuid5(role.id, permission), permission)


def _scoped_grants(uow: UnitOfWork, role: Role, request: PageRequest) -> Sequence[Grant]:
    key = RoleGrant.id
    query = select(RoleGrant).where(RoleGrant.role_id == role.id)
    if request.after is not None:
        query = query.where(key < request.after if request.is_descending else key > request.after)
    query = query.order_by(key.desc() if request.is_descending else key).limit(request.limit)
    return [_scoped_grant(row) for row in uow.session.execute(query).scalars()]


def _scoped_grant(row: RoleGrant) -> Grant:
    target = Target("library", row.library_id) if row.library_id else None
    if row.collection_id:
        target = Target("collection", row.collection_id)
    return Grant(row.id, row.permission, target)


def add_grant(
    uow: UnitOfWork, actor: Actor, role_id: UUID, permission: Permission, target: Target | None
) -> tuple[Grant, bool]:  # fmt: skip
    """Let a role grant a permission for a library or a collection (None: everywhere). Tells whether that is new.

    Raises:
        InvalidInput: when the permission is not about what libraries and collections hold, or the actor sees no such
            one.
        Forbidden: when the actor has not got the permission everywhere.
    """
    role = ROLES.get(uow, actor, role_id, Verb.UPDATE, lock=True)
    require_held(actor, [permission])
    if target is None:
        is_new = permission not in role.permissions
        update_role(uow, actor, role, {"permissions": sorted({*role.permissions, str(permission)})})
        return _global_grant(role, str(permission)), is_new
    if permission not in SCOPABLE:
        raise InvalidInput(f"permission: {permission} cannot be granted for a single library or collection")
    return _add_scoped(uow, actor, role, permission, target)


def _add_scoped(
    uow: UnitOfWork, actor: Actor, role: Role, permission: Permission, target: Target
) -> tuple[Grant, bool]:  # fmt: skip
    scope = {f"{target.kind}_id": _find_target(uow, actor, target)}
    query = select(RoleGrant).filter_by(role_id=role.id, permission=str(permission), **scope)
    known = uow.session.execute(query).scalar_one_or_none()
    if known is not None:
        return _scoped_grant(known), False
    row = RoleGrant(id=new_id(), role_id=role.id, permission=str(permission), **scope)
    uow.session.add(row)
    _changed(uow, actor, role)
    return _scoped_grant(row), True


def _find_target(uow: UnitOfWork, actor: Actor, target: Target) -> UUID:
    if target.kind == "library":
        return LIBRARIES.refer(uow, actor, target.id, "resource").id
    return COLLECTIONS.refer(uow, actor, target.id, "resource").id


def remove_grant(uow: UnitOfWork, actor: Actor, role_id: UUID, grant_id: UUID) -> None:
    """Let a role no longer grant that.

    Raises:
        NotFound: when it does not.
        Forbidden: when the actor has not got the permission everywhere.
        Conflict: when nobody would be left who can manage the space.
    """
    role = ROLES.get(uow, actor, role_id, Verb.UPDATE, lock=True)
    for name in role.permissions:
        if _global_grant(role, name).id == grant_id:
            update_role(uow, actor, role, {"permissions": [each for each in role.permissions if each != name]})
            return
    row = uow.session.get(RoleGrant, grant_id)
    if row is None or row.role_id != role.id:
        raise NotFound(f"Cannot find permission with uuid '{grant_id}'")
    require_held(actor, [row.permission])
    uow.session.delete(row)
    _changed(uow, actor, role)


def _changed(uow: UnitOfWork, actor: Actor, role: Role) -> None:
    uow.session.flush()
    touch_policy(uow, actor.space_id)
    ROLES.publish(uow, actor, ROLES.updated, role)
