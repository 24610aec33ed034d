"""Callers who act in a space that is not theirs by default, and what they know of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.client import Answer, ApiClient


@dataclass
class SpaceClient(ApiClient):
    """A signed-in caller, all of whose requests are about one space."""

    space: str = ""

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Send a request about the space."""
        headers = {"X-Loom-Space": self.space, **(options.pop("headers", None) or {})}
        return super().request(method, path, body, headers=headers, **options)


def acting_in(client: ApiClient, space: object) -> SpaceClient:
    """Give the same caller, acting in a space."""
    return SpaceClient(client.app, client.token, str(space))


def key_of(client: ApiClient, name: str, permissions: list[str] | None = None) -> ApiClient:
    """Give a caller with a new API key of the same user; None: one that carries all."""
    made = client.post("/tokens", {"name": name, "permissions": permissions}, expect=201)
    return ApiClient(client.app, made["token"])
