"""Webhooks: which addresses want to hear of what. A secret is shown once, when it is made.

What they are told is what whoever set them last may hear, with the rights of the key that it was done with.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from models.entities import Webhook
from models.events import ASSET_TAGGED, ASSET_UPLOADED, WEBHOOK_DISABLED
from models.permissions import Actor, Entity
from models.services.collections import COLLECTIONS
from models.services.crud import Resource, Values
from models.services.libraries import LIBRARIES
from models.services.webhook_signing import check_secret, make_secret
from models.unit_of_work import UnitOfWork

WEBHOOKS = Resource(Webhook, "webhook", Entity.WEBHOOK)


_SIGN_INS = ("USER_LOGGED_IN", "USER_MAPPED")
"""Triggers of the reference that are about no change of an element: kept as clients of it store them."""
_BY_ITSELF = ("active", "url", "secret_token")
"""Who changes one of these begins anew with an address, however it went before."""


def trigger_of(event: str) -> str:
    """Give the name by which a webhook asks for a type of event."""
    return event.replace(".", "_").replace("-", "_").upper()


TRIGGERS = tuple(
    sorted(
        {f"{entity}_{end}" for entity in Entity for end in ("CREATED", "UPDATED", "DELETED")}
        | {trigger_of(event) for event in (ASSET_UPLOADED, ASSET_TAGGED, WEBHOOK_DISABLED)}
        | set(_SIGN_INS)
    )
)
"""Names of the events that a webhook may ask for."""


def create_webhook(uow: UnitOfWork, actor: Actor, values: Values) -> Webhook:
    """Make a webhook; one without a secret gets one.

    Raises:
        Forbidden: when the actor may not.
        InvalidInput: when the secret cannot sign, or a library or collection is not there.
    """
    _check(uow, actor, values)
    secret = values.get("secret_token") or make_secret()
    return WEBHOOKS.create(uow, actor, {**values, "secret_token": secret, "token_id": _key_of(actor)})


def update_webhook(uow: UnitOfWork, actor: Actor, hook: Webhook, values: Values) -> None:
    """Change what is given; an empty secret is none. Raises as `create_webhook` does."""
    values = {name: value for name, value in values.items() if name != "secret_token" or value}
    _check(uow, actor, values)
    if any(name in values for name in _BY_ITSELF):
        hook.failures, hook.failing_since, hook.open_until, hook.disabled_reason = 0, None, None, None
    WEBHOOKS.update(uow, actor, hook, {**values, "token_id": _key_of(actor)})


def rotate_secret(uow: UnitOfWork, actor: Actor, hook: Webhook, secret: str | None, overlap_seconds: int) -> str:
    """Sign with another secret; for so long the one before signs too. Gives the new one; raises as above."""
    new = secret or make_secret()
    check_secret(new)
    hook.previous_secret = hook.secret_token if overlap_seconds else None
    hook.previous_secret_until = datetime.now(UTC) + timedelta(seconds=overlap_seconds) if overlap_seconds else None
    WEBHOOKS.update(uow, actor, hook, {"secret_token": new, "token_id": _key_of(actor)})
    return new


def secrets_of(hook: Webhook) -> list[str]:
    """Give the secrets that sign now."""
    is_overlap = hook.previous_secret_until is not None and hook.previous_secret_until > datetime.now(UTC)
    return [hook.secret_token, cast("str", hook.previous_secret)] if is_overlap else [hook.secret_token]


def _key_of(actor: Actor) -> UUID | None:
    """A key that carries less than its owner may narrows what the webhook hears, too."""
    return actor.token_id if actor.is_narrowed else None


def _check(uow: UnitOfWork, actor: Actor, values: Values) -> None:
    if values.get("secret_token"):
        check_secret(values["secret_token"])
    for field, name, resource in (
        ("library_ids", "libraryUuids", LIBRARIES), ("collection_ids", "collectionUuids", COLLECTIONS),
    ):  # fmt: skip
        for element_id in values.get(field) or ():
            resource.refer(uow, actor, element_id, name)
