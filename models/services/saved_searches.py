"""What people look for again and again. Everybody may keep searches of their own."""

from __future__ import annotations

from models.entities import SavedSearch
from models.permissions import Actor, Entity, Permission
from models.services.crud import Resource, Values
from models.unit_of_work import UnitOfWork

SAVED_SEARCHES = Resource(SavedSearch, "saved search", Entity.SAVED_SEARCH, own="user_id")


def create_saved_search(uow: UnitOfWork, actor: Actor, values: Values) -> SavedSearch:
    """Keep a search.

    Raises:
        Forbidden: when the actor uses a key that does not carry that.
    """
    if actor.is_narrowed:
        actor.require(Permission.CREATE_SAVED_SEARCH)
    return SAVED_SEARCHES.insert(uow, actor, {**values, "user_id": actor.user_id})
