"""What every space begins with: the sample roles, and a group of administrators."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from models.entities import Group, GroupRole, GroupUser, Role, SpaceMember
from models.ids import new_id
from models.sample_roles import SAMPLE_ROLES
from models.unit_of_work import UnitOfWork

ADMINS = "admins"
ADMIN_ROLE = "admin-role"


def ensure_policy(uow: UnitOfWork, space_id: UUID) -> None:
    """Make roles and administrators for a space that has neither group nor role; all its members become some.

    Afterwards they are the space's own to change: nothing that was renamed or removed comes back. A migration that
    brings a new permission adds it to the roles of administrators.
    """
    if _has_policy(uow, space_id):
        return
    roles = {name: Role(id=new_id(), space_id=space_id, name=name, permissions=sorted(granted))
             for name, granted in SAMPLE_ROLES.items()}  # fmt: skip
    group = Group(id=new_id(), space_id=space_id, name=ADMINS)
    uow.session.add_all([*roles.values(), group])
    uow.session.flush()
    uow.session.add(GroupRole(group_id=group.id, role_id=roles[ADMIN_ROLE].id))
    members = uow.session.execute(select(SpaceMember.user_id).where(SpaceMember.space_id == space_id)).scalars()
    uow.session.add_all([GroupUser(group_id=group.id, user_id=user_id) for user_id in members])
    uow.session.flush()


def _has_policy(uow: UnitOfWork, space_id: UUID) -> bool:
    groups = select(Group.id).where(Group.space_id == space_id)
    roles = select(Role.id).where(Role.space_id == space_id)
    return uow.session.execute(groups.union_all(roles).limit(1)).first() is not None
