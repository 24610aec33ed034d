"""Webhooks, as they are stored. All plain; of the secret is only told that there is one."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate

from models.bodies.fields import ChangeSchema, ElementSchema, Flag, Meta, RequestSchema, Text
from models.bodies.filters import audit_filters, bool_filter, text_filter
from models.entities import Webhook
from models.services.webhooks import TRIGGERS, WEBHOOKS
from web.crud import CrudSpec, crud_blueprint
from web.pagination import Listing

_LONGEST_URL = 2048
_LONGEST_SECRET = 1024


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
        if not is_good or not text.isprintable() or " " in text:
            raise ValidationError("Not an address such as https://example.org/hook.")
        if parts.username is not None or parts.password is not None:
            raise ValidationError("An address must not hold a name or password; use the secret.")
        return text


def _triggers() -> fields.List[str]:
    return fields.List(fields.String(validate=validate.OneOf(TRIGGERS)), validate=validate.Length(max=len(TRIGGERS)))


class WebhookSchema(ElementSchema):
    """An address that wants to hear of events; without triggers, of all."""

    url = fields.String()
    triggers = fields.List(fields.String())
    active = Flag()
    has_secret = fields.Function(
        lambda hook: bool(hook.secret_token), data_key="hasSecret", metadata={"type": "boolean"}
    )


class WebhookCreateSchema(RequestSchema):
    """A webhook to be made."""

    url = WebAddress(required=True)
    triggers = _triggers()
    secret_token = Text(longest=_LONGEST_SECRET, data_key="secretToken", load_only=True, allow_none=True)
    active = Flag()
    meta = Meta()


class WebhookUpdateSchema(ChangeSchema):
    """What can be changed of a webhook."""

    url = WebAddress()
    triggers = _triggers()
    secret_token = Text(longest=_LONGEST_SECRET, data_key="secretToken", load_only=True)
    active = Flag()
    meta = Meta()


WEBHOOK_SPEC = CrudSpec(
    path="/webhooks",
    resource=WEBHOOKS,
    description="Addresses that want to hear of events",
    answer=WebhookSchema,
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
)

blueprint = crud_blueprint(WEBHOOK_SPEC)
