"""The JSON of assets and of their places (wire contract 5.1, 5.9, 5.10).

What goes out is built by plain functions, as lists of assets are the most frequent answer; the schemas beside them are
for the OpenAPI document, and a test holds the two against each other.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from models.paths import decode_path, encode_path
from models.services.asset_views import AssetView, Place
from models.storage import blob_key
from web.fields import AnswerSchema, Audit, ElementSchema, Instant
from web.instants import format_instant

_UNSIGNED = 2**64
_NANOSECONDS = 10**9
_AUDIT = Audit()
# Kinds of attachments that assets do not have yet; clients count on the arrays being there.
_NOTHING_YET: Mapping[str, tuple[()]] = dict.fromkeys(
    (
        "tags", "annotations", "collections", "embeddings", "geoComponents", "imageComponents", "videoComponents",
        "audioComponents", "documentComponents",
    ),
    (),
)  # fmt: skip


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


class FileKeySchema(AnswerSchema):
    """What identifies a version of a file on its disk."""

    inode = fields.Integer()
    st_dev = fields.Integer(data_key="stDev")
    edate = fields.Integer(metadata={"description": "Modification time, seconds since the epoch"})
    edate_nano = fields.Integer(data_key="edateNano")


class FileSystemSchema(AnswerSchema):
    r"""A file; bytes of its path that are not text are spelled `\xNN`, a backslash is doubled."""

    path = fields.String()
    filekey = fields.Nested(FileKeySchema)
    last_seen = Instant(data_key="lastSeen")


class ObjectSchema(AnswerSchema):
    """An object in a bucket."""

    object_path = fields.String(data_key="objectPath")


class PlaceSchema(AnswerSchema):
    """Where bytes of an asset are: stored by Loom, or a file of a pool."""

    uuid = fields.UUID()
    asset_uuid = fields.UUID(data_key="assetUuid")
    pool_uuid = fields.UUID(data_key="poolUuid")
    storage_type = fields.String(data_key="storageType", validate=validate.OneOf(["filesystem", "s3"]))
    filesystem = fields.Nested(FileSystemSchema)
    s3 = fields.Nested(ObjectSchema)
    mime_type = fields.String(data_key="mimeType")
    state = fields.String(validate=validate.OneOf(["PRESENT", "MISSING"]))


class AssetSchema(ElementSchema):
    """An asset: one content in one space."""

    file = fields.Nested(FileSchema)
    hashes = fields.Nested(HashesSchema)
    geo = fields.Nested(GeoSchema)
    locations = fields.List(
        fields.Nested(PlaceSchema), metadata={"description": "The oldest hundred of its places in pools"}
    )
    tags = fields.List(fields.Dict())
    annotations = fields.List(fields.Dict())
    collections = fields.List(fields.Dict())
    embeddings = fields.List(fields.Dict())
    geo_components = fields.List(fields.Dict(), data_key="geoComponents")
    image_components = fields.List(fields.Dict(), data_key="imageComponents")
    video_components = fields.List(fields.Dict(), data_key="videoComponents")
    audio_components = fields.List(fields.Dict(), data_key="audioComponents")
    document_components = fields.List(fields.Dict(), data_key="documentComponents")


def asset_body(asset: AssetView) -> dict[str, Any]:
    """Spell an asset."""
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
        "locations": [place_body(asset, place) for place in asset.places],
        **_NOTHING_YET,
    }
    if asset.geo is not None:
        body["geo"] = asset.geo
    return body


def _hashes(asset: AssetView) -> dict[str, str]:
    hashes = {"sha512": asset.sha512, "sha256": asset.sha256, "md5": asset.md5, "chunkHash": asset.chunk_hash}
    return {name: value for name, value in hashes.items() if value is not None}


def place_body(asset: AssetView, place: Place) -> dict[str, Any]:
    """Spell a file of a pool."""
    seconds, nanoseconds = divmod(place.mtime_ns, _NANOSECONDS)
    filekey = {
        "inode": place.inode % _UNSIGNED,
        "stDev": place.device % _UNSIGNED,
        "edate": seconds,
        "edateNano": nanoseconds,
    }
    return {
        "uuid": str(place.id),
        "assetUuid": str(asset.id),
        "poolUuid": str(place.pool_id),
        "storageType": "filesystem",
        "filesystem": {
            "path": encode_path(decode_path(place.root).rstrip(b"/") + b"/" + place.path),
            "filekey": filekey,
            "lastSeen": format_instant(place.last_seen),
        },
        "mimeType": asset.mime_type,
        "state": place.state,
    }


def blob_body(asset: AssetView, *, is_bucket: bool) -> dict[str, Any] | None:
    """Spell where Loom keeps the bytes of an asset itself; None when it does not.

    An asset has one such record at most, so it goes by the asset's uuid.
    """
    if asset.blob_sha512 is None:
        return None
    key = blob_key(asset.blob_sha512)
    return {
        "uuid": str(asset.id),
        "assetUuid": str(asset.id),
        "storageType": "s3" if is_bucket else "filesystem",
        **({"s3": {"objectPath": key}} if is_bucket else {"filesystem": {"path": key}}),
        "mimeType": asset.mime_type,
        "state": "PRESENT",
    }


def asset_etag(asset: AssetView) -> str:
    """Name the state that an answer shows: the asset's revision, and its places, which scans change without it."""
    rest = repr((asset.creator_name, asset.editor_name, asset.places))
    return f"{asset.revision}.{zlib.crc32(rest.encode()):08x}"
