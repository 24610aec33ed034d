"""Who acts in tests."""

from __future__ import annotations

from sqlalchemy import select

from models.entities import Space, User
from models.permissions import ALL_GRANTS, Actor
from models.wiring import Platform


def first_user(platform: Platform) -> Actor:
    """Give the user `admin` in the space `default`."""
    with platform.unit_of_work() as uow:
        user = uow.session.execute(select(User).where(User.username == "admin")).scalar_one()
        space = uow.session.execute(select(Space.id).where(Space.name == "default")).scalar_one()
    return Actor(user.id, space, user.username, ALL_GRANTS, is_default_space=True)
