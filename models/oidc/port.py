"""What Loom needs of an identity provider."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol, Self

_SECRET_BYTES = 48
"""64 characters in base64. Source: RFC 7636, section 4.1, which wants 43 to 128 for a verifier."""


@dataclass(frozen=True)
class SignIn:
    """One browser's way to the provider and back. The browser keeps both secrets in cookies; Loom keeps nothing."""

    state: str = field(repr=False)
    """Comes back in the address: the answer is to a question of this browser."""
    verifier: str = field(repr=False)
    """Redeems the code, of which the provider was shown a hash only (PKCE)."""

    @classmethod
    def begin(cls) -> Self:
        """Make new secrets."""
        return cls(secrets.token_urlsafe(_SECRET_BYTES), secrets.token_urlsafe(_SECRET_BYTES))

    @property
    def nonce(self) -> str:
        """What the ID token must carry: a hash of the verifier, but another one than the address shows for PKCE."""
        return urlsafe_b64encode(sha256(f"nonce\0{self.verifier}".encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class CodeGrant:
    """A code that the provider gave out, with what proves that it was given to whoever brings it."""

    code: str = field(repr=False)
    redirect_url: str
    verifier: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    """None: it is not known which nonce was asked for, and none is looked at."""


@dataclass(frozen=True)
class Claims:
    """Who somebody is, by the word of the provider. `issuer` and `subject` together never mean anybody else."""

    issuer: str
    subject: str
    username: str | None = None
    email: str | None = None
    is_email_verified: bool = False
    firstname: str | None = None
    lastname: str | None = None


class IdentityProvider(Protocol):
    """A provider. Both calls may speak to it over the network, within bounds of time and size."""

    def sign_in_url(self, sign_in: SignIn, redirect_url: str) -> str:
        """Give the address where a browser signs in; it comes back to the other one with a code.

        Raises:
            Unavailable: when the provider is out of reach or does not keep to the protocol.
        """

    def redeem(self, grant: CodeGrant) -> Claims:
        """Exchange a code, which is used up by it, for who has signed in.

        Raises:
            InvalidInput: when the provider refuses the code, or its ID token is not to be trusted.
            Unavailable: when the provider is out of reach or does not keep to the protocol.
        """
