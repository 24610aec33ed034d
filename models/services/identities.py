"""Accounts of those who sign in at an identity provider: whose account its word opens, and when it makes one (ADR 7).

After the first sign-in only the provider's own name of a person (issuer and subject) counts. At the first, an account
that is there already is taken over only if nobody can have used it yet, for at many providers everybody can choose
the name `admin`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from models.bus import Bus
from models.entities import Space, SpaceMember, Token, User, UserIdentity
from models.entities.space import DEFAULT_SPACE
from models.errors import Forbidden, TooManyRequests
from models.events import NewEvent
from models.ids import new_id
from models.oidc import Claims
from models.permissions import Actor, Entity, Grants
from models.services.audit import mark_edited
from models.unit_of_work import UnitOfWork

_WINDOW_SECONDS = 15 * 60
_MOST_FAILURES = 100
_LONGEST_STEM = 240
_NUMBERED = range(2, 10)
_NOBODY_KNOWN = "user"
_CREATED = f"{Entity.USER.event_prefix}.created"
_UPDATED = f"{Entity.USER.event_prefix}.updated"

_HAS_IDENTITY = exists().where(UserIdentity.user_id == User.id)
_WAS_NEVER_USED = and_(User.password_hash.is_(None), ~exists().where(Token.user_id == User.id))


def admit_code(bus: Bus, address: str) -> None:
    """Count a code before the provider is asked about it: nobody may have Loom ask without end.

    Raises:
        TooManyRequests: when too many codes from this address have failed.
    """
    if bus.attempts(_key(address), _WINDOW_SECONDS) > _MOST_FAILURES:
        raise TooManyRequests("Too many failed logins; try again later", retry_after_seconds=_WINDOW_SECONDS)


def forgive_code(bus: Bus, address: str) -> None:
    """Do not count the last code: it was good."""
    bus.take_back_attempt(_key(address))


def _key(address: str) -> str:
    return f"oauth2:{address}"


def sign_in(uow: UnitOfWork, claims: Claims, *, may_link_used: bool = False) -> User:
    """Give the user that somebody is by the word of the provider; makes one, who may do nothing yet, if there is none.

    `may_link_used`: at the first sign-in, take over an account of that name even if it has a password or keys.

    Raises:
        Forbidden: when the account is disabled.
    """
    user = _find_known(uow, claims) or _sign_in_first(uow, claims, may_link_used=may_link_used)
    _require_enabled(user)
    return user


def _sign_in_first(uow: UnitOfWork, claims: Claims, *, may_link_used: bool) -> User:
    uow.lock("first sign-in")  # of one person in two windows, or of two persons who claim one name
    if user := _find_known(uow, claims):
        return user
    user = _find_account(uow, claims, may_link_used=may_link_used)
    if user is None:
        user = _create_account(uow, claims)
    else:
        _require_enabled(user)
        _complete(uow, user, claims)
    _remember(uow, claims, user)
    return user


def _require_enabled(user: User) -> None:
    if not user.enabled:
        raise Forbidden("This account is disabled", code="account-disabled")


def _find_known(uow: UnitOfWork, claims: Claims) -> User | None:
    query = select(User).join(UserIdentity, UserIdentity.user_id == User.id)
    query = query.where(UserIdentity.issuer == claims.issuer, UserIdentity.subject == claims.subject)
    return uow.session.execute(query.where(User.deleted.is_(None))).scalar_one_or_none()


def _find_account(uow: UnitOfWork, claims: Claims, *, may_link_used: bool) -> User | None:
    """Find the account to take over: by name, then by an address that the provider vouches for.

    A disabled account is found although it was used: whoever was shut out does not come back in as somebody new.
    """
    if claims.username:
        may_link = User.enabled.is_(False) | _WAS_NEVER_USED
        condition = User.username == claims.username
        if user := _find_unlinked(uow, condition if may_link_used else and_(condition, may_link)):
            return user
    if claims.email and claims.is_email_verified:
        return _find_unlinked(uow, and_(func.lower(User.email) == claims.email.lower(), _WAS_NEVER_USED))
    return None


def _find_unlinked(uow: UnitOfWork, condition: ColumnElement[bool]) -> User | None:
    """Find the only account of the space that is like that and that no identity belongs to; several are none."""
    query = select(User).join(Space, Space.id == User.space_id).where(Space.name == DEFAULT_SPACE)
    query = query.where(User.deleted.is_(None), ~_HAS_IDENTITY, condition).limit(2).with_for_update(of=User)
    found = uow.session.execute(query).scalars().all()
    return found[0] if len(found) == 1 else None


def _complete(uow: UnitOfWork, user: User, claims: Claims) -> None:
    """Fill in what the account does not say itself."""
    told = {"firstname": claims.firstname, "lastname": claims.lastname, "email": claims.email}
    missing = {name: value for name, value in told.items() if value is not None and getattr(user, name) is None}
    if not missing:
        return
    for name, value in missing.items():
        setattr(user, name, value)
    mark_edited(user, Actor(user.id, user.space_id, user.username, Grants(frozenset())))
    uow.publish(NewEvent(_UPDATED, user.space_id, user.id, user.id))


def _create_account(uow: UnitOfWork, claims: Claims) -> User:
    """Make an account in the space `default`, in no group: an administrator decides what it may do."""
    space_id = uow.session.execute(select(Space.id).where(Space.name == DEFAULT_SPACE)).scalar_one()
    user = next(filter(None, (_insert(uow, space_id, name, claims) for name in _names(claims))))
    uow.session.add(SpaceMember(space_id=space_id, user_id=user.id))
    uow.session.flush()
    uow.publish(NewEvent(_CREATED, space_id, user.id, user.id))
    return user


def _insert(uow: UnitOfWork, space_id: UUID, username: str, claims: Claims) -> User | None:
    """Make the account, unless somebody has that name."""
    user_id = new_id()
    statement = insert(User).values(
        id=user_id, space_id=space_id, username=username, firstname=claims.firstname, lastname=claims.lastname,
        email=claims.email, creator_id=user_id, editor_id=user_id,
    )  # fmt: skip
    statement = statement.on_conflict_do_nothing(constraint="uq_user_space_id_username")
    return uow.session.execute(statement.returning(User)).scalar_one_or_none()


def _names(claims: Claims) -> Iterator[str]:
    """Give names for a new account, without end; the first is the wanted one."""
    wanted = claims.username or (claims.email or "").partition("@")[0] or _NOBODY_KNOWN
    stem = wanted[:_LONGEST_STEM]
    yield wanted
    for number in _NUMBERED:
        yield f"{stem}-{number}"
    while True:
        yield f"{stem}-{secrets.token_hex(4)}"


def _remember(uow: UnitOfWork, claims: Claims, user: User) -> None:
    """Keep whom the provider means; what it meant before was an account that has been deleted."""
    statement = insert(UserIdentity).values(issuer=claims.issuer, subject=claims.subject, user_id=user.id)
    uow.session.execute(
        statement.on_conflict_do_update(constraint="pk_user_identity", set_={"user_id": user.id, "added": func.now()})
    )
