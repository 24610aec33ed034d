"""Webhooks: which addresses want to hear of what. The secret goes in and never comes out."""

from __future__ import annotations

from models.entities import Webhook
from models.events import ASSET_TAGGED, ASSET_UPLOADED
from models.permissions import Entity
from models.services.crud import Resource

WEBHOOKS = Resource(Webhook, "webhook", Entity.WEBHOOK)


_SIGN_INS = ("USER_LOGGED_IN", "USER_MAPPED")
"""Triggers of the reference that are about no change of an element: kept as clients of it store them."""


def _trigger(event: str) -> str:
    return event.replace(".", "_").replace("-", "_").upper()


TRIGGERS = tuple(
    sorted(
        {f"{entity}_{end}" for entity in Entity for end in ("CREATED", "UPDATED", "DELETED")}
        | {_trigger(event) for event in (ASSET_UPLOADED, ASSET_TAGGED)}
        | set(_SIGN_INS)
    )
)
"""Names of the events that a webhook may ask for."""
