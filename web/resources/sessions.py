"""Sessions: where one is signed in. Whoever may read tokens sees those of all accounts of the space.

A session begins with a login and is never changed; to delete it is to sign out there.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Instant, RequestSchema
from models.bodies.filters import instant_filter, text_filter, uuid_filter
from models.entities import LoginSession
from models.permissions import Actor
from models.services.sessions import SESSIONS, end_session
from models.unit_of_work import UnitOfWork
from web.crud import CrudSpec, Operation, crud_blueprint
from web.pagination import Listing


class SessionSchema(ElementSchema):
    """A login that has not ended."""

    user_id = fields.UUID(data_key="userUuid")
    means = fields.String(metadata={"description": "`password` or `oauth2`"})
    address = fields.String(metadata={"description": "Where the login came from"})
    agent = fields.String(metadata={"description": "What the client calls itself"})
    expires = Instant()
    last_used = Instant(data_key="lastUsed", metadata={"description": "To within five minutes"})


def _show_use(_uow: UnitOfWork, _actor: Actor, sessions: Sequence[LoginSession]) -> None:
    for session in sessions:
        session.shown_besides = session.last_used


SESSION_SPEC = CrudSpec(
    path="/sessions",
    resource=SESSIONS,
    description="Where one is signed in; to delete a session is to sign out there",
    answer=SessionSchema,
    create_body=RequestSchema,
    update_body=ChangeSchema,
    listing=Listing(
        sorts={
            "created": attrgetter("created"),
            "expires": attrgetter("expires"),
            "lastUsed": attrgetter("last_used"),
        },
        filters={
            "user": uuid_filter(LoginSession.user_id),
            "address": text_filter(LoginSession.address),
            "means": text_filter(LoginSession.means),
            "created": instant_filter(LoginSession.created),
            "expires": instant_filter(LoginSession.expires),
            "lastUsed": instant_filter(LoginSession.last_used),
        },
    ),
    operations=frozenset({Operation.LIST, Operation.LOAD, Operation.DELETE}),
    delete=end_session,
    complete=_show_use,
)

blueprint = crud_blueprint(SESSION_SPEC)
