"""The kind `metadata`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from PIL import ExifTags, Image
from pydantic import Field

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_MOST_KEYS, _LONGEST_VALUE = 500, 4096
_POINTERS = frozenset({"GPSInfo", "ExifOffset", "InteroperabilityOffset", "MakerNote", "PrintImageMatching"})
"""Where blocks lie in the file, and what only its maker can read."""
_TEXTS = ("ImageDescription", "Artist", "Copyright", "UserComment", "XPTitle", "XPKeywords", "XPComment", "XPSubject")


class MetadataOptions(Options):
    """Options of the kind."""

    gps_policy: Literal["KEEP", "ROUND", "DROP"] = Field(
        "KEEP", title="Places", description="What becomes of where a picture was taken"
    )
    gps_round_decimals: int = Field(2, ge=0, le=6, title="Decimals", description="Of places that are rounded")
    exclude_keys: list[str] = Field([], title="Left out", description="Names of tags that are not kept")


class MetadataNode(Node[MetadataOptions]):
    """Reads what a picture says of itself: format, size, and EXIF with the place where it was taken."""

    kind = "metadata"
    name = "Metadata"
    outputs = (
        Port("metadata", "struct/json", "All of it"),
        Port("text", "text/plain", "Words in it", is_selective=True),
        Port("geo", "struct/json", "Where it was taken", is_selective=True),
    )
    applies_to = ("image/*",)
    options = MetadataOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: MetadataOptions) -> Outcome:
        """Read."""
        image = media.open_image()
        exif = image.getexif()
        tags = {name: value for name, value in _tags(exif) if name not in options.exclude_keys}
        found = {"format": image.format, "width": image.width, "height": image.height, "mode": image.mode,
                 "frames": getattr(image, "n_frames", 1) if image.format != "GIF" else None, "exif": tags}  # fmt: skip
        taken = _instant(tags.get("DateTimeOriginal") or tags.get("DateTime"))
        outputs: dict[str, Any] = {"metadata": {**found, "taken": taken}}
        if words := [str(tags[name]) for name in _TEXTS if tags.get(name)]:
            outputs["text"] = "\n".join(words)
        if geo := _place(exif, options):
            outputs["geo"] = geo
        return completed(outputs)


def _tags(exif: Image.Exif) -> Iterator[tuple[str, Any]]:
    blocks = [(ExifTags.TAGS, exif), (ExifTags.TAGS, exif.get_ifd(ExifTags.IFD.Exif))]
    pairs = ((names.get(tag, f"0x{tag:04x}"), value) for names, block in blocks for tag, value in block.items())
    for _, (name, value) in zip(range(_MOST_KEYS), pairs, strict=False):
        plain = _plain(value)
        if plain is not None and name not in _POINTERS:
            yield name, plain


def _plain(value: Any) -> Any:
    """Give a value as JSON can hold it; None for what nobody could read."""
    if isinstance(value, bytes):
        value = value.removeprefix(b"ASCII\0\0\0").decode("utf-8", "replace")
    if isinstance(value, str):
        clean = value.replace("\0", "").strip()[:_LONGEST_VALUE]
        return clean if clean.isprintable() or "\n" in clean else None
    if isinstance(value, bool | int):
        return value
    if isinstance(value, tuple | list):
        return [each for each in map(_plain, value[:64]) if each is not None]
    try:
        return round(float(value), 6)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _instant(text: Any) -> str | None:
    """Read EXIF's `2024:05:06 07:08:09`, which is in nobody knows which zone."""
    try:
        return datetime.strptime(str(text), "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007 - there is none
    except ValueError:
        return None


def _place(exif: Image.Exif, options: MetadataOptions) -> dict[str, float] | None:
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    if latitude is None or longitude is None or options.gps_policy == "DROP":
        return None
    decimals = options.gps_round_decimals if options.gps_policy == "ROUND" else 7
    return {"lat": round(latitude, decimals), "lon": round(longitude, decimals)}


def _degrees(parts: Any, side: Any, negative: str, most: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not 0 <= value <= most:
        return None
    return -value if str(side).strip().upper() == negative else value
