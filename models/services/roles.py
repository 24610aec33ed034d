"""Roles: what they grant everywhere in the space, and for single libraries and collections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from models.entities import Collection, Library, Role, RoleGrant
from models.errors import InvalidInput, NotFound
from models.ids import new_id
from models.permissions import SCOPABLE, Actor, Entity, Permission, Verb
from models.services.crud import Resource, Values
from models.services.escalation import require_held, require_manageable
from models.services.policies import touch_policy
from models.unit_of_work import UnitOfWork

ROLES = Resource(Role, "role", Entity.ROLE)
_SCOPES: dict[str, type[Library | Collection]] = {"library": Library, "collection": Collection}


@dataclass(frozen=True)
class Target:
    """What a grant is for: `library` or `collection`, and which."""

    kind: str
    id: UUID


def create_role(uow: UnitOfWork, actor: Actor, values: Values) -> Role:
    """Make a role. Raises `Forbidden` when it grants what the actor has not."""
    require_held(actor, values.get("permissions") or ())
    return ROLES.create(uow, actor, values)


def update_role(uow: UnitOfWork, actor: Actor, role: Role, values: Values) -> None:
    """Change a role, and with it what its users may do.

    Raises:
        Forbidden: when it would come to grant what the actor has not.
        Conflict: when nobody would be left who can manage the space.
    """
    require_held(actor, set(values.get("permissions") or ()) - set(role.permissions))
    ROLES.update(uow, actor, role, values)
    _changed(uow, actor)


def delete_role(uow: UnitOfWork, actor: Actor, role: Role) -> None:
    """Remove a role from everybody who has it. Raises `Conflict` as above."""
    ROLES.delete(uow, actor, role)
    _changed(uow, actor)


def list_grants(uow: UnitOfWork, actor: Actor, role_id: UUID) -> tuple[Role, Sequence[RoleGrant]]:
    """Give a role and what it grants for single libraries and collections."""
    role = ROLES.get(uow, actor, role_id)
    return role, uow.session.execute(
        select(RoleGrant).where(RoleGrant.role_id == role_id).order_by(RoleGrant.id)
    ).scalars().all()  # fmt: skip


def add_grant(
    uow: UnitOfWork, actor: Actor, role_id: UUID, permission: Permission, target: Target
) -> tuple[RoleGrant, bool]:  # fmt: skip
    """Let a role grant a permission for a library or a collection. Gives the grant, and whether it is new.

    Raises:
        InvalidInput: when the permission is not about what libraries and collections hold, or there is no such one.
        Forbidden: when the actor has not got the permission everywhere.
    """
    role = ROLES.get(uow, actor, role_id, Verb.UPDATE, lock=True)
    require_held(actor, [permission])
    if permission not in SCOPABLE:
        raise InvalidInput(f"permission: {permission} cannot be granted for a single library or collection")
    scope = {f"{target.kind}_id": _find_target(uow, actor, target)}
    known = uow.session.execute(
        select(RoleGrant).filter_by(role_id=role.id, permission=str(permission), **scope)
    ).scalar_one_or_none()
    if known is not None:
        return known, False
    grant = RoleGrant(id=new_id(), role_id=role.id, permission=str(permission), **scope)
    uow.session.add(grant)
    ROLES.publish(uow, actor, ROLES.updated, role)
    _changed(uow, actor)
    return grant, True


def remove_grant(uow: UnitOfWork, actor: Actor, role_id: UUID, grant_id: UUID) -> None:
    """Let a role no longer grant that."""
    role = ROLES.get(uow, actor, role_id, Verb.UPDATE, lock=True)
    grant = uow.session.get(RoleGrant, grant_id)
    if grant is None or grant.role_id != role.id:
        raise NotFound(f"Cannot find permission with uuid '{grant_id}'")
    uow.session.delete(grant)
    ROLES.publish(uow, actor, ROLES.updated, role)
    _changed(uow, actor)


def _find_target(uow: UnitOfWork, actor: Actor, target: Target) -> UUID:
    model = _SCOPES[target.kind]
    query = select(model.id).where(model.id == target.id, model.space_id == actor.space_id)
    found = uow.session.execute(query).scalar_one_or_none()
    if found is None:
        raise InvalidInput(f"resource: there is no {target.kind} with uuid '{target.id}'")
    return found


def _changed(uow: UnitOfWork, actor: Actor) -> None:
    touch_policy(uow, actor.space_id)
    require_manageable(uow, actor.space_id)
