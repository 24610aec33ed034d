"""The signed-in user."""

from __future__ import annotations

from flask import Response
from marshmallow import fields

from models.permissions import Actor
from models.services.users import get_user
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.crud import element_answer
from web.fields import ElementSchema

blueprint = LoomBlueprint("me", "The signed-in user")


class UserSchema(ElementSchema):
    """A person or a service account."""

    username = fields.String()
    firstname = fields.String()
    lastname = fields.String()
    email = fields.String()
    enabled = fields.Boolean()


_USER = UserSchema()


@blueprint.route("/me", methods=["GET"])
@signed_in()
@blueprint.response(200, UserSchema)
def load_me(uow: UnitOfWork, actor: Actor) -> Response:
    """Load the signed-in user."""
    return element_answer(uow, actor, _USER, get_user(uow, actor.user_id))
