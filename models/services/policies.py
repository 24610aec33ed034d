"""Who may do what in a space: the grants of a user, remembered until anything about them changes.

Every change of roles, groups or memberships calls `touch_policy` in its transaction. Whoever signs a request in reads
the space's version anyway, so a changed grant acts on the next request, in every process.
"""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from models.events import POLICY_CHANGED, NewEvent
from models.permissions import Grants, Permission
from models.unit_of_work import UnitOfWork

_MOST_REMEMBERED = 4096
_remembered: dict[tuple[UUID, UUID, int], Grants] = {}

_EVERYWHERE = """
    SELECT DISTINCT unnest(role.permissions) FROM group_user
    JOIN "group" ON "group".id = group_user.group_id AND "group".space_id = %(space)s
    JOIN group_role ON group_role.group_id = "group".id
    JOIN role ON role.id = group_role.role_id
    WHERE group_user.user_id = %(user)s
"""
_SCOPED = """
    SELECT DISTINCT role_grant.permission, role_grant.library_id, role_grant.collection_id FROM group_user
    JOIN "group" ON "group".id = group_user.group_id AND "group".space_id = %(space)s
    JOIN group_role ON group_role.group_id = "group".id
    JOIN role_grant ON role_grant.role_id = group_role.role_id
    WHERE group_user.user_id = %(user)s
"""


def grants_of(uow: UnitOfWork, user_id: UUID, space_id: UUID, version: int) -> Grants:
    """Give the union of a user's grants in a space, as of that version of its policy."""
    key = (user_id, space_id, version)
    grants = _remembered.get(key)
    if grants is None:
        grants = load_grants(uow, user_id, space_id)
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        _remembered[key] = grants
    return grants


def load_grants(uow: UnitOfWork, user_id: UUID, space_id: UUID) -> Grants:
    """Read the union of a user's grants. Names that this version of Loom does not know grant nothing."""
    known = Permission.__members__
    everywhere = {known[row[0]] for row in uow.fetch(_EVERYWHERE, user=user_id, space=space_id) if row[0] in known}
    libraries: dict[Permission, set[UUID]] = defaultdict(set)
    collections: dict[Permission, set[UUID]] = defaultdict(set)
    for name, library_id, collection_id in uow.fetch(_SCOPED, user=user_id, space=space_id):
        if name in known:
            (libraries if library_id else collections)[known[name]].add(library_id or collection_id)
    return Grants(
        frozenset(everywhere),
        {permission: frozenset(ids) for permission, ids in libraries.items()},
        {permission: frozenset(ids) for permission, ids in collections.items()},
    )


def forget_grants(uow: UnitOfWork, space_id: UUID, kind: str, scope_id: UUID) -> None:
    """Withdraw what roles grant for a library or a collection (`kind`) that is about to go."""
    gone = uow.execute(f"DELETE FROM role_grant WHERE {kind}_id = :id", id=scope_id).rowcount  # noqa: S608 - constants
    if gone:
        touch_policy(uow, space_id)


def touch_policy(uow: UnitOfWork, space_id: UUID) -> None:
    """Let everybody forget what they remember of the grants in a space, once this transaction commits."""
    uow.execute("UPDATE space SET policy_version = policy_version + 1 WHERE id = :id", id=space_id)
    uow.publish(NewEvent(POLICY_CHANGED, space_id, space_id))
