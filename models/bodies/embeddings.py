"""The JSON of embeddings (wire contract 5.12)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.fields import (
    AnswerSchema,
    AreaField,
    ChangeSchema,
    ElementSchema,
    Flag,
    Meta,
    Number,
    RequestSchema,
    Text,
    Whole,
)
from models.entities.embedding import DEFAULT_TYPE
from models.services.embeddings import MOST_DIMENSIONS, as_float32

_LONGEST_KEY = 128
"""Of texts that tell embeddings apart: all of them must fit into one entry of the index. So must a model's name."""


class Vector(fields.List[float]):
    """Finite numbers, rounded to float32 when they come in."""

    def __init__(self, *, shortest: int = 1, **options: Any) -> None:
        super().__init__(fields.Float(), validate=validate.Length(shortest, MOST_DIMENSIONS), **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        return value

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        if not isinstance(value, list) or not set(map(type, value)) <= {int, float}:
            raise ValidationError("Not a list of numbers.")
        try:
            rounded = as_float32(value)
        except OverflowError:
            raise ValidationError("Holds a number beyond float32.") from None
        if not all(map(math.isfinite, rounded)):
            raise ValidationError("Holds what is no number.")
        return rounded


class EmbeddingSchema(ElementSchema):
    """A vector that stands for an asset, or for something in it."""

    asset_id = fields.UUID(data_key="assetUuid")
    type = fields.String()
    model = fields.String()
    source = fields.String()
    vector = Vector()
    dimensions = fields.Integer()
    area = AreaField()
    frame_number = fields.Integer(data_key="frameNumber")
    subject_index = fields.Integer(data_key="subjectIndex")
    detection_id = fields.UUID(data_key="detectionUuid")
    normalized = Flag()
    node_kind = fields.String(data_key="nodeKind")
    producer_version = fields.String(data_key="producerVersion")
    confidence = fields.Float()


class EmbeddingPutSchema(RequestSchema):
    """An embedding of an asset that the path names."""

    asset_id = fields.UUID(data_key="assetUuid", allow_none=True)
    vector = Vector(required=True, metadata={"description": f"1 to {MOST_DIMENSIONS} numbers, kept as float32"})
    type = Text(shortest=1, longest=_LONGEST_KEY, load_default=DEFAULT_TYPE)
    model = Text(longest=255, allow_none=True)
    source = Text(longest=255, allow_none=True)
    dimensions = Whole(allow_none=True, metadata={"description": "Must be the length of the vector"})
    area = AreaField(allow_none=True)
    frame_number = Whole(least=0, data_key="frameNumber", allow_none=True)
    subject_index = Whole(least=0, data_key="subjectIndex", allow_none=True)
    detection_id = fields.UUID(data_key="detectionUuid", allow_none=True)
    normalized = Flag()
    node_kind = Text(longest=_LONGEST_KEY, data_key="nodeKind", allow_none=True)
    producer_version = Text(longest=255, data_key="producerVersion", allow_none=True)
    confidence = Number(least=0, most=1, allow_none=True)
    meta = Meta()

    @validates_schema
    def require_dimensions(self, values: Mapping[str, Any], **_: Any) -> None:
        """A client that says how long its vector is must be right."""
        given = values.get("dimensions")
        if given is not None and given != len(values["vector"]):
            raise ValidationError(f"Is {given}, but the vector has {len(values['vector'])} numbers.", "dimensions")


class EmbeddingCreateSchema(EmbeddingPutSchema):
    """An embedding of any asset."""

    asset_id = fields.UUID(data_key="assetUuid", required=True)


class EmbeddingUpdateSchema(ChangeSchema):
    """What can be changed of an embedding. An empty vector is none."""

    vector = Vector(shortest=0)
    type = Text(shortest=1, longest=_LONGEST_KEY)
    asset_id = fields.UUID(data_key="assetUuid")
    source = Text(longest=255)
    area = AreaField()
    meta = Meta()


class EmbeddingBulkSchema(RequestSchema):
    """Embeddings of an asset; each is looked at by itself."""

    embeddings = fields.List(fields.Raw(allow_none=True), required=True)


class EmbeddingErrorSchema(AnswerSchema):
    """Why an embedding was not put."""

    index = fields.Integer(metadata={"description": "Its place in the request"})
    message = fields.String()


class EmbeddingBulkAnswerSchema(AnswerSchema):
    """What became of embeddings: those that were put, new or in place of others, and those that were not."""

    embeddings = fields.List(fields.Nested(EmbeddingSchema))
    total = fields.Integer()
    created = fields.Integer()
    failed = fields.Integer()
    errors = fields.List(fields.Nested(EmbeddingErrorSchema))
