"""Nobody gives, or takes over, more than they have; and a space always keeps somebody who can manage it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from models.errors import Conflict, Forbidden
from models.permissions import Actor, Grants, Permission
from models.services.policies import load_grants
from models.unit_of_work import UnitOfWork

_MANAGING = (Permission.UPDATE_USER, Permission.UPDATE_GROUP, Permission.UPDATE_ROLE)
_MOST_NAMED = 5


def require_held(actor: Actor, permissions: Iterable[str]) -> None:
    """Insist that the actor has, everywhere, what they are about to give.

    Raises:
        Forbidden: naming what they have not.
    """
    missing = sorted(set(permissions) - actor.grants.everywhere)
    if missing:
        raise Forbidden(f"Nobody can give what they do not have: {', '.join(missing[:_MOST_NAMED])}")


def require_role_held(uow: UnitOfWork, actor: Actor, role_id: UUID) -> None:
    """Insist that the actor has all that a role grants. Raises as `require_held`."""
    rows = uow.fetch(
        """SELECT unnest(permissions) FROM role WHERE id = %(role)s
           UNION SELECT permission FROM role_grant WHERE role_id = %(role)s""",
        role=role_id,
    )
    require_held(actor, (row[0] for row in rows))


def require_group_held(uow: UnitOfWork, actor: Actor, group_id: UUID) -> None:
    """Insist that the actor has all that a group grants. Raises as `require_held`."""
    rows = uow.fetch("SELECT role_id FROM group_role WHERE group_id = %(group)s", group=group_id)
    for (role_id,) in rows:
        require_role_held(uow, actor, role_id)


def require_not_above(uow: UnitOfWork, actor: Actor, user_id: UUID) -> None:
    """Insist that a user may do nothing, in any space, that the actor may not: before their account is taken over.

    Raises:
        Forbidden: when they may.
    """
    if user_id == actor.user_id and not actor.is_narrowed:
        return
    spaces = uow.fetch("SELECT space_id FROM space_member WHERE user_id = %(user)s", user=user_id)
    for (space_id,) in spaces:
        theirs = load_grants(uow, user_id, space_id)
        mine = actor.grants if space_id == actor.space_id else load_grants(uow, actor.user_id, space_id)
        if not _is_within(theirs, mine):
            raise Forbidden("This user may do more than you")


def _is_within(theirs: Grants, mine: Grants) -> bool:
    if not theirs.everywhere <= mine.everywhere:
        return False
    scoped = ((theirs.libraries, mine.libraries), (theirs.collections, mine.collections))
    return all(
        permission in mine.everywhere or ids <= held.get(permission, frozenset())
        for wanted, held in scoped
        for permission, ids in wanted.items()
    )


def require_manageable(uow: UnitOfWork, space_id: UUID) -> None:
    """Insist, after a change, that somebody is left who can manage the space's users, groups and roles.

    Raises:
        Conflict: when nobody is.
    """
    uow.session.flush()
    rows = uow.fetch(
        """SELECT 1 FROM "user" JOIN space_member ON space_member.user_id = "user".id
           WHERE space_member.space_id = %(space)s AND "user".enabled AND %(managing)s <@ ARRAY(
               SELECT unnest(role.permissions) FROM group_user
               JOIN "group" ON "group".id = group_user.group_id AND "group".space_id = %(space)s
               JOIN group_role ON group_role.group_id = "group".id JOIN role ON role.id = group_role.role_id
               WHERE group_user.user_id = "user".id)
           LIMIT 1""",
        space=space_id,
        managing=list(map(str, _MANAGING)),
    )
    if not rows:
        raise Conflict("Nobody would be left who can manage the users, groups and roles of the space")
