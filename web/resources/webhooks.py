"""Webhooks: who wants to hear of what, and how it goes with them. A secret is shown once, when it is made."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from marshmallow import ValidationError, fields, validate

from models.bodies.fields import ChangeSchema, ElementSchema, Flag, Instant, Meta, RequestSchema, Text
from models.bodies.filters import audit_filters, bool_filter, text_filter
from models.entities import Ordering, Webhook
from models.services.webhooks import TRIGGERS, WEBHOOKS, create_webhook, update_webhook
from web.crud import CrudSpec, crud_blueprint
from web.pagination import Listing

_LONGEST_URL = 2048
_MOST_PLACES, _MOST_CONCURRENT, _MOST_PER_SECOND = 100, 16, 1_000
_ORDERINGS = [str(ordering) for ordering in Ordering]
LONGEST_SECRET = 1024


class WebAddress(Text):
    """An absolute address of the schemes http and https, without a name and password in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(shortest=1, longest=_LONGEST_URL, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        try:
            parts = urlsplit(text)
            is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_good = False
        if not is_good or not text.isascii() or not text.isprintable() or " " in text:
            raise ValidationError("Not an address such as https://example.org/hook.")
        if parts.username is not None or parts.password is not None:
            raise ValidationError("An address must not hold a name or password; use the secret.")
        return text


def _triggers() -> fields.List[str]:
    return fields.List(fields.String(validate=validate.OneOf(TRIGGERS)), validate=validate.Length(max=len(TRIGGERS)))


def _some(name: str) -> fields.List[UUID]:
    return fields.List(
        fields.UUID(), data_key=name, validate=validate.Length(max=_MOST_PLACES),
        metadata={"description": "Only events about these, and about assets in them"},
    )  # fmt: skip


def _ordering() -> fields.String:
    return fields.String(
        validate=validate.OneOf(_ORDERINGS),
        metadata={"description": "What waits for what was before it: nothing, events of the same element, all"},
    )


def _number(name: str, most: int, description: str) -> fields.Integer:
    return fields.Integer(
        data_key=name, strict=True, validate=validate.Range(min=1, max=most), metadata={"description": description}
    )


class WebhookSchema(ElementSchema):
    """An address that wants to hear of events; without triggers, of all. It hears what its editor may hear."""

    url = fields.String()
    triggers = fields.List(fields.String())
    library_ids = fields.List(fields.UUID(), data_key="libraryUuids")
    collection_ids = fields.List(fields.UUID(), data_key="collectionUuids")
    active = Flag()
    has_secret = fields.Function(
        lambda hook: bool(hook.secret_token), data_key="hasSecret", metadata={"type": "boolean"}
    )
    ordering = fields.String(validate=validate.OneOf(_ORDERINGS))
    most_concurrent = fields.Integer(data_key="maxConcurrency")
    most_per_second = fields.Integer(data_key="maxPerSecond")
    failures = fields.Integer(metadata={"description": "Attempts in a row that have failed"})
    failing_since = Instant(data_key="failingSince")
    paused_until = Instant(
        attribute="open_until", data_key="pausedUntil", metadata={"description": "Nothing is sent before, as it failed"}
    )
    disabled_reason = fields.String(
        data_key="disabledReason", metadata={"description": "Why Loom has made it inactive"}
    )


class NewWebhookSchema(WebhookSchema):
    """A webhook with its secret, as it is shown once."""

    secret_token = fields.String(data_key="secretToken")


class WebhookCreateSchema(RequestSchema):
    """A webhook to be made."""

    url = WebAddress(required=True)
    triggers = _triggers()
    secret_token = Text(
        longest=LONGEST_SECRET, data_key="secretToken", load_only=True, allow_none=True,
        metadata={"description": "What signs; `whsec_` announces base64. One is made if none is given"},
    )  # fmt: skip
    active = Flag()
    library_ids = _some("libraryUuids")
    collection_ids = _some("collectionUuids")
    ordering = _ordering()
    most_concurrent = _number("maxConcurrency", _MOST_CONCURRENT, "Requests at the same time")
    most_per_second = _number("maxPerSecond", _MOST_PER_SECOND, "Requests in a second; then one at a time")
    meta = Meta()


class WebhookUpdateSchema(ChangeSchema):
    """What can be changed of a webhook."""

    url = WebAddress()
    triggers = _triggers()
    secret_token = Text(longest=LONGEST_SECRET, data_key="secretToken", load_only=True)
    active = Flag()
    library_ids = _some("libraryUuids")
    collection_ids = _some("collectionUuids")
    ordering = _ordering()
    most_concurrent = _number("maxConcurrency", _MOST_CONCURRENT, "Requests at the same time")
    most_per_second = _number("maxPerSecond", _MOST_PER_SECOND, "Requests in a second; then one at a time")
    meta = Meta()


WEBHOOK_SPEC = CrudSpec(
    path="/webhooks",
    resource=WEBHOOKS,
    description="Addresses that want to hear of events",
    answer=WebhookSchema,
    created_answer=NewWebhookSchema,
    create_body=WebhookCreateSchema,
    update_body=WebhookUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "url": text_filter(Webhook.url),
            "active": bool_filter(Webhook.active),
            **audit_filters(Webhook),
        },
    ),
    create=create_webhook,
    update=update_webhook,
)

blueprint = crud_blueprint(WEBHOOK_SPEC)
