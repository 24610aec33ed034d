"""The JSON of declared binaries (wire contract 5.9): a file or an object in a bucket, exactly one of the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, missing

from models.bodies.fields import BlockSchema, ChangeSchema, ElementSchema, Instant, Meta, RequestSchema, Text, Whole
from models.bodies.instants import format_instant
from models.entities import AssetBinary
from models.errors import InvalidInput
from models.paths import decode_path, encode_path
from web.asset_places import FileSystemSchema, ObjectSchema

_LONGEST_PATH, _LONGEST_OBJECT_PATH = 2048, 1024
"""Bytes. All that tells records apart must fit into one entry of the index."""
_UNSIGNED = 2**64 - 1
_PLACES = ("filesystem", "s3")


class Spelled(Text):
    """Text of so many bytes at most; the path of a file, if it `is_path`, in the spelling of `models.paths`."""

    def __init__(self, *, most_bytes: int, is_path: bool = False, **options: Any) -> None:
        super().__init__(shortest=1, longest=most_bytes, **options)
        self._most_bytes, self._is_path = most_bytes, is_path

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        try:
            spelled = encode_path(decode_path(text)) if self._is_path else text
        except InvalidInput as error:
            raise ValidationError(str(error)) from None
        if len(spelled.encode()) > self._most_bytes:
            raise ValidationError(f"Is longer than {self._most_bytes} bytes.")
        return spelled


class FileKeyInfoSchema(BlockSchema):
    """What identifies a version of a file on its disk."""

    inode = Whole(least=0, most=_UNSIGNED)
    st_dev = Whole(least=0, most=_UNSIGNED, data_key="stDev")
    edate = Whole(metadata={"description": "Modification time, seconds since the epoch"})
    edate_nano = Whole(least=0, most=10**9 - 1, data_key="edateNano")


class FileInfoOnDiskSchema(RequestSchema):
    """A file."""

    path = Spelled(most_bytes=_LONGEST_PATH, is_path=True, allow_none=True)
    filekey = fields.Nested(FileKeyInfoSchema, allow_none=True)
    last_seen = Instant(data_key="lastSeen", allow_none=True)


class ObjectInfoSchema(RequestSchema):
    """An object in a bucket."""

    bucket = Text(shortest=1, longest=255, allow_none=True)
    object_path = Spelled(most_bytes=_LONGEST_OBJECT_PATH, data_key="objectPath", allow_none=True)


class FilePlace(fields.Nested):
    """Where the file is, if it is one."""

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:
        """Take it from the record."""
        if obj.path is None:
            return missing
        seen = None if obj.last_seen is None else format_instant(obj.last_seen)
        return _without_nulls({"path": obj.path, "filekey": obj.filekey, "lastSeen": seen})


class ObjectPlace(fields.Nested):
    """Where the object is, if it is one."""

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:
        """Take it from the record."""
        if obj.object_path is None:
            return missing
        return _without_nulls({"bucket": obj.bucket, "objectPath": obj.object_path})


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}


class BinarySchema(ElementSchema):
    """Where bytes of an asset are said to be."""

    asset_id = fields.UUID(data_key="assetUuid")
    library_id = fields.UUID(data_key="libraryUuid")
    pool_id = fields.UUID(data_key="poolUuid")
    storage_type = fields.Function(
        lambda binary: "s3" if binary.path is None else "filesystem",
        data_key="storageType",
        metadata={"type": "string", "enum": list(_PLACES)},
    )
    filesystem = FilePlace(FileSystemSchema)
    s3 = ObjectPlace(ObjectSchema)


class BinaryOfAssetSchema(RequestSchema):
    """Where bytes of the asset that the path names are."""

    library_id = fields.UUID(data_key="libraryUuid", allow_none=True)
    pool_id = fields.UUID(
        data_key="poolUuid", allow_none=True, metadata={"description": "Unless it is given, that of the library"}
    )
    filesystem = fields.Nested(FileInfoOnDiskSchema, allow_none=True)
    s3 = fields.Nested(ObjectInfoSchema, allow_none=True)
    meta = Meta()


class BinaryCreateSchema(BinaryOfAssetSchema):
    """Where bytes of any asset are."""

    asset_id = fields.UUID(data_key="assetUuid", required=True)


class BinaryUpdateSchema(ChangeSchema):
    """What can be changed of a record: also whether it is a file or an object."""

    library_id = fields.UUID(data_key="libraryUuid")
    pool_id = fields.UUID(data_key="poolUuid")
    filesystem = fields.Nested(FileInfoOnDiskSchema)
    s3 = fields.Nested(ObjectInfoSchema)
    meta = Meta()


def new_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the body of a record into columns.

    Raises:
        InvalidInput: when it does not name exactly one place.
    """
    return {**_plain(values), **_place(values, None)}


def changed_columns(binary: AssetBinary, values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the body of a change of a record into columns; a replacement says of both places what they are.

    Raises:
        InvalidInput: when it names both places, or replaces them by none.
    """
    is_replacement = all(name in values for name in _PLACES)
    if not any(name in values for name in _PLACES):
        return _plain(values)
    return {**_plain(values), **_place(values, None if is_replacement else binary)}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _PLACES}


def _place(values: Mapping[str, Any], before: AssetBinary | None) -> dict[str, Any]:
    """Give the columns of the one place that is named; of one that was of the same kind before, what is given."""
    named = [name for name in _PLACES if values.get(name) is not None]
    if len(named) != 1:
        raise InvalidInput("filesystem, s3: exactly one of them says where the bytes are", code="validation")
    kind, given = named[0], values[named[0]]
    names = ("path", "filekey", "last_seen") if kind == "filesystem" else ("bucket", "object_path")
    key = "path" if kind == "filesystem" else "object_path"
    kept = {name: getattr(before, name) for name in names} if before and getattr(before, key) is not None else {}
    columns = {**dict.fromkeys(("path", "filekey", "last_seen", "bucket", "object_path")), **kept, **given}
    if columns[key] is None:
        wire = "path" if kind == "filesystem" else "objectPath"
        raise InvalidInput(f"{kind}.{wire}: Missing data for required field.", code="validation")
    return columns
