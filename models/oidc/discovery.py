"""What the provider says of itself: where its endpoints are, and the keys that it signs with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from models.oidc.http import ProviderHttp, unusable
from models.oidc.remembered import Remembered
from models.urls import is_protected

_SYMMETRIC = "oct"


@dataclass(frozen=True)
class Metadata:
    """The part of the discovery document that Loom uses."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    token_endpoint_auth_methods: tuple[str, ...]


class Discovery:
    """The provider's documents, fetched when they are needed."""

    def __init__(self, http: ProviderHttp, issuer: str) -> None:
        self._http = http
        self._issuer = issuer
        self._url: str = get_well_known_url(issuer, external=True)
        self._metadata = Remembered(self._fetch_metadata)
        self._keys = Remembered(self._fetch_keys)

    def metadata(self) -> Metadata:
        """Give the endpoints. Raises Unavailable."""
        return self._metadata.get()

    def keys(self) -> KeySet:
        """Give the keys. Raises Unavailable."""
        return self._keys.get()

    def newer_keys(self, seen: KeySet) -> KeySet:
        """Give keys that were published after these. Raises Unavailable."""
        return self._keys.get_newer(seen)

    def _fetch_metadata(self) -> Metadata:
        content = self._http.get_json(self._url)
        if content.get("issuer") != self._issuer:
            raise unusable(f"does not call itself '{self._issuer}', as LOOM_OIDC_ISSUER does", self._url)
        methods = content.get("token_endpoint_auth_methods_supported")
        return Metadata(
            authorization_endpoint=self._endpoint(content, "authorization_endpoint"),
            token_endpoint=self._endpoint(content, "token_endpoint"),
            jwks_uri=self._endpoint(content, "jwks_uri"),
            userinfo_endpoint=self._endpoint(content, "userinfo_endpoint") if "userinfo_endpoint" in content else None,
            token_endpoint_auth_methods=tuple(map(str, methods)) if isinstance(methods, list) else (),
        )

    def _endpoint(self, content: dict[str, Any], name: str) -> str:
        url = content.get(name)
        if not isinstance(url, str) or not is_protected(url):
            raise unusable(f"names no {name} that is safe to use", self._url)
        return url

    def _fetch_keys(self) -> KeySet:
        url = self.metadata().jwks_uri
        published = self._http.get_json(url).get("keys")
        found = [_read_key(data) for data in published] if isinstance(published, list) else []
        keys = [key for key in found if key is not None]
        if not keys:
            raise unusable("publishes no key that can be used", url)
        return KeySet(keys)


def _read_key(data: Any) -> Key | None:
    """Read a key; one of a kind that is not known, or broken, must not spoil the others."""
    try:
        return None if data["kty"] == _SYMMETRIC else import_key(data)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
