"""Who asks: every view is either `signed_in` or `open_to_all`, and says so.

A request's credential is a login token (a JWT) or an API key, in the Authorization header or in the cookie. Either
costs one statement by primary key, which also finds out whether the user may still sign in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache, wraps
from time import time
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeVar, cast
from uuid import UUID

from flask import Flask, Response, request
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError

from models.connections import is_crowded
from models.entities import User
from models.errors import Unauthorized, Unavailable
from models.ids import parse_uuid
from models.permissions import Actor, Permission
from models.services.credentials import API_KEY_PREFIX, LoginClaims, actor_of_key, actor_of_login
from models.services.sessions import Origin, begin_session, end_by_token
from models.settings import Settings
from models.unit_of_work import UnitOfWork
from web.idempotency import once, read_key
from web.safety import admit
from web.state import platform

COOKIE = "__Host-loom_token"
SPACE_HEADER = "X-Loom-Space"
_READS = frozenset({"GET", "HEAD"})
_AUDIENCE = "loom"
_ACCESS = "loom_access"
_REMEMBERED_TOKENS = 4096

P = ParamSpec("P")
R = TypeVar("R")
SignedIn = Callable[Concatenate[UnitOfWork, Actor, P], R]


def set_up_auth(app: Flask, settings: Settings) -> None:
    """Let the application make and check login tokens."""
    app.config["JWT_SECRET_KEY"] = settings.signing_key
    app.config["JWT_ALGORITHM"] = "HS256"
    # Whatever else is ever signed with the same key, it is no login.
    app.config["JWT_ENCODE_AUDIENCE"] = app.config["JWT_DECODE_AUDIENCE"] = _AUDIENCE
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(seconds=settings.token_expiration_time)
    JWTManager(app)


def signed_in(*permissions: Permission) -> Callable[[SignedIn[P, R]], Callable[P, R]]:
    """Open a view to signed-in users who have been granted these permissions, be it for one library.

    Which elements the grants cover is for the services to see to. The view gets a unit of work and the actor before
    its own arguments. A read happens on the connection that the actor was found on. Anything else begins a transaction
    of its own when it first needs one: while its body comes in, perhaps slowly, it holds no connection.
    """

    def decorate(view: SignedIn[P, R]) -> Callable[P, R]:
        @wraps(view)
        def wrapper(*arguments: P.args, **named: P.kwargs) -> R:
            _refuse_a_crowd()
            with platform().reading() as uow:
                actor = authenticate(uow, find_credential(), find_space())
                admit(actor)
                for permission in permissions:
                    actor.require_somewhere(permission)
                if request.method in _READS:
                    return view(uow, actor, *arguments, **named)
            if key := read_key():
                answer = once(actor, key, lambda uow: view(uow, actor, *arguments, **named))  # type: ignore[arg-type,return-value]
                return cast("R", answer)
            with platform().unit_of_work() as uow:
                return view(uow, actor, *arguments, **named)

        setattr(wrapper, _ACCESS, permissions)
        return wrapper

    return decorate


def _refuse_a_crowd() -> None:
    """Send a request away at once that would wait for too long: a crowd that waits in vain costs as much as one served.

    Raises:
        Unavailable: when too many wait already.
    """
    if is_crowded(platform().engine):
        raise Unavailable("There are too many requests at once", code="crowded")


def open_to_all(view: Callable[P, R]) -> Callable[P, R]:
    """Open a view to everybody."""
    setattr(view, _ACCESS, None)
    return view


def permissions_of(view: Callable[..., Any]) -> tuple[Permission, ...] | None:
    """Give the permissions that a view needs; None: it is open to all."""
    needed: tuple[Permission, ...] | None = getattr(view, _ACCESS)
    return needed


def require_declared_access(app: Flask) -> None:
    """Refuse to start an application with a view that does not say who may use it."""
    undeclared = [name for name, view in app.view_functions.items() if not hasattr(view, _ACCESS)]
    if undeclared:
        raise AssertionError(f"views without @signed_in or @open_to_all: {', '.join(undeclared)}")


def find_credential() -> str:
    """Give the credential of the request at hand.

    Raises:
        Unauthorized: when it has none.
    """
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and value:
        return value.strip()
    if cookie := request.cookies.get(COOKIE):
        return cookie
    raise Unauthorized


def find_space() -> UUID | None:
    """Give the space that the request at hand is about, if it names one.

    Raises:
        InvalidInput: when what it names is no UUID.
    """
    text = request.headers.get(SPACE_HEADER)
    return None if text is None else parse_uuid(text)


def authenticate(uow: UnitOfWork, credential: str, space_id: UUID | None = None) -> Actor:
    """Give whom a credential speaks for, and where.

    Raises:
        Unauthorized: when it is not valid, or not any more.
        NotFound: when it does not open that space.
    """
    if credential.startswith(API_KEY_PREFIX):
        return actor_of_key(uow, credential, space_id)
    login = _read_login(credential)
    if login.expires <= time():
        raise Unauthorized("The token has expired")
    return actor_of_login(uow, login.claims, space_id)


class _Login(NamedTuple):
    claims: LoginClaims
    expires: float


@lru_cache(maxsize=_REMEMBERED_TOKENS)
def _read_login(token: str) -> _Login:
    """Check the signature of a login token, once for all requests that carry it."""
    try:
        content: dict[str, Any] = decode_token(token)
        if content["type"] != "access":
            raise Unauthorized
        named = content.get("session")
        session_id = None if named is None else UUID(named)
        return _Login(LoginClaims(UUID(content["uuid"]), int(content["epoch"]), session_id), float(content["exp"]))
    except (PyJWTError, JWTExtendedException, KeyError, ValueError, TypeError):
        raise Unauthorized from None


def begin_login(uow: UnitOfWork, user: User, means: Literal["password", "oauth2"]) -> str:
    """Make a login token for a user who has proven who they are. The caller commits."""
    origin = Origin(means, request.remote_addr or "", request.headers.get("User-Agent", ""))
    session = begin_session(uow, user, origin, platform().settings.token_expiration_time)
    return make_token(user, session.id)


def make_token(user: User, session_id: UUID | None) -> str:
    """Make a login token that names a session."""
    claims = {"uuid": str(user.id), "epoch": user.epoch, "session": session_id and str(session_id)}
    return str(create_access_token(str(user.id), additional_claims=claims))


def end_login() -> None:
    """End the login of the request at hand, if there is one."""
    try:
        login = _read_login(find_credential())
    except Unauthorized:
        return
    if login.claims.session_id is not None:
        with platform().unit_of_work() as uow:
            end_by_token(uow, login.claims.session_id)
            uow.commit()


def set_cookie(answer: Response, token: str, seconds: int) -> None:
    """Let a browser keep the token where no script can read it."""
    answer.set_cookie(COOKIE, token, max_age=seconds, path="/", secure=True, httponly=True, samesite="Strict")


def forget_cookie(answer: Response) -> None:
    """Make a browser forget the token."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
