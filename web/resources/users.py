"""Users. List, load and delete are plain; passwords are hashed in another thread before a change begins.

`GET /users/{uuid}/groups` and `/roles` only show: a user gets roles by groups, and into groups by these.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import fields, missing
from sqlalchemy import func

from models.bodies.fields import ChangeSchema, ElementSchema, Flag, Meta, Name, RequestSchema, Text
from models.bodies.filters import audit_filters, bool_filter, text_filter
from models.entities import User
from models.permissions import Actor, Permission, Verb
from models.services import accounts, groups
from models.services.accounts import USERS, get_account
from models.services.passwords import hash_password
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, Operation, cleared, crud_blueprint, element_answer, list_answer
from web.offload import in_thread
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.preconditions import require_match
from web.resources.groups import GROUP_SPEC, GroupSchema
from web.resources.roles import ROLE_SPEC, RoleSchema

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024


def password_field(**options: Any) -> Text:
    """A password, which goes in and never comes out."""
    return Text(shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD, load_only=True, **options)


def avatar_url(user: User) -> Any:
    """Tell where the picture of a user is, if there is one."""
    return f"/api/v1/users/{user.id}/avatar/data" if user.avatar_id else missing


class UserSchema(ElementSchema):
    """A person or a service account."""

    username = fields.String()
    firstname = fields.String()
    lastname = fields.String()
    email = fields.String()
    enabled = Flag()
    avatar_url = fields.Function(avatar_url, data_key="avatarUrl", metadata={"type": "string"})
    space_id = fields.UUID(data_key="spaceUuid", metadata={"description": "The space that the account belongs to"})


class UserCreateSchema(RequestSchema):
    """A user to be made. Without a password they cannot sign in with one."""

    username = Name(required=True)
    firstname = Text(longest=255, allow_none=True)
    lastname = Text(longest=255, allow_none=True)
    email = Text(longest=320, allow_none=True)
    enabled = Flag()
    password = password_field(allow_none=True)
    meta = Meta()


class UserUpdateSchema(ChangeSchema):
    """What can be changed of a user."""

    username = Name()
    firstname = Text(longest=255)
    lastname = Text(longest=255)
    email = Text(longest=320)
    enabled = Flag()
    password = password_field()
    meta = Meta()


class UserReplaceSchema(ChangeSchema):
    """All that is replaced of a user; a password is set by an update."""

    username = Name()
    firstname = Text(longest=255)
    lastname = Text(longest=255)
    email = Text(longest=320)
    enabled = Flag()
    meta = Meta()


USER_SPEC = CrudSpec(
    path="/users",
    resource=USERS,
    description="Users: people and service accounts",
    answer=UserSchema,
    create_body=UserCreateSchema,
    update_body=UserUpdateSchema,
    listing=Listing(
        sorts={
            "username": lambda user: user.username,
            "firstname": lambda user: func.coalesce(user.firstname, ""),
            "lastname": lambda user: func.coalesce(user.lastname, ""),
            "email": lambda user: func.coalesce(user.email, ""),
            "created": lambda user: user.created,
            "edited": lambda user: user.edited,
        },
        filters={
            "username": text_filter(User.username),
            "email": text_filter(User.email),
            "enabled": bool_filter(User.enabled),
            **audit_filters(User),
        },
    ),
    operations=frozenset({Operation.LIST, Operation.LOAD}),
)
_SCHEMA = UserSchema()
_REPLACEMENT = UserReplaceSchema(is_replacement=True)

blueprint = crud_blueprint(USER_SPEC)


@blueprint.route("/users", methods=["POST"])
@signed_in(Permission.CREATE_USER)
@blueprint.arguments(UserCreateSchema)
@blueprint.response(201, UserSchema)
def create_user(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    """Create a user in the space."""
    actor.require(Permission.CREATE_USER)
    user = accounts.create_user(uow, actor, _hashed(values))
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, user, 201)


@blueprint.route(USER_SPEC.element_path, methods=["POST", "PATCH"])
@signed_in(Permission.UPDATE_USER)
@blueprint.arguments(UserUpdateSchema)
@blueprint.response(200, UserSchema)
def update_user(uow: UnitOfWork, actor: Actor, values: dict[str, Any], element_id: UUID) -> Response:
    """Change what is given of a user. A new password ends all of the user's logins."""
    return _change(uow, actor, _hashed(values), element_id)


@blueprint.route(USER_SPEC.element_path, methods=["PUT"])
@signed_in(Permission.UPDATE_USER)
@blueprint.arguments(_REPLACEMENT)
@blueprint.response(200, UserSchema)
def replace_user(uow: UnitOfWork, actor: Actor, values: dict[str, Any], element_id: UUID) -> Response:
    """Replace all of a user but the password; null clears."""
    return _change(uow, actor, cleared(User, _REPLACEMENT, values), element_id)


@blueprint.route(USER_SPEC.element_path, methods=["DELETE"])
@signed_in(Permission.DELETE_USER)
@blueprint.response(204)
def delete_user(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Delete a user: what is personal is forgotten, and their name is free again."""
    user = get_account(uow, actor, element_id, Verb.DELETE)
    require_match(user)
    accounts.delete_user(uow, actor, user)
    uow.commit()
    return "", 204


def _change(uow: UnitOfWork, actor: Actor, values: dict[str, Any], user_id: UUID) -> Response:
    user = get_account(uow, actor, user_id, Verb.UPDATE)
    require_match(user)
    accounts.update_user(uow, actor, user, values)
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, user)


def _hashed(values: dict[str, Any]) -> dict[str, Any]:
    """Put the hash in the place of a password."""
    rest = {name: value for name, value in values.items() if name != "password"}
    if values.get("password") is None:
        return rest
    return {**rest, "password_hash": in_thread(hash_password, values["password"])}


@blueprint.route(f"{USER_SPEC.element_path}/groups", methods=["GET"])
@describe("List the groups that a user is in", *PAGE_PARAMETERS)
@signed_in(Permission.READ_USER, Permission.READ_GROUP)
@blueprint.response(200, page_schema(GroupSchema))
def list_user_groups(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """List groups."""
    request = read_page(GROUP_SPEC.listing)
    page = groups.groups_of_user(uow, actor, element_id, request)
    return list_answer(uow, actor, GroupSchema(), page, request)


@blueprint.route(f"{USER_SPEC.element_path}/roles", methods=["GET"])
@describe("List the roles that a user has by their groups", *PAGE_PARAMETERS)
@signed_in(Permission.READ_USER, Permission.READ_ROLE)
@blueprint.response(200, page_schema(RoleSchema))
def list_user_roles(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """List roles."""
    request = read_page(ROLE_SPEC.listing)
    page = groups.roles_of_user(uow, actor, element_id, request)
    return list_answer(uow, actor, RoleSchema(), page, request)
