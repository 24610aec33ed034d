"""What has to be there before anybody can use Loom: a space, a first user, the schedules of its own housekeeping."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import select

from models.entities import User
from models.entities.space import DEFAULT_SPACE
from models.ids import new_id
from models.services.default_pipeline import ensure_default
from models.services.passwords import hash_password
from models.services.schedules import ensure_built_in
from models.services.space_policy import ensure_policy
from models.unit_of_work import UnitOfWork

FIRST_USER = "admin"


def bootstrap(uow: UnitOfWork, initial_password: str | None, *, has_pipeline: bool = False) -> str | None:
    """Make what is missing; harmless when called again, or by two processes at once.

    `has_pipeline`: a fresh installation gets the pipeline that looks at all that comes in.

    Returns:
        The password of the first user, if it was generated just now: nobody can find it out later.
    """
    uow.lock("bootstrap")
    space_id = _ensure_space(uow)
    ensure_built_in(uow, space_id)
    first = None if _has_user(uow) else _make_first_user(uow, space_id, initial_password)
    ensure_policy(uow, space_id)
    if first is not None and has_pipeline:
        ensure_default(uow, space_id, first[0])
    return first[1] if first else None


def _ensure_space(uow: UnitOfWork) -> UUID:
    uow.execute(
        "INSERT INTO space (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING", id=new_id(), name=DEFAULT_SPACE
    )
    row = uow.execute("SELECT id FROM space WHERE name = :name", name=DEFAULT_SPACE).one()
    return UUID(str(row[0]))


def _has_user(uow: UnitOfWork) -> bool:
    """Only while there is no user at all one is made: an administrator who was renamed or removed stays so."""
    return uow.session.execute(select(User.id).limit(1)).first() is not None


def _make_first_user(uow: UnitOfWork, space_id: UUID, initial_password: str | None) -> tuple[UUID, str | None]:
    """Make them; gives the id, and the password if it was generated."""
    password = initial_password or secrets.token_urlsafe(16)
    user = User(id=new_id(), space_id=space_id, username=FIRST_USER, password_hash=hash_password(password))
    uow.session.add(user)
    uow.session.flush()
    uow.execute("INSERT INTO space_member (space_id, user_id) VALUES (:space, :user)", space=space_id, user=user.id)
    return user.id, None if initial_password else password
