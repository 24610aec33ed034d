"""Items of bulk requests: the bodies of single requests, and what only a list needs."""

from __future__ import annotations

from marshmallow import fields, validate

from models.bodies.asset_requests import AssetCreateSchema, AssetUpdateSchema, HashInfoSchema
from models.bodies.fields import RequestSchema, Sha512, Text

_MOST_LIBRARIES = 100


class BulkCreateItemSchema(AssetCreateSchema):
    """An asset that awaits its bytes, the libraries that it shall be in, and how the caller calls it."""

    client_ref = Text(data_key="clientRef", longest=255, metadata={"description": "Comes back with the outcome"})
    libraries = fields.List(
        fields.UUID(),
        validate=validate.Length(max=_MOST_LIBRARIES),
        metadata={"description": "UUIDs of libraries that it shall be in"},
    )


class _MeantHashSchema(HashInfoSchema):
    """What tells which asset is meant."""

    sha512 = Sha512(required=True)


class BulkUpdateItemSchema(RequestSchema):
    """A change of the asset of that hash."""

    client_ref = Text(data_key="clientRef", longest=255, metadata={"description": "Comes back with the outcome"})
    hashes = fields.Nested(_MeantHashSchema, required=True)
    update = fields.Nested(AssetUpdateSchema, required=True)
