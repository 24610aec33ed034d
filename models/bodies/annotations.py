"""What somebody says about a part of an asset, as callers spell it."""

from __future__ import annotations

from marshmallow import validate

from models.bodies.fields import AreaField, Meta, RequestSchema, Text

TYPES = ("FEEDBACK", "TAG", "CHAPTER")


class AssetAnnotationCreateSchema(RequestSchema):
    """An annotation of the asset in the path."""

    type = Text(required=True, validate=[validate.OneOf(TYPES)])
    title = Text(required=True, longest=1024)
    description = Text(allow_none=True)
    area = AreaField(allow_none=True)
    meta = Meta()
