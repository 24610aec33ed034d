"""What an application is made of, for those who answer its requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from models.oidc import IdentityProvider
from models.wiring import Platform
from web.hub import Hub
from web.incoming import RunningHashes

KEY = "loom"


@dataclass(frozen=True)
class WebState:
    """The engines, the live events and the identity provider, if any, of one web process."""

    platform: Platform
    hub: Hub
    provider: IdentityProvider | None
    hashes: RunningHashes = field(default_factory=RunningHashes)


def state() -> WebState:
    """Give what the application at hand works with."""
    return cast("WebState", current_app.extensions[KEY])


def platform() -> Platform:
    """Give the engines that the application at hand works with."""
    return state().platform
