"""What has to be there before anybody can use Loom: a space, a first user, the schedules of its own housekeeping."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import select

from models.entities import User
from models.entities.space import DEFAULT_SPACE
from models.ids import new_id
from models.services.passwords import hash_password
from models.services.schedules import ensure_built_in
from models.services.space_policy import ensure_policy
from models.unit_of_work import UnitOfWork

FIRST_USER = "admin"


def bootstrap(uow: UnitOfWork, initial_password: str | None) -> str | None:
    """Make what is missing; harmless when called again, or by two processes at once.

    Returns:
        The password of the first user, if it was generated just now: nobody can find it out later.
    """
    uow.lock("bootstrap")
    space_id = _ensure_space(uow)
    ensure_built_in(uow, space_id)
    password = _ensure_first_user(uow, space_id, initial_password)
    ensure_policy(uow, space_id)
    return password


def _ensure_space(uow: UnitOfWork) -> UUID:
    uow.execute(
        "INSERT INTO space (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING", id=new_id(), name=DEFAULT_SPACE
    )
    row = uow.execute("SELECT id FROM space WHERE name = :name", name=DEFAULT_SPACE).one()
    return UUID(str(row[0]))


def _ensure_first_user(uow: UnitOfWork, space_id: UUID, initial_password: str | None) -> str | None:
    """Only while there is no user at all: an administrator who was renamed or removed does not come back."""
    if uow.session.execute(select(User.id).limit(1)).first():
        return None
    password = initial_password or secrets.token_urlsafe(16)
    user = User(id=new_id(), space_id=space_id, username=FIRST_USER, password_hash=hash_password(password))
    uow.session.add(user)
    uow.session.flush()
    uow.execute("INSERT INTO space_member (space_id, user_id) VALUES (:space, :user)", space=space_id, user=user.id)
    return None if initial_password else password
