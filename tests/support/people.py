"""Users with chosen permissions, in chosen spaces, signed in to the API."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from flask import Flask

from models.entities import Group, GroupRole, GroupUser, Role, RoleGrant, Space, SpaceMember, User
from models.entities.space import DEFAULT_SPACE
from models.ids import new_id
from models.permissions import Actor, Permission
from models.services.passwords import hash_password
from models.services.policies import load_grants, touch_policy
from models.services.space_policy import ensure_policy
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.settings import PASSWORD

Scoped = tuple[Permission, str, UUID]
"""A permission, `library` or `collection`, and the id of it."""


def make_space(platform: Platform, name: str) -> UUID:
    """Make a space with the sample roles."""
    with platform.unit_of_work() as uow:
        space = Space(id=new_id(), name=name)
        uow.session.add(space)
        uow.session.flush()
        ensure_policy(uow, space.id)
        uow.commit()
    return space.id


def make_user(
    platform: Platform, name: str, permissions: Iterable[Permission] = (), *,
    scoped: Iterable[Scoped] = (), space_id: UUID | None = None,
) -> Actor:  # fmt: skip
    """Make a user, with a group and a role of their own that grants just that; None: in the space `default`."""
    with platform.unit_of_work() as uow:
        space = uow.session.get(Space, space_id) if space_id else _default_space(platform)
        assert space is not None
        user = User(id=new_id(), space_id=space.id, username=name, password_hash=hash_password(PASSWORD))
        group = Group(id=new_id(), space_id=space.id, name=f"group of {name}")
        role = Role(id=new_id(), space_id=space.id, name=f"role of {name}", permissions=sorted(permissions))
        uow.session.add_all([user, group, role])
        uow.session.flush()
        uow.session.add_all([
            SpaceMember(space_id=space.id, user_id=user.id), GroupUser(group_id=group.id, user_id=user.id),
            GroupRole(group_id=group.id, role_id=role.id),
        ])  # fmt: skip
        uow.session.add_all([_grant(role, *each) for each in scoped])
        uow.session.flush()
        touch_policy(uow, space.id)
        grants = load_grants(uow, user.id, space.id)
        uow.commit()
    return Actor(user.id, space.id, name, grants, is_default_space=space.name == DEFAULT_SPACE)


def _default_space(platform: Platform) -> Space:
    with platform.unit_of_work() as uow:
        return uow.session.query(Space).filter(Space.name == DEFAULT_SPACE).one()


def _grant(role: Role, permission: Permission, kind: str, key: UUID) -> RoleGrant:
    return RoleGrant(id=new_id(), role_id=role.id, permission=permission, **{f"{kind}_id": key})


def sign_in(app: Flask, name: str, space: str = DEFAULT_SPACE) -> ApiClient:
    """Sign a user in whom `make_user` made."""
    login = {"username": name, "password": PASSWORD, "space": space}
    return ApiClient(app, ApiClient(app).post("/auth/login", login)["token"])
