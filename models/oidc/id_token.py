"""ID tokens: which are to be believed. Source: OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

_LEEWAY_SECONDS = 60
_LONGEST_SUBJECT = 255
_REGISTRY = JWSRegistry(
    # Asymmetric ones only: with HMAC, whoever knows the client's secret could make tokens.
    algorithms=["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
    strict_check_header=False,  # providers add headers of their own, which mean nothing to us
)


def read_id_token(
    text: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str | None, access_token: str | None
) -> dict[str, Any]:
    """Give the claims of an ID token, after all checks: signature, issuer, audience, party, times, nonce.

    Raises:
        InvalidKeyIdError: when it is signed with a key that is not among these.
        JoseError, ValueError, TypeError: when it must not be believed.
    """
    token = jwt.decode(text, keys, registry=_REGISTRY)
    expected = {
        "iss": {"essential": True, "value": issuer},
        "sub": {"essential": True},
        "aud": {"essential": True, "value": client_id},
    }
    tied_to = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
    claims = CodeIDToken(token.claims, token.header, expected, tied_to)
    claims.validate(leeway=_LEEWAY_SECONDS)
    if len(claims["sub"]) > _LONGEST_SUBJECT:
        raise ValueError("the subject is too long")
    return dict(claims)
