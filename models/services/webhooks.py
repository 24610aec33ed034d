"""Webhooks: which addresses want to hear of what. The secret goes in and never comes out."""

from __future__ import annotations

from models.entities import Webhook
from models.events import ASSET_UPLOADED
from models.permissions import Entity
from models.services.crud import Resource

WEBHOOKS = Resource(Webhook, "webhook", Entity.WEBHOOK)


def _trigger(event: str) -> str:
    return event.replace(".", "_").replace("-", "_").upper()


TRIGGERS = tuple(
    sorted(
        {f"{entity}_{end}" for entity in Entity for end in ("CREATED", "UPDATED", "DELETED")}
        | {_trigger(event) for event in (ASSET_UPLOADED,)}
    )
)
"""Names of the events that a webhook may ask for."""
