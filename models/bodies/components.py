"""The JSON of asset components (wire contract 5.1, 5.11): the payload of each type, and how a body becomes columns.

A payload stands under the key of its type. Its `source` is the component's own, which tells producers apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from marshmallow import fields, missing, validate

from models.bodies.fields import (
    BlockSchema,
    ChangeSchema,
    Constant,
    ElementSchema,
    Flag,
    Meta,
    Number,
    RequestSchema,
    Text,
    Whole,
)
from models.entities import Component, ComponentType
from models.errors import InvalidInput

LONGEST_KEY = 128
"""Of each text that tells components apart: all of them must fit into one entry of the index."""
_LARGEST_DATA = 4 * 1024**2
_LONGEST_TEXT = 8 * 1024**2
_COLOR = validate.Regexp(re.compile(r"#[0-9a-fA-F]{6}\Z"), error="Not a colour such as #2a9d8f.")
_MILLISECONDS = {"description": "Milliseconds"}


class GeoPayloadSchema(BlockSchema):
    """Where on Earth."""

    source = Text(longest=LONGEST_KEY)
    lon = Number(least=-180, most=180)
    lat = Number(least=-90, most=90)
    alias = Text(longest=255)
    accuracy_m = Number(least=0, data_key="accuracyM", metadata={"description": "Metres"})


class ImagePayloadSchema(BlockSchema):
    """A picture."""

    source = Text(longest=LONGEST_KEY)
    dominant_color = fields.String(data_key="dominantColor", validate=_COLOR)
    width = Whole(least=0)
    height = Whole(least=0)
    orientation = Whole(least=1, most=8, metadata={"description": "As in EXIF"})
    bit_depth = Whole(least=0, data_key="bitDepth")
    encoding = Text(longest=255)


class VideoPayloadSchema(BlockSchema):
    """Moving pictures."""

    source = Text(longest=LONGEST_KEY)
    bitrate = Whole(least=0, metadata={"description": "Bits per second"})
    encoding = Text(longest=255)
    width = Whole(least=0)
    height = Whole(least=0)
    duration = Whole(least=0, metadata=_MILLISECONDS)
    fps = Number(least=0)
    frame_count = Whole(least=0, data_key="frameCount")
    rotation = Whole(validate=[validate.OneOf([0, 90, 180, 270])])


class AudioPayloadSchema(BlockSchema):
    """Sound."""

    source = Text(longest=LONGEST_KEY)
    lang = Text(longest=64)
    track_title = Text(longest=255, data_key="trackTitle")
    is_default = Flag(data_key="isDefault")
    channels = Whole(least=0)
    encoding = Text(longest=255)
    bitrate = Whole(least=0, metadata={"description": "Bits per second"})
    sampling_rate = Whole(least=0, data_key="samplingRate", metadata={"description": "Hertz"})
    bpm = Number(least=0)
    duration = Whole(least=0, metadata=_MILLISECONDS)


class DocumentPayloadSchema(BlockSchema):
    """A text."""

    source = Text(longest=LONGEST_KEY)
    word_count = Whole(least=0, data_key="wordCount")
    plain_text = Text(longest=_LONGEST_TEXT, data_key="plainText")
    page_count = Whole(least=0, data_key="pageCount")
    text_lang = Text(longest=64, data_key="textLang")


class TranscriptPayloadSchema(BlockSchema):
    """What is said."""

    source = Text(longest=LONGEST_KEY)
    lang = Text(longest=64)
    transcript_text = Text(longest=_LONGEST_TEXT, data_key="transcriptText")
    duration = Whole(least=0, metadata=_MILLISECONDS)
    model = Text(longest=255)
    transcript_json = Meta(largest=_LARGEST_DATA, data_key="transcriptJson")


class JsonPayloadSchema(BlockSchema):
    """Whatever else is known. Schema type and variant tell several apart."""

    schema_type = Text(longest=LONGEST_KEY, data_key="schemaType")
    variant = Text(longest=LONGEST_KEY)
    data = Meta(largest=_LARGEST_DATA)


PAYLOADS: Mapping[str, tuple[ComponentType, type[BlockSchema]]] = {
    "geo": (ComponentType.GEO, GeoPayloadSchema),
    "image": (ComponentType.IMAGE, ImagePayloadSchema),
    "video": (ComponentType.VIDEO, VideoPayloadSchema),
    "audio": (ComponentType.AUDIO, AudioPayloadSchema),
    "document": (ComponentType.DOC, DocumentPayloadSchema),
    "transcript": (ComponentType.TRANSCRIPT, TranscriptPayloadSchema),
    "json": (ComponentType.JSON, JsonPayloadSchema),
}
"""By the key that a payload stands under."""
_KEYS = {kind: key for key, (kind, _) in PAYLOADS.items()}


class Payload(fields.Nested):
    """The payload under the key of its type, with the component's source."""

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:
        """Take it from the component, if it is of this type."""
        if attr != _KEYS[obj.type]:
            return missing
        return obj.payload if obj.source is None else {**obj.payload, "source": obj.source}


