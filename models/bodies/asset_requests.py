"""What callers say about an asset, turned into columns (wire contract 5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.annotations import AssetAnnotationCreateSchema
from models.bodies.components import (
    PAYLOADS,
    AudioPayloadSchema,
    DocumentPayloadSchema,
    ImagePayloadSchema,
    VideoPayloadSchema,
    payload_columns,
)
from models.bodies.embeddings import EmbeddingPutSchema
from models.bodies.fields import ChangeSchema, Meta, Name, RequestSchema, Sha512, Text, Whole
from models.bodies.taggings import TaggingSchema
from models.errors import InvalidInput
from models.services.asset_extras import Extras

_MIME_TYPE = validate.Regexp(
    re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}\Z"), error="Not a type such as image/jpeg."
)
DEFAULTS = {"mime_type": "application/octet-stream", "origin": "api", "size": 0}
_BLOCKS = {"consistency": "zero_chunk_count", "fingerprint": "fingerprint"}
"""Blocks of a single value, with its column."""
_CLEARABLE = ("sha256", "md5", "chunk_hash", "geo", *_BLOCKS.values())
MOST_EXTRAS = 1000
_FILE_KEYS = ("mimeType", "filename", "origin", "size")


def _hex(digits: int) -> validate.Regexp:
    return validate.Regexp(re.compile(rf"[0-9a-fA-F]{{{digits}}}\Z"), error=f"Not {digits} hexadecimal characters.")


class GeoInfoSchema(RequestSchema):
    """Where on Earth."""

    source = Text(longest=255)
    lon = fields.Float(allow_nan=False, validate=validate.Range(-180, 180))
    lat = fields.Float(allow_nan=False, validate=validate.Range(-90, 90))
    alias = Text(longest=255)
    accuracy_m = fields.Float(allow_nan=False, data_key="accuracyM", validate=validate.Range(0, 1e9))


class HashInfoSchema(RequestSchema):
    """Hashes of the content."""

    sha512 = Sha512()
    sha256 = fields.String(validate=_hex(64), allow_none=True)
    md5 = fields.String(validate=_hex(32), allow_none=True)
    chunk_hash = Text(longest=1024, data_key="chunkHash", allow_none=True)


class FileInfoSchema(RequestSchema):
    """A file as such."""

    mime_type = fields.String(data_key="mimeType", validate=_MIME_TYPE)
    filename = Name()
    size = Whole(least=0)
    origin = Text(shortest=1, longest=255)


class NewFileInfoSchema(FileInfoSchema):
    """All that is to be said of a new file."""

    @validates_schema(pass_original=True)
    def require_all(self, _: Any, given: Mapping[str, Any], **__: Any) -> None:
        """A file is described as a whole or not at all."""
        missing = {key: ["Missing data for required field."] for key in _FILE_KEYS if given.get(key) is None}
        if missing:
            raise ValidationError(missing)


class ConsistencyInfoSchema(RequestSchema):
    """Whether a file was copied to its end."""

    zero_chunk_count = Whole(least=0, data_key="zeroChunkCount", allow_none=True)


class FingerprintInfoSchema(RequestSchema):
    """What tells similar videos."""

    fingerprint = Text(longest=64 * 1024, data_key="fingerprintV1", allow_none=True)


class ExtrasSchema(RequestSchema):
    """What may be said about an asset besides. Empty lists say nothing: clients send them unasked."""

    consistency = fields.Nested(ConsistencyInfoSchema, allow_none=True)
    fingerprint = fields.Nested(FingerprintInfoSchema, allow_none=True)
    tags = fields.List(fields.Nested(TaggingSchema), allow_none=True, validate=validate.Length(max=MOST_EXTRAS))
    image = fields.Nested(ImagePayloadSchema, allow_none=True)
    video = fields.Nested(VideoPayloadSchema, allow_none=True)
    audio = fields.Nested(AudioPayloadSchema, allow_none=True)
    document = fields.Nested(DocumentPayloadSchema, allow_none=True)
    timeline = fields.List(
        fields.Nested(AssetAnnotationCreateSchema), allow_none=True, validate=validate.Length(max=MOST_EXTRAS)
    )


class AssetCreateSchema(ExtrasSchema):
    """An asset that awaits its bytes. `sha512` and `filename` may stand alone instead of the two blocks."""

    embeddings = fields.List(
        fields.Nested(EmbeddingPutSchema), allow_none=True, validate=validate.Length(max=MOST_EXTRAS)
    )

    file = fields.Nested(NewFileInfoSchema)
    hashes = fields.Nested(HashInfoSchema)
    sha512 = Sha512()
    filename = Name()
    geo = fields.Nested(GeoInfoSchema, allow_none=True)
    meta = Meta(allow_none=True)

    @validates_schema
    def require_name_and_hash(self, values: Mapping[str, Any], **_: Any) -> None:
        """An asset is nothing without them."""
        if "sha512" not in {**values.get("hashes", {}), **values}:
            raise ValidationError({"hashes": {"sha512": ["Missing data for required field."]}})
        if "filename" not in {**values.get("file", {}), **values}:
            raise ValidationError({"file": {"filename": ["Missing data for required field."]}})


class AssetUpdateSchema(ChangeSchema, ExtrasSchema):
    """What can be changed of an asset. Tags and annotations are added to those that are there."""

    file = fields.Nested(FileInfoSchema)
    hashes = fields.Nested(HashInfoSchema)
    geo = fields.Nested(GeoInfoSchema)
    meta = Meta()


class AssetReplaceSchema(ExtrasSchema):
    """Everything that can be replaced must be there; null clears what can be empty."""

    file = fields.Nested(FileInfoSchema, required=True, allow_none=True)
    hashes = fields.Nested(HashInfoSchema, required=True, allow_none=True)
    tags = fields.List(fields.Nested(TaggingSchema), required=True, allow_none=True)
    meta = Meta(required=True, allow_none=True)
    geo = fields.Nested(GeoInfoSchema, allow_none=True)


def new_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the body of a creation into columns."""
    columns = {**DEFAULTS, **_columns(values)}
    return {name: value for name, value in columns.items() if value is not None}


