"""Any OpenID Connect provider, by discovery: Authlib speaks the protocol, httpx carries it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import httpx
from authlib.oauth2 import ClientAuth, OAuth2Client
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from models.errors import InvalidInput, LoomError, Unavailable
from models.ids import is_storable, printable
from models.logs import get_logger
from models.oidc.discovery import Discovery, Metadata
from models.oidc.http import ProviderHttp, provider_trouble, unusable
from models.oidc.id_token import read_id_token
from models.oidc.port import Claims, CodeGrant, SignIn

REFUSED = "oauth2-refused"
UNTRUSTED = "oauth2-untrusted"
_OUR_FAULT = frozenset({"invalid_client", "unauthorized_client"})
_PROVIDERS_FAULT = frozenset({"server_error", "temporarily_unavailable"})
_LONGEST_CLAIM = 255
_BAD = (JoseError, ValueError, TypeError, KeyError, RecursionError)
"""What Authlib and joserfc raise for content that is not what it should be."""

logger = get_logger(__name__)


class AuthlibProvider:
    """An identity provider. Safe to use from many threads at once."""

    def __init__(
        self, http: ProviderHttp, *, issuer: str, client_id: str, client_secret: str | None, scopes: str
    ) -> None:
        self._http = http
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._discovery = Discovery(http, issuer)

    def sign_in_url(self, sign_in: SignIn, redirect_url: str) -> str:
        """Give the address where a browser signs in."""
        metadata = self._discovery.metadata()
        url, _ = self._client(None, metadata).create_authorization_url(
            metadata.authorization_endpoint, state=sign_in.state, code_verifier=sign_in.verifier,
            redirect_uri=redirect_url, nonce=sign_in.nonce,
        )  # fmt: skip
        return str(url)

    def redeem(self, grant: CodeGrant) -> Claims:
        """Exchange a code for who has signed in."""
        metadata = self._discovery.metadata()
        tokens = self._fetch_tokens(metadata, grant)
        claims = self._read(tokens, grant.nonce)
        return _claims_of(self._issuer, claims, self._load_profile(metadata, tokens, claims))

    def _client(self, session: httpx.Client | None, metadata: Metadata) -> OAuth2Client:
        return _Client(
            session, client_id=self._client_id, client_secret=self._client_secret, scope=self._scopes,
            code_challenge_method="S256", token_endpoint_auth_method=self._auth_method(metadata),
        )  # fmt: skip

    def _auth_method(self, metadata: Metadata) -> str:
        if self._client_secret is None:
            return "none"
        basic, post = "client_secret_basic", "client_secret_post"
        offered = metadata.token_endpoint_auth_methods
        return post if post in offered and basic not in offered else basic

    def _fetch_tokens(self, metadata: Metadata, grant: CodeGrant) -> Mapping[str, Any]:
        url = metadata.token_endpoint
        proof = {"code_verifier": grant.verifier} if grant.verifier else {}
        with provider_trouble(url), self._http.client() as session:
            try:
                tokens: Mapping[str, Any] = self._client(session, metadata).fetch_token(
                    url, grant_type="authorization_code", code=grant.code, redirect_uri=grant.redirect_url, **proof
                )
            except _Refusal as refusal:
                raise _explain(refusal, url) from None
            except _BAD:
                raise unusable("answers the exchange of a code with something that is not JSON", url) from None
        return tokens

    def _read(self, tokens: Mapping[str, Any], nonce: str | None) -> dict[str, Any]:
        """Check the ID token; if its key is not known, with the keys as they are published now."""
        keys = self._discovery.keys()
        try:
            try:
                return self._check(tokens, keys, nonce)
            except InvalidKeyIdError:
                return self._check(tokens, self._discovery.newer_keys(keys), nonce)
        except _BAD as error:
            logger.warning("an ID token was refused", issuer=self._issuer, reason=repr(error))
            raise InvalidInput("The identity provider's answer cannot be trusted", code=UNTRUSTED) from error

    def _check(self, tokens: Mapping[str, Any], keys: KeySet, nonce: str | None) -> dict[str, Any]:
        access_token = tokens.get("access_token")
        return read_id_token(
            tokens["id_token"], keys, issuer=self._issuer, client_id=self._client_id, nonce=nonce,
            access_token=access_token,
        )  # fmt: skip

    def _load_profile(
        self, metadata: Metadata, tokens: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Ask for what many providers leave out of the ID token. Source: OpenID Connect Core 1.0, section 5.3."""
        url, access_token = metadata.userinfo_endpoint, tokens.get("access_token")
        is_whole = bool(claims.get("preferred_username") and claims.get("email"))
        if is_whole or url is None or not isinstance(access_token, str) or not access_token.isascii():
            return {}
        profile = self._http.get_json(url, {"Authorization": f"Bearer {access_token}"})
        if profile.get("sub") != claims["sub"]:
            raise unusable("tells of another subject than it signed for", url)
        return profile


class _Refusal(Exception):
    """The provider's own error."""

    def __init__(self, error: object = None, description: object = None) -> None:
        super().__init__(error, description)
        self.error = str(error)
        self.description = printable(str(description or ""), 200)


class _ClientAuth(ClientAuth, httpx.Auth):  # type: ignore[misc]  # Authlib publishes no types
    """Proves to the token endpoint which client asks."""

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Give the request with the client's credentials."""
        given = request.content.decode()
        url, headers, body = self.prepare(request.method, str(request.url), request.headers, given)
        headers["Content-Length"] = str(len(body))
        yield httpx.Request(request.method, url, headers=headers, content=body, extensions=request.extensions)


class _Client(OAuth2Client):  # type: ignore[misc]  # Authlib publishes no types
    """Authlib's client on an httpx session; its own integration of httpx warns that it will be removed."""

    client_auth_class = _ClientAuth
    oauth_error_class = _Refusal


def _explain(refusal: _Refusal, url: str) -> LoomError:
    """Say whose mistake it is that the provider gave no tokens."""
    logger.warning("the identity provider refused a code", error=refusal.error, description=refusal.description)
    if refusal.error in _OUR_FAULT:
        return unusable("does not accept LOOM_OIDC_CLIENT_ID and LOOM_OIDC_CLIENT_SECRET", url)
    if refusal.error in _PROVIDERS_FAULT:
        return Unavailable("The identity provider cannot answer now", code="oauth2-unreachable")
    return InvalidInput(f"The identity provider refuses this: {printable(refusal.error)}", code=REFUSED)


def _claims_of(issuer: str, claims: Mapping[str, Any], profile: Mapping[str, Any]) -> Claims:
    """Pick what Loom keeps. An email address and its being verified are always taken from the same place."""
    mail = claims if _text(claims, "email") else profile
    return Claims(
        issuer=issuer,
        subject=claims["sub"],
        username=_text(claims, "preferred_username") or _text(profile, "preferred_username"),
        email=_text(mail, "email"),
        is_email_verified=mail.get("email_verified") is True,
        firstname=_text(claims, "given_name") or _text(profile, "given_name"),
        lastname=_text(claims, "family_name") or _text(profile, "family_name"),
    )


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    """Give a claim if it is a text that a column can hold."""
    value = claims.get(name)
    text = value.strip() if isinstance(value, str) else ""
    return text if text and len(text) <= _LONGEST_CLAIM and is_storable(text) else None