class ComponentSchema(ElementSchema):
    """What is known of one side of an asset."""

    type = fields.Enum(ComponentType)
    asset_id = fields.UUID(data_key="assetUuid")
    source = fields.String()
    node_id = fields.String(data_key="nodeId")
    producer_version = fields.String(data_key="producerVersion")
    confidence = fields.Float()
    method = fields.String()
    time_from = fields.Integer(data_key="timeFrom", metadata=_MILLISECONDS)
    stream_index = fields.Integer(data_key="streamIndex")
    page_number = fields.Integer(data_key="pageNumber")
    geo = Payload(GeoPayloadSchema)
    image = Payload(ImagePayloadSchema)
    video = Payload(VideoPayloadSchema)
    audio = Payload(AudioPayloadSchema)
    document = Payload(DocumentPayloadSchema)
    transcript = Payload(TranscriptPayloadSchema)
    json = Payload(JsonPayloadSchema)


class ComponentPutSchema(RequestSchema):
    """A component of an asset that the path names."""

    type = Constant(ComponentType, required=True)
    source = Text(longest=LONGEST_KEY, allow_none=True)
    node_id = Text(longest=LONGEST_KEY, data_key="nodeId", allow_none=True)
    producer_version = Text(longest=255, data_key="producerVersion", allow_none=True)
    confidence = Number(least=0, most=1, allow_none=True)
    method = Text(
        longest=255,
        allow_none=True,
        metadata={"description": "Of a place on Earth: exif, xmp, sidecar, gps-track, llm, manual"},
    )
    time_from = Whole(least=0, data_key="timeFrom", allow_none=True)
    stream_index = Whole(least=0, data_key="streamIndex", allow_none=True)
    page_number = Whole(least=0, data_key="pageNumber", allow_none=True)
    meta = Meta(allow_none=True)
    geo = fields.Nested(GeoPayloadSchema, allow_none=True)
    image = fields.Nested(ImagePayloadSchema, allow_none=True)
    video = fields.Nested(VideoPayloadSchema, allow_none=True)
    audio = fields.Nested(AudioPayloadSchema, allow_none=True)
    document = fields.Nested(DocumentPayloadSchema, allow_none=True)
    transcript = fields.Nested(TranscriptPayloadSchema, allow_none=True)
    json = fields.Nested(JsonPayloadSchema, allow_none=True)


class ComponentCreateSchema(ComponentPutSchema):
    """A component of any asset."""

    asset_id = fields.UUID(data_key="assetUuid", required=True)


class ComponentUpdateSchema(ChangeSchema):
    """What can be changed of a component: its payload stands under the key of its type."""

    source = Text(longest=LONGEST_KEY)
    meta = Meta()
    geo = fields.Nested(GeoPayloadSchema)
    image = fields.Nested(ImagePayloadSchema)
    video = fields.Nested(VideoPayloadSchema)
    audio = fields.Nested(AudioPayloadSchema)
    document = fields.Nested(DocumentPayloadSchema)
    transcript = fields.Nested(TranscriptPayloadSchema)
    json = fields.Nested(JsonPayloadSchema)

    def __init__(self, *, is_replacement: bool = False, **options: Any) -> None:
        super().__init__(is_replacement=is_replacement, **options)
        for key in PAYLOADS:
            self.fields[key].required = False


def new_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the body of a component into columns.

    Raises:
        InvalidInput: naming the payload that is missing, or that is of another type.
    """
    kind = values["type"]
    payload = _payload(kind, values)
    if payload is None:
        raise InvalidInput(f"{_KEYS[kind]}: Missing data for required field.", code="validation")
    plain = {name: value for name, value in values.items() if name not in PAYLOADS and value is not None}
    return {**payload_columns(kind, payload), **plain}


def changed_columns(component: Component, values: Mapping[str, Any], *, is_replacement: bool) -> dict[str, Any]:
    """Turn the body of a change of a component into columns; of a payload only what is given changes.

    Raises:
        InvalidInput: naming the payload that is of another type, or missing in a replacement.
    """
    payload = _payload(component.type, values)
    if payload is None and is_replacement:
        raise InvalidInput(f"{_KEYS[component.type]}: Missing data for required field.", code="validation")
    plain = {name: value for name, value in values.items() if name not in PAYLOADS}
    if payload is None:
        return plain
    return {**payload_columns(component.type, payload if is_replacement else {**component.payload, **payload}), **plain}


def payload_columns(kind: ComponentType, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what is known of one side of an asset, as `PAYLOADS` has read it, into columns of a component."""
    columns: dict[str, Any] = {"type": kind, "payload": {key: payload[key] for key in payload if key != "source"}}
    if kind is ComponentType.JSON:
        told = [payload.get("schemaType"), payload.get("variant")]
        columns["variant"] = None if told == [None, None] else orjson.dumps(told).decode()
    elif "source" in payload:
        columns["source"] = payload["source"]
    return columns


def _payload(kind: ComponentType, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give the payload of this type, if there is one."""
    for key in PAYLOADS:
        if key != _KEYS[kind] and values.get(key) is not None:
            raise InvalidInput(f"{key}: is not what a component of the type {kind} is about", code="validation")
    found: dict[str, Any] | None = values.get(_KEYS[kind])
    return found
