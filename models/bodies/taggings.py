"""Tags to be put on an asset, as callers spell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.fields import AreaField, Color, Meta, Name, RequestSchema, Text
from models.services.tagging import Producer

_LONGEST = 255
_MOST_TAGS = 1000


class ProducerSchema(RequestSchema):
    """Who puts tags on an asset."""

    node_kind = Text(data_key="nodeKind", shortest=1, longest=_LONGEST, allow_none=True)
    node_id = Text(data_key="nodeId", longest=_LONGEST, allow_none=True)
    producer_version = Text(data_key="producerVersion", longest=_LONGEST, allow_none=True)


class TaggingSchema(ProducerSchema):
    """A tag to be put on an asset: by `uuid`, or by name and collection, in which case it is made if there is none."""

    uuid = fields.UUID(allow_none=True)
    name = Name(allow_none=True)
    collection = Name(allow_none=True)
    color = Color(allow_none=True)
    meta = Meta(allow_none=True)
    area = AreaField(allow_none=True)
    confidence = fields.Float(allow_nan=False, allow_none=True, validate=validate.Range(0, 1))

    @validates_schema
    def require_tag(self, values: Mapping[str, Any], **_: Any) -> None:
        """Something must say which tag is meant."""
        if values.get("uuid") is None and values.get("name") is None:
            raise ValidationError({"name": ["Missing data for required field."]})


class TaggingsSchema(ProducerSchema):
    """Tags to be put on an asset, and tags to be taken off. What is said here holds of each that does not say it."""

    collection = Name(allow_none=True)
    tags = fields.List(fields.Nested(TaggingSchema), validate=validate.Length(max=_MOST_TAGS), load_default=list)
    withdraw = fields.List(fields.UUID(), validate=validate.Length(max=_MOST_TAGS), load_default=list)


def producer_of(values: Mapping[str, Any]) -> Producer:
    """Say who puts such tags on an asset."""
    return Producer(values.get("node_kind"), values.get("node_id"), values.get("producer_version"))


def tags_wanted(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the tags, each with the collection that it is meant to be in."""
    return [{**each, "collection": each.get("collection") or values.get("collection")} for each in values["tags"]]