def changed_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the body of a partial update into columns: what is null changes nothing."""
    columns = {name: value for name, value in _columns(values).items() if value is not None}
    return _without_unset_size(columns)


def replaced_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the body of a replacement into columns.

    Raises:
        InvalidInput: when it clears what an asset must have.
    """
    if values["file"] is None:
        raise InvalidInput("file: an asset cannot be without")
    columns = _columns(values)
    columns["meta"] = columns.get("meta") or {}
    if values["hashes"] is None:
        columns.update(sha256=None, md5=None, chunk_hash=None)
    columns.update({column: None for block, column in _BLOCKS.items() if values.get(block, ...) is None})
    kept = {name: value for name, value in columns.items() if value is not None or name in _CLEARABLE}
    return _without_unset_size(kept)


def extras_of(values: Mapping[str, Any]) -> Extras:
    """Give what a body says about an asset besides its columns."""
    components = [
        payload_columns(PAYLOADS[key][0], values[key])
        for key in ("image", "video", "audio", "document")
        if values.get(key) is not None
    ]
    return Extras(values.get("tags") or (), values.get("timeline") or (), components, values.get("embeddings") or ())


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: values[name] for name in ("sha512", "filename", "meta") if name in values}
    columns = dict(flat)
    for block in ("file", "hashes", "consistency", "fingerprint"):
        columns.update(values.get(block) or {})
    if "geo" in values:
        columns["geo"] = GeoInfoSchema().dump(values["geo"]) if values["geo"] else None
    for name in ("sha256", "md5"):
        if columns.get(name):
            columns[name] = columns[name].lower()
    if columns.get("mime_type"):
        columns["mime_type"] = columns["mime_type"].lower()
    return columns


def _without_unset_size(columns: dict[str, Any]) -> dict[str, Any]:
    """A client that sends a file block without saying a size sends a zero."""
    return {name: value for name, value in columns.items() if (name, value) != ("size", 0)}
