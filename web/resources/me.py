"""The signed-in user: who they are, what they may do, and what they change of themselves."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from marshmallow import ValidationError, fields, validates_schema

from models.bodies.fields import ChangeSchema, Permissions, Text
from models.entities import User
from models.errors import Forbidden, Unauthorized
from models.permissions import Actor
from models.services.accounts import USERS, touch_policies
from models.services.audit import name_users
from models.services.escalation import spaces_of
from models.services.passwords import hash_password
from models.services.users import Attempt, check_password, get_user
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.crud import show
from web.offload import in_thread
from web.preconditions import require_match
from web.resources.users import LONGEST_PASSWORD, UserSchema, password_field
from web.state import platform

blueprint = LoomBlueprint("me", "The signed-in user")


class MeSchema(UserSchema):
    """The signed-in user, and what they may do everywhere in the space that the request is about."""

    permissions = Permissions()
    acting_space_id = fields.UUID(data_key="actingSpaceUuid")


class MeUpdateSchema(ChangeSchema):
    """What people change of themselves. A new password asks for the one that was."""

    firstname = Text(longest=255)
    lastname = Text(longest=255)
    email = Text(longest=320)
    password = password_field()
    current_password = Text(longest=LONGEST_PASSWORD, load_only=True, data_key="currentPassword")

    @validates_schema
    def require_current(self, values: dict[str, Any], **_: Any) -> None:
        """Whoever finds a browser open must not lock its owner out."""
        if values.get("password") is not None and values.get("current_password") is None:
            raise ValidationError({"currentPassword": ["Missing data for required field."]})


_SCHEMA = MeSchema()


@blueprint.route("/me", methods=["GET"])
@signed_in()
@blueprint.response(200, MeSchema)
def load_me(uow: UnitOfWork, actor: Actor) -> Response:
    """Load the signed-in user."""
    return _answer(uow, actor, get_user(uow, actor.user_id))


@blueprint.route("/me", methods=["POST", "PATCH"])
@signed_in()
@blueprint.arguments(MeUpdateSchema)
@blueprint.response(200, MeSchema)
def update_me(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    """Change the signed-in user. A new password ends all of their logins, this one included."""
    if actor.is_narrowed:
        raise Forbidden("A token with fewer permissions than its owner cannot change them")
    changes = {name: value for name, value in values.items() if name not in {"password", "current_password"}}
    if values.get("password") is not None:
        user = get_user(uow, actor.user_id)
        attempt = Attempt(user.username, values["current_password"], request.remote_addr or "", str(user.space_id))
        check_password(uow, platform().bus, attempt, user, in_thread)
        changes["password_hash"] = in_thread(hash_password, values["password"])
    user = get_user(uow, actor.user_id, lock=True)
    if not user.enabled:
        # Since the request began: what was forgotten must not come back.
        raise Unauthorized
    require_match(user)
    if "password_hash" in changes:
        user.epoch += 1
    USERS.update(uow, actor, user, changes)
    if "password_hash" in changes:
        touch_policies(uow, spaces_of(uow, [user.id]))
    uow.commit()
    return _answer(uow, actor, user)


def _answer(uow: UnitOfWork, actor: Actor, user: User) -> Response:
    name_users(uow, actor, [user])
    body = _SCHEMA.dump(user)
    body["permissions"] = sorted(actor.grants.everywhere)
    body["actingSpaceUuid"] = str(actor.space_id)
    answer = jsonify(body)
    answer.headers["ETag"] = show(_SCHEMA, user).headers["ETag"]
    return answer
