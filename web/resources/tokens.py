"""API keys of the signed-in user. All routes are plain; only the answer to a creation has the secret, once."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Instant, Meta, Name, Permissions, RequestSchema
from models.bodies.filters import audit_filters, instant_filter, text_filter, uuid_filter
from models.entities import Token
from models.permissions import Actor
from models.services.tokens import TOKENS, create_token, update_token
from models.unit_of_work import UnitOfWork
from web.crud import CrudSpec, crud_blueprint
from web.pagination import Listing


class TokenSchema(ElementSchema):
    """An API key without its secret."""

    name = fields.String()
    expires = Instant()
    permissions = Permissions(metadata={"description": "What it carries; absent: all that its owner may do"})
    space_id = fields.UUID(data_key="spaceUuid")
    user_id = fields.UUID(data_key="userUuid")
    last_used = Instant(data_key="lastUsed", metadata={"description": "To within five minutes"})


class NewTokenSchema(TokenSchema):
    """An API key as it is shown once."""

    token = fields.String(attribute="secret")


class TokenCreateSchema(RequestSchema):
    """A key to be made. It does not expire unless told to."""

    name = Name(required=True)
    expires = Instant(allow_none=True)
    permissions = Permissions(allow_none=True)
    meta = Meta()


class TokenUpdateSchema(ChangeSchema):
    """What can be changed of a key."""

    name = Name()
    expires = Instant()
    permissions = Permissions()
    meta = Meta()


def _show_use(_uow: UnitOfWork, _actor: Actor, tokens: Sequence[Token]) -> None:
    for token in tokens:
        token.shown_besides = token.last_used


TOKEN_SPEC = CrudSpec(
    path="/tokens",
    resource=TOKENS,
    description="API keys: they act as their owner until they expire or are deleted",
    answer=TokenSchema,
    created_answer=NewTokenSchema,
    create_body=TokenCreateSchema,
    update_body=TokenUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Token.name),
            "expires": instant_filter(Token.expires),
            "user": uuid_filter(Token.user_id),
            "lastUsed": instant_filter(Token.last_used),
            **audit_filters(Token),
        },
    ),
    create=create_token,
    update=update_token,
    complete=_show_use,
)

blueprint = crud_blueprint(TOKEN_SPEC)
