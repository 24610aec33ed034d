"""The JSON of assets (wire contract 5.1).

What goes out is built by plain functions, as lists of assets are the most frequent answer; the schemas beside them are
for the OpenAPI document, and a test holds the two against each other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from marshmallow import Schema, fields

from models.bodies.components import (
    AudioPayloadSchema,
    DocumentPayloadSchema,
    GeoPayloadSchema,
    ImagePayloadSchema,
    VideoPayloadSchema,
)
from models.bodies.fields import AnswerSchema, AreaField, Audit, ElementSchema, Instant
from models.bodies.instants import format_instant
from models.services.asset_views import AssetView
from models.services.social import summarize
from web.asset_places import PlaceSchema, place_body
from web.resources.comments import SocialSchema

_AUDIT = Audit()
_COMPONENTS = {
    "GEO": "geoComponents", "IMAGE": "imageComponents", "VIDEO": "videoComponents", "AUDIO": "audioComponents",
    "DOC": "documentComponents",
}  # fmt: skip
_SINGULAR = {"IMAGE": "image", "VIDEO": "video", "AUDIO": "audio", "DOC": "document"}
"""Older servers answered one of each, under these names; so do we, besides."""


class FileSchema(AnswerSchema):
    """A file as such."""

    mime_type = fields.String(data_key="mimeType")
    filename = fields.String()
    size = fields.Integer(metadata={"description": "Bytes"})
    origin = fields.String()
    first_seen = Instant(data_key="firstSeen")


class HashesSchema(AnswerSchema):
    """Hashes of the content, in lower-case hex."""

    sha512 = fields.String()
    sha256 = fields.String()
    md5 = fields.String()
    chunk_hash = fields.String(data_key="chunkHash")


class GeoSchema(Schema):
    """Where on Earth."""

    source = fields.String()
    lon = fields.Float()
    lat = fields.Float()
    alias = fields.String()
    accuracy_m = fields.Float(data_key="accuracyM")


class ConsistencySchema(AnswerSchema):
    """Whether the file was copied to its end."""

    zero_chunk_count = fields.Integer(data_key="zeroChunkCount")


class FingerprintSchema(AnswerSchema):
    """What tells similar videos."""

    fingerprint = fields.String(data_key="fingerprintV1")


class TagReferenceSchema(AnswerSchema):
    """A tag, as it was put on an asset."""

    uuid = fields.UUID()
    name = fields.String()
    collection = fields.String()
    color = fields.String()
    area = AreaField()
    placement_uuid = fields.UUID(data_key="placementUuid")
    node_kind = fields.String(data_key="nodeKind", metadata={"description": "`manual` for a person"})
    node_id = fields.String(data_key="nodeId")
    confidence = fields.Float()
    attached = fields.Float(metadata={"description": "Seconds since the epoch"})
    attached_by = fields.UUID(data_key="attachedBy")


class AnnotationReferenceSchema(AnswerSchema):
    """An annotation of an asset."""

    uuid = fields.UUID()
    type = fields.String()
    title = fields.String()
    description = fields.String()
    area = AreaField()
    asset_uuid = fields.UUID(data_key="assetUuid")
    thumbnail = fields.String()
    meta = fields.Dict()


class CollectionReferenceSchema(AnswerSchema):
    """A collection that an asset is in."""

    uuid = fields.UUID()
    name = fields.String()


class EmbeddingInfoSchema(AnswerSchema):
    """An embedding of an asset; its vector is left out in lists of assets."""

    uuid = fields.UUID()
    source = fields.String()
    type = fields.String()
    model = fields.String()
    dimensions = fields.Integer()
    vector = fields.List(fields.Float())
    area = AreaField()
    asset_uuid = fields.UUID(data_key="assetUuid")
    meta = fields.Dict()


class AssetSchema(ElementSchema):
    """An asset: one content in one space. Of each kind of thing that hangs off it the oldest hundred are shown."""

    file = fields.Nested(FileSchema)
    hashes = fields.Nested(HashesSchema)
    consistency = fields.Nested(ConsistencySchema)
    fingerprint = fields.Nested(FingerprintSchema)
    geo = fields.Nested(GeoSchema)
    image = fields.Nested(ImagePayloadSchema)
    video = fields.Nested(VideoPayloadSchema)
    audio = fields.Nested(AudioPayloadSchema)
    document = fields.Nested(DocumentPayloadSchema)
    locations = fields.List(fields.Nested(PlaceSchema))
    tags = fields.List(fields.Nested(TagReferenceSchema))
    annotations = fields.List(fields.Nested(AnnotationReferenceSchema))
    collections = fields.List(fields.Nested(CollectionReferenceSchema))
    embeddings = fields.List(fields.Nested(EmbeddingInfoSchema))
    social = fields.Nested(SocialSchema)
    geo_components = fields.List(fields.Nested(GeoPayloadSchema), data_key="geoComponents")
    image_components = fields.List(fields.Nested(ImagePayloadSchema), data_key="imageComponents")
    video_components = fields.List(fields.Nested(VideoPayloadSchema), data_key="videoComponents")
    audio_components = fields.List(fields.Nested(AudioPayloadSchema), data_key="audioComponents")
    document_components = fields.List(fields.Nested(DocumentPayloadSchema), data_key="documentComponents")


def asset_body(asset: AssetView) -> dict[str, Any]:
    """Spell an asset."""
    blocks = asset.blocks
    body: dict[str, Any] = {
        "uuid": str(asset.id),
        "status": _AUDIT.serialize("status", asset),
        "meta": asset.meta,
        "file": {
            "mimeType": asset.mime_type,
            "filename": asset.filename,
            "size": asset.size,
            "origin": asset.origin,
            "firstSeen": format_instant(asset.first_seen),
        },
        "hashes": _hashes(asset),
        "locations": [place_body(asset, place) for place in blocks.places] if blocks.shows_places else [],
        "tags": _without_nulls(blocks.tags),
        "annotations": _without_nulls(blocks.annotations),
        "collections": blocks.collections,
        "embeddings": _without_nulls(blocks.embeddings),
        "social": summarize(blocks.reactions),
        **_components(blocks.components),
    }
    if asset.geo is not None:
        body["geo"] = asset.geo
    if asset.zero_chunk_count is not None:
        body["consistency"] = {"zeroChunkCount": asset.zero_chunk_count}
    if asset.fingerprint is not None:
        body["fingerprint"] = {"fingerprintV1": asset.fingerprint}
    return body


def _without_nulls(bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in body.items() if value is not None} for body in bodies]


def _components(components: Sequence[list[Any]]) -> dict[str, Any]:
    """Spell what is known of picture, sound and so on: all of each kind, and the first of it besides."""
    bodies: dict[str, Any] = {name: [] for name in _COMPONENTS.values()}
    for kind, source, payload in components:
        info = payload if source is None else {**payload, "source": source}
        bodies[_COMPONENTS[kind]].append(info)
        if kind in _SINGULAR:
            bodies.setdefault(_SINGULAR[kind], info)
    return bodies


def _hashes(asset: AssetView) -> dict[str, str]:
    hashes = {"sha512": asset.sha512, "sha256": asset.sha256, "md5": asset.md5, "chunkHash": asset.chunk_hash}
    return {name: value for name, value in hashes.items() if value is not None}


def asset_etag(asset: AssetView) -> str:
    """Name the state that an answer shows: the asset's revision, and what hangs off it, which changes without it."""
    rest = repr((asset.creator_name, asset.editor_name, asset.blocks))
    return f"{asset.revision}.{zlib.crc32(rest.encode()):08x}"
