"""Who is in what: users in groups and spaces, roles of groups. Adding answers the whole, with 201 if that is new."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue

from models.permissions import Actor, Permission
from models.services import groups, spaces
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe
from web.crud import element_answer, list_answer
from web.pagination import PAGE_PARAMETERS, page_schema, read_page
from web.resources.groups import GroupSchema
from web.resources.roles import ROLE_SPEC, RoleSchema
from web.resources.spaces import SpaceSchema
from web.resources.users import USER_SPEC, UserSchema

_GROUP_USERS, _GROUP_ROLES = "/groups/<uuid:group_id>/users", "/groups/<uuid:group_id>/roles"
_SPACE_USERS = "/spaces/<uuid:space_id>/users"

blueprint = LoomBlueprint("memberships", "Users in groups and spaces, roles of groups")


@blueprint.route(_GROUP_USERS, methods=["GET"])
@describe("List the users in a group", *PAGE_PARAMETERS)
@signed_in(Permission.READ_GROUP, Permission.READ_USER)
@blueprint.response(200, page_schema(UserSchema))
def list_group_users(uow: UnitOfWork, actor: Actor, group_id: UUID) -> Response:
    """List users."""
    request = read_page(USER_SPEC.listing)
    return list_answer(uow, actor, UserSchema(), groups.users_of(uow, actor, group_id, request), request)


@blueprint.route(f"{_GROUP_USERS}/<uuid:user_id>", methods=["POST"])
@signed_in(Permission.UPDATE_GROUP, Permission.READ_USER)
@blueprint.response(201, GroupSchema)
@blueprint.alt_response(200, schema=GroupSchema)
def add_group_user(uow: UnitOfWork, actor: Actor, group_id: UUID, user_id: UUID) -> Response:
    """Put a user into a group."""
    return _added(uow, actor, GroupSchema(), groups.add_user(uow, actor, group_id, user_id))


@blueprint.route(f"{_GROUP_USERS}/<uuid:user_id>", methods=["DELETE"])
@signed_in(Permission.UPDATE_GROUP, Permission.READ_USER)
@blueprint.response(204)
def remove_group_user(uow: UnitOfWork, actor: Actor, group_id: UUID, user_id: UUID) -> ResponseReturnValue:
    """Take a user out of a group."""
    groups.remove_user(uow, actor, group_id, user_id)
    uow.commit()
    return "", 204


@blueprint.route(_GROUP_ROLES, methods=["GET"])
@describe("List the roles of a group", *PAGE_PARAMETERS)
@signed_in(Permission.READ_GROUP, Permission.READ_ROLE)
@blueprint.response(200, page_schema(RoleSchema))
def list_group_roles(uow: UnitOfWork, actor: Actor, group_id: UUID) -> Response:
    """List roles."""
    request = read_page(ROLE_SPEC.listing)
    return list_answer(uow, actor, RoleSchema(), groups.roles_of(uow, actor, group_id, request), request)


@blueprint.route(f"{_GROUP_ROLES}/<uuid:role_id>", methods=["POST"])
@signed_in(Permission.UPDATE_GROUP, Permission.READ_ROLE)
@blueprint.response(201, GroupSchema)
@blueprint.alt_response(200, schema=GroupSchema)
def add_group_role(uow: UnitOfWork, actor: Actor, group_id: UUID, role_id: UUID) -> Response:
    """Give a role to all users of a group."""
    return _added(uow, actor, GroupSchema(), groups.add_role(uow, actor, group_id, role_id))


@blueprint.route(f"{_GROUP_ROLES}/<uuid:role_id>", methods=["DELETE"])
@signed_in(Permission.UPDATE_GROUP, Permission.READ_ROLE)
@blueprint.response(204)
def remove_group_role(uow: UnitOfWork, actor: Actor, group_id: UUID, role_id: UUID) -> ResponseReturnValue:
    """Take a role from a group."""
    groups.remove_role(uow, actor, group_id, role_id)
    uow.commit()
    return "", 204


@blueprint.route(_SPACE_USERS, methods=["GET"])
@describe("List the users who may act in a space", *PAGE_PARAMETERS)
@signed_in(Permission.READ_USER)
@blueprint.response(200, page_schema(UserSchema))
def list_space_users(uow: UnitOfWork, actor: Actor, space_id: UUID) -> Response:
    """List users."""
    request = read_page(USER_SPEC.listing)
    return list_answer(uow, actor, UserSchema(), spaces.users_of(uow, actor, space_id, request), request)


@blueprint.route(f"{_SPACE_USERS}/<uuid:user_id>", methods=["POST"])
@signed_in(Permission.UPDATE_SPACE)
@blueprint.response(201, SpaceSchema)
@blueprint.alt_response(200, schema=SpaceSchema)
def add_space_user(uow: UnitOfWork, actor: Actor, space_id: UUID, user_id: UUID) -> Response:
    """Let an account of another space act in this one."""
    return _added(uow, actor, SpaceSchema(), spaces.add_user(uow, actor, space_id, user_id))


@blueprint.route(f"{_SPACE_USERS}/<uuid:user_id>", methods=["DELETE"])
@signed_in(Permission.UPDATE_SPACE)
@blueprint.response(204)
def remove_space_user(uow: UnitOfWork, actor: Actor, space_id: UUID, user_id: UUID) -> ResponseReturnValue:
    """Let an account of another space no longer act in this one."""
    spaces.remove_user(uow, actor, space_id, user_id)
    uow.commit()
    return "", 204


def _added(uow: UnitOfWork, actor: Actor, schema: Any, outcome: tuple[Any, bool]) -> Response:
    whole, is_new = outcome
    uow.commit()
    return element_answer(uow, actor, schema, whole, 201 if is_new else 200)
