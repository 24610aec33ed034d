"""Roles: what they grant everywhere in the space. What they grant for single libraries is in `role_grants.py`.

Every change lets the space's policy be read anew.
"""

from __future__ import annotations

from models.entities import Role
from models.permissions import Actor, Entity
from models.services.crud import Resource, Values
from models.services.escalation import granted_by_role, require_held, require_not_lost
from models.services.policies import touch_policy
from models.unit_of_work import UnitOfWork

ROLES = Resource(Role, "role", Entity.ROLE)


def create_role(uow: UnitOfWork, actor: Actor, values: Values) -> Role:
    """Make a role. Raises `Forbidden` when it grants what the actor has not."""
    require_held(actor, values.get("permissions") or ())
    return ROLES.create(uow, actor, values)


def update_role(uow: UnitOfWork, actor: Actor, role: Role, values: Values) -> None:
    """Change a role, which must be locked, and with it what its users may do.

    Raises:
        Forbidden: when it would come to grant, or no longer grant, what the actor has not.
        Conflict: when nobody would be left who can manage the space.
    """
    before = set(role.permissions)
    after = set(values.get("permissions", before))
    require_held(actor, before ^ after)
    ROLES.update(uow, actor, role, values)
    if before != after:
        touch_policy(uow, actor.space_id)
        require_not_lost(uow, actor, before - after)


def delete_role(uow: UnitOfWork, actor: Actor, role: Role) -> None:
    """Remove a role, which must be locked, from everybody who has it. Raises as `update_role`."""
    taken = granted_by_role(uow, role.id)
    require_held(actor, taken)
    ROLES.delete(uow, actor, role)
    touch_policy(uow, actor.space_id)
    require_not_lost(uow, actor, taken)
