"""Signing in with a password: the one route, beside health and the OpenAPI document, that needs no token."""

from __future__ import annotations

from flask import Response, jsonify, request
from marshmallow import fields

from models.bodies.fields import AnswerSchema, RequestSchema, Text
from models.entities.space import DEFAULT_SPACE
from models.services.users import Attempt, log_in
from web.auth import begin_login, open_to_all, set_cookie
from web.blueprints import LoomBlueprint
from web.offload import in_thread
from web.state import platform

_LONGEST_PASSWORD = 1024

blueprint = LoomBlueprint("auth", "Signing in")


class LoginSchema(RequestSchema):
    """Who wants to sign in."""

    username = Text(required=True, longest=255)
    password = Text(required=True, longest=_LONGEST_PASSWORD)
    space = Text(longest=255, metadata={"description": "Name of the account's space, unless that is `default`"})


class LoginTokenSchema(AnswerSchema):
    """What every other request carries in its Authorization header."""

    token = fields.String()


@blueprint.route("/auth/login", methods=["POST"])
@open_to_all
@blueprint.arguments(LoginSchema)
@blueprint.response(200, LoginTokenSchema)
def login(values: dict[str, str]) -> Response:
    """Exchange a password for a token, which is also set as a cookie."""
    space = values.get("space", DEFAULT_SPACE)
    attempt = Attempt(values["username"], values["password"], request.remote_addr or "", space)
    with platform().unit_of_work() as uow:
        user = log_in(uow, platform().bus, attempt, in_thread)
        token = begin_login(uow, user, "password")
        uow.commit()
    answer = jsonify(token=token)
    set_cookie(answer, token, platform().settings.token_expiration_time)
    return answer
