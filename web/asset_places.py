"""The JSON of where bytes of an asset are: stored by Loom, or files of pools (wire contract 5.9, 5.10)."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from marshmallow import fields, validate

from models.bodies.fields import AnswerSchema, Instant
from models.bodies.instants import format_instant
from models.paths import decode_path, encode_path
from models.services.asset_blocks import Place
from models.services.asset_views import AssetView
from models.storage import blob_key
from models.storage.buckets import is_bucket

_UNSIGNED = 2**64
_NANOSECONDS = 10**9


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

    bucket = fields.String(metadata={"description": "Not told of what Loom stores itself"})
    object_path = fields.String(data_key="objectPath")


class PlaceSchema(AnswerSchema):
    """Where bytes of an asset are: stored by Loom, declared by somebody, or a file of a pool."""

    uuid = fields.UUID()
    asset_uuid = fields.UUID(data_key="assetUuid")
    library_uuid = fields.UUID(data_key="libraryUuid")
    pool_uuid = fields.UUID(data_key="poolUuid")
    storage_type = fields.String(data_key="storageType", validate=validate.OneOf(["filesystem", "s3"]))
    filesystem = fields.Nested(FileSystemSchema)
    s3 = fields.Nested(ObjectSchema)
    mime_type = fields.String(data_key="mimeType")
    state = fields.String(validate=validate.OneOf(["PRESENT", "MISSING"]))
    meta = fields.Dict()


class PlacedContent(Protocol):
    """What is said of an asset beside where it lies."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def mime_type(self) -> str:
        """Its type."""


def place_body(asset: PlacedContent, place: Place) -> dict[str, Any]:
    """Spell a file of a pool, or an object."""
    where = _object(place) if is_bucket(place.root) else _file(place)
    return {
        "uuid": str(place.id),
        "assetUuid": str(asset.id),
        "poolUuid": str(place.pool_id),
        **where,
        "mimeType": asset.mime_type,
        "state": place.state,
    }


def _object(place: Place) -> dict[str, Any]:
    bucket, _, prefix = place.root.partition("://")[2].partition("/")
    key = "/".join(filter(None, (prefix, place.path.decode())))
    return {"storageType": "s3", "s3": {"bucket": bucket, "objectPath": key}}


def _file(place: Place) -> dict[str, Any]:
    seconds, nanoseconds = divmod(place.mtime_ns, _NANOSECONDS)
    filekey = {
        "inode": place.inode % _UNSIGNED,
        "stDev": place.device % _UNSIGNED,
        "edate": seconds,
        "edateNano": nanoseconds,
    }
    path = encode_path(decode_path(place.root).rstrip(b"/") + b"/" + place.path)
    file = {"path": path, "filekey": filekey, "lastSeen": format_instant(place.last_seen)}
    return {"storageType": "filesystem", "filesystem": file}


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
