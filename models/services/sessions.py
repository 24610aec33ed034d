"""Logins: each is a session that its user, and who may read and delete tokens, can see and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func

from models.entities import LoginSession, User
from models.errors import Unauthorized
from models.ids import new_id, printable
from models.permissions import Actor, Entity
from models.services.crud import Resource
from models.unit_of_work import UnitOfWork


def _going_on(model: Any, actor: Actor) -> ColumnElement[bool]:
    """Those of the space that have not run out."""
    return and_(model.space_id == actor.space_id, model.expires > func.now())


SESSIONS = Resource(LoginSession, "session", Entity.TOKEN, own="user_id", within=_going_on)
_LONGEST_AGENT = 256


class Origin(NamedTuple):
    """How and from where somebody signs in."""

    means: Literal["password", "oauth2"]
    address: str
    agent: str


def begin_session(uow: UnitOfWork, user: User, origin: Origin, seconds: int) -> LoginSession:
    """Note that a user, who has proven who they are, is signed in for so long. The caller commits.

    Raises:
        Unauthorized: when that was ended meanwhile for all of their logins, by another password, say.
    """
    known = 'SELECT 1 FROM "user" WHERE id = :id AND epoch = :epoch FOR SHARE'
    if uow.execute(known, id=user.id, epoch=user.epoch).first() is None:
        raise Unauthorized("Login failed", code="login-failed")
    session = LoginSession(
        id=new_id(), space_id=user.space_id, user_id=user.id, creator_id=user.id, editor_id=user.id,
        means=origin.means, address=origin.address, agent=printable(origin.agent, _LONGEST_AGENT),
        expires=datetime.now(UTC) + timedelta(seconds=seconds),
    )  # fmt: skip
    uow.session.add(session)
    uow.session.flush()
    return session


def end_session(uow: UnitOfWork, _actor: Actor, session: LoginSession) -> None:
    """End a login: its token counts no more."""
    uow.session.delete(session)


def end_by_token(uow: UnitOfWork, session_id: UUID) -> None:
    """End the login that a token names, if it has not ended. The caller has seen the token."""
    uow.execute("DELETE FROM session WHERE id = :id", id=session_id)


def end_logins(uow: UnitOfWork, user: User) -> None:
    """End all logins of a user, who must be locked."""
    user.epoch += 1
    uow.execute("DELETE FROM session WHERE user_id = :user", user=user.id)
