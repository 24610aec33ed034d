"""Nobody gives, takes away or takes over more than they have; and a space always keeps somebody who can manage it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from models.errors import Conflict, Forbidden
from models.permissions import Actor, Grants, Permission
from models.services.policies import load_grants
from models.unit_of_work import UnitOfWork

_MANAGING = frozenset({Permission.UPDATE_USER, Permission.UPDATE_GROUP, Permission.UPDATE_ROLE})
_MANAGING_NAMES = sorted(map(str, _MANAGING))
_MOST_NAMED = 5

_GRANTED_BY_ROLE = """
    SELECT unnest(permissions) FROM role WHERE id = %(id)s
    UNION SELECT permission FROM role_grant WHERE role_id = %(id)s
"""
_GRANTED_BY_GROUP = """
    SELECT unnest(role.permissions) FROM group_role JOIN role ON role.id = role_id WHERE group_id = %(id)s
    UNION SELECT permission FROM group_role JOIN role_grant USING (role_id) WHERE group_id = %(id)s
"""
_MANAGERS = """
    SELECT "group".space_id FROM role CROSS JOIN LATERAL unnest(role.permissions) AS given (permission)
    JOIN group_role ON group_role.role_id = role.id JOIN "group" ON "group".id = group_role.group_id
    JOIN group_user ON group_user.group_id = "group".id
    JOIN "user" ON "user".id = group_user.user_id AND "user".enabled
    JOIN space_member ON space_member.user_id = "user".id AND space_member.space_id = "group".space_id
    WHERE role.permissions && %(managing)s AND given.permission = ANY(%(managing)s) AND {where}
    GROUP BY "group".space_id, "user".id HAVING count(DISTINCT given.permission) = cardinality(%(managing)s)
"""
"""A row for each who may manage a space. Only roles with a part in that are looked at, however many users there are."""
_MANAGED_BY = _MANAGERS.format(where='"user".id = ANY(%(users)s)')
_MANAGER_OF = _MANAGERS.format(where='role.space_id = %(space)s AND "group".space_id = %(space)s') + " LIMIT 1"
_HELD = """
    SELECT DISTINCT unnest(role.permissions) FROM role WHERE role.space_id = %(space)s AND EXISTS (
        SELECT 1 FROM group_role JOIN group_user USING (group_id)
        JOIN "user" ON "user".id = group_user.user_id AND "user".enabled WHERE group_role.role_id = role.id)
"""


def granted_by_role(uow: UnitOfWork, role_id: UUID) -> set[str]:
    """Give all that a role grants, be it for one library."""
    return {row[0] for row in uow.fetch(_GRANTED_BY_ROLE, id=role_id)}


def granted_by_group(uow: UnitOfWork, group_id: UUID) -> set[str]:
    """Give all that a group grants by its roles, be it for one library."""
    return {row[0] for row in uow.fetch(_GRANTED_BY_GROUP, id=group_id)}


def require_held(actor: Actor, permissions: Iterable[str]) -> None:
    """Insist that the actor has, everywhere, what they are about to give to, or to take from, somebody.

    Names that this version of Loom does not know grant nothing, so they do not count.

    Raises:
        Forbidden: naming what they have not.
    """
    missing = sorted((set(permissions) & Permission.__members__.keys()) - actor.grants.everywhere)
    if missing:
        raise Forbidden(f"Nobody can give or take away what they do not have: {', '.join(missing[:_MOST_NAMED])}")


def require_not_above(uow: UnitOfWork, actor: Actor, user_id: UUID) -> None:
    """Insist that a user may do nothing, in any space, that the actor may not: before their account is taken over.

    An API key is good for one space only; in others its holder counts as somebody who may do nothing.

    Raises:
        Forbidden: when they may.
    """
    if user_id == actor.user_id and not actor.is_narrowed:
        return
    for space_id in spaces_of(uow, [user_id]):
        if not _is_within(load_grants(uow, user_id, space_id), _grants_in(uow, actor, space_id)):
            raise Forbidden("This user may do more than you")


def _grants_in(uow: UnitOfWork, actor: Actor, space_id: UUID) -> Grants:
    if space_id == actor.space_id:
        return actor.grants
    return Grants() if actor.token_id else load_grants(uow, actor.user_id, space_id)


def _is_within(theirs: Grants, mine: Grants) -> bool:
    if not theirs.everywhere <= mine.everywhere:
        return False
    scoped = ((theirs.libraries, mine.libraries), (theirs.collections, mine.collections))
    return all(
        permission in mine.everywhere or ids <= held.get(permission, frozenset())
        for wanted, held in scoped
        for permission, ids in wanted.items()
    )


def spaces_of(uow: UnitOfWork, user_ids: Sequence[UUID]) -> list[UUID]:
    """Give the spaces that these users are members of, in the order in which spaces are locked."""
    query = "SELECT DISTINCT space_id FROM space_member WHERE user_id = ANY(%(users)s) ORDER BY space_id"
    return [row[0] for row in uow.fetch(query, users=list(user_ids))]


def managed_by(uow: UnitOfWork, user_ids: Sequence[UUID]) -> list[UUID]:
    """Give the spaces that any of these users can manage."""
    rows = uow.fetch(_MANAGED_BY, managing=_MANAGING_NAMES, users=list(user_ids))
    return sorted({row[0] for row in rows})


def require_managers(uow: UnitOfWork, space_ids: Iterable[UUID]) -> None:
    """Insist, after a change, that in each space somebody is left who can manage its users, groups and roles.

    Two who would each leave it to the other are looked at one after the other, if `touch_policy` came before.

    Raises:
        Conflict: when nobody is.
    """
    uow.session.flush()
    for space_id in space_ids:
        if not uow.fetch(_MANAGER_OF, managing=_MANAGING_NAMES, space=space_id):
            raise Conflict("Nobody would be left who can manage the users, groups and roles of the space")


def require_not_lost(uow: UnitOfWork, actor: Actor, taken: Iterable[str]) -> None:
    """Insist, after these permissions were taken from somebody, that the space can still be managed.

    In the space `default` each must still be somebody's: nobody could ever give it to anybody again.

    Raises:
        Conflict: when it cannot, or they are not.
    """
    lost = set(taken) & Permission.__members__.keys()
    if lost & _MANAGING:
        require_managers(uow, [actor.space_id])
    if actor.is_default_space and lost:
        uow.session.flush()
        lost -= {row[0] for row in uow.fetch(_HELD, space=actor.space_id)}
        if lost:
            raise Conflict(f"Nobody would be left who has, or could give, {', '.join(sorted(lost)[:_MOST_NAMED])}")
