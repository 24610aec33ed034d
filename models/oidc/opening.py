"""Which provider the settings ask for."""

from __future__ import annotations

from models.oidc.authlib_provider import AuthlibProvider
from models.oidc.http import ProviderHttp
from models.oidc.port import IdentityProvider
from models.settings import Settings


def open_provider(settings: Settings) -> IdentityProvider | None:
    """Make the provider of the settings, if they name one. Nothing is connected before it is used."""
    if settings.oidc_issuer is None:
        return None
    assert settings.oidc_client_id is not None
    return AuthlibProvider(
        ProviderHttp(),
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        scopes=settings.oidc_scopes,
    )
