"""Signing in at an identity provider: in a browser, by three routes, or with a code that an application has got.

A browser keeps the secrets of its sign-in in two cookies, for as long as it takes to come back; Loom keeps nothing.
"""

from __future__ import annotations

import hmac
import re

from flask import Response, after_this_request, jsonify, request
from marshmallow import fields

from models.bodies.fields import AnswerSchema, RequestSchema, Text
from models.errors import Forbidden, InvalidInput, Unavailable
from models.ids import printable
from models.oidc import CodeGrant, IdentityProvider, SignIn
from models.services.identities import admit_code, forgive_code, sign_in
from web.auth import begin_login, end_login, forget_cookie, open_to_all, set_cookie
from web.blueprints import LoomBlueprint, describe, query
from web.resources.auth import LoginTokenSchema
from web.state import platform, state

VERIFIER_COOKIE = "__Host-loom_pkce_verifier"
STATE_COOKIE = "__Host-loom_oauth2_state"
_SIGN_IN_SECONDS = 600
_LONGEST_CODE = 4096
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""Source: RFC 7636, section 4.1."""
_START_PAGE = "/"

blueprint = LoomBlueprint("oauth2", "Signing in at an identity provider")


class CodeSchema(RequestSchema):
    """A code that the provider gave to an application. Without `redirectUri`, it was sent to Loom's own address."""

    code = Text(required=True, shortest=1, longest=_LONGEST_CODE)
    redirect_url = Text(data_key="redirectUri", allow_none=True, longest=_LONGEST_CODE)
    verifier = Text(data_key="codeVerifier", allow_none=True, longest=128)
    nonce = Text(
        allow_none=True, shortest=1, longest=1024,
        metadata={"description": "What the application asked the provider for; the ID token must carry it"},
    )  # fmt: skip


class MessageSchema(AnswerSchema):
    """A sentence for a person."""

    message = fields.String()


@blueprint.route("/auth/oauth2/login", methods=["GET"])
@open_to_all
@blueprint.response(302)
@blueprint.alt_response(503, description="No provider is configured, or it cannot be reached")
def begin_sign_in() -> Response:
    """Send the browser to the identity provider."""
    begun = SignIn.begin()
    answer = _send_to(_provider().sign_in_url(begun, platform().settings.oidc_redirects[0]))
    _keep(answer, VERIFIER_COOKIE, begun.verifier)
    _keep(answer, STATE_COOKIE, begun.state)
    answer.cache_control.no_store = True
    return answer


@blueprint.route("/auth/oauth2/callback", methods=["GET"])
@describe(
    "Receive the browser that comes back from the identity provider, and send it to the start page, signed in.",
    query("code", "string", "What the provider gives out for Loom"),
    query("state", "string", "What Loom gave to the browser"),
    query("error", "string", "Why the provider gives no code"),
)
@open_to_all
@blueprint.response(302)
@blueprint.alt_response(400, description="The provider refused, or the browser began no sign-in")
@blueprint.alt_response(403, description="Another browser began this sign-in, or the account is disabled")
@blueprint.alt_response(503, description="No provider is configured, or it cannot be reached")
def finish_sign_in() -> Response:
    """Sign the browser in. However that ends, the secrets of this sign-in are used up."""
    after_this_request(_forget_secrets)
    token = _exchange(_read_callback())
    answer = _send_to(_START_PAGE)
    set_cookie(answer, token, platform().settings.token_expiration_time)
    return answer


@blueprint.route("/auth/oauth2/logout", methods=["GET"])
@open_to_all
@blueprint.response(200, MessageSchema)
def log_out() -> Response:
    """End the login, and make the browser forget its token. At the identity provider it stays signed in."""
    end_login()
    answer = jsonify(message="You are signed out")
    forget_cookie(answer)
    answer.cache_control.no_store = True
    return answer


@blueprint.route("/auth/oauth2", methods=["POST"])
@open_to_all
@blueprint.arguments(CodeSchema)
@blueprint.response(200, LoginTokenSchema)
@blueprint.alt_response(400, description="The provider refused the code, or the address is not one of Loom's")
@blueprint.alt_response(403, description="The account is disabled")
@blueprint.alt_response(503, description="No provider is configured, or it cannot be reached")
def exchange_code(values: dict[str, str | None]) -> Response:
    """Exchange a code of the identity provider for a token, which is also set as a cookie."""
    code = values["code"]
    assert code is not None
    grant = CodeGrant(code, _redirect_url(values.get("redirect_url")), values.get("verifier"), values.get("nonce"))
    token = _exchange(grant)
    answer = jsonify(token=token)
    set_cookie(answer, token, platform().settings.token_expiration_time)
    answer.cache_control.no_store = True
    return answer


def _provider() -> IdentityProvider:
    provider = state().provider
    if provider is None:
        raise Unavailable("No identity provider is configured (LOOM_OIDC_ISSUER)", code="oauth2-not-configured")
    return provider


def _exchange(grant: CodeGrant) -> str:
    """Give a login token for a code. While the provider is asked, no connection to the database is held."""
    provider, engines, address = _provider(), platform(), request.remote_addr or ""
    admit_code(engines.bus, address)
    claims = provider.redeem(grant)
    with engines.unit_of_work() as uow:
        user = sign_in(uow, claims, may_link_used=engines.settings.oidc_link_used_accounts)
        token = begin_login(uow, user, "oauth2")
        uow.commit()
    forgive_code(engines.bus, address)
    return token


def _redirect_url(given: str | None) -> str:
    """Give the address that the provider sent the code to: one of those that it may send codes for Loom to.

    Raises:
        InvalidInput: when it is none of them.
    """
    _provider()
    known = platform().settings.oidc_redirects
    if given and given not in known:
        raise InvalidInput("redirectUri: is not an address that codes for Loom may be sent to", code="validation")
    return given or known[0]


def _read_callback() -> CodeGrant:
    """Read what the provider sent through the browser.

    Raises:
        Forbidden: when the sign-in was not begun by this browser, or too long ago.
        InvalidInput: when there is no code.
    """
    _provider()
    if error := request.args.get("error"):
        raise InvalidInput(f"The identity provider refuses this: {printable(error)}", code="oauth2-refused")
    code = request.args.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise InvalidInput("code: is missing, or too long", code="validation")
    begun = SignIn(request.cookies.get(STATE_COOKIE, ""), request.cookies.get(VERIFIER_COOKIE, ""))
    if not begun.state or not _is_same(begun.state, request.args.get("state", "")):
        raise Forbidden("This sign-in was not begun here, or too long ago; begin again", code="oauth2-state")
    if not _VERIFIER.fullmatch(begun.verifier):
        raise InvalidInput("This sign-in was begun too long ago; begin again", code="oauth2-verifier")
    return CodeGrant(code, platform().settings.oidc_redirects[0], begun.verifier, begun.nonce)


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _send_to(url: str) -> Response:
    return Response(status=302, headers={"Location": url})


def _keep(answer: Response, name: str, secret: str) -> None:
    """Let the browser bring a secret along when it comes back: Lax, for it comes from another site."""
    answer.set_cookie(name, secret, max_age=_SIGN_IN_SECONDS, path="/", secure=True, httponly=True, samesite="Lax")


def _forget_secrets(answer: Response) -> Response:
    for name in (VERIFIER_COOKIE, STATE_COOKIE):
        answer.delete_cookie(name, path="/", secure=True, httponly=True, samesite="Lax")
    answer.cache_control.no_store = True
    return answer
