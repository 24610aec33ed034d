"""What a picture says of itself: format and size, EXIF, IPTC and XMP, and where it was taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import ParseError

import orjson
from defusedxml.common import DefusedXmlException
from PIL import ExifTags, Image, IptcImagePlugin
from PIL.ImageFile import ImageFile

_MOST_KEYS, _LONGEST_VALUE = 500, 4096
_LONGEST_XMP = 64 * 1024
_POINTERS = frozenset({"GPSInfo", "ExifOffset", "InteroperabilityOffset", "MakerNote", "PrintImageMatching"})
"""Where blocks lie in the file, and what only its maker can read."""
_TEXTS = ("ImageDescription", "Artist", "Copyright", "UserComment", "XPTitle", "XPKeywords", "XPComment", "XPSubject")
_IPTC = {
    (2, 5): "title", (2, 25): "keywords", (2, 55): "created", (2, 80): "byline", (2, 90): "city", (2, 101): "country",
    (2, 105): "headline", (2, 110): "credit", (2, 116): "copyright", (2, 120): "caption",
}  # fmt: skip
"""Source: IPTC-IIM 4.2, record 2."""


def describe(image: ImageFile) -> dict[str, Any]:
    """Give what is told; nothing is decoded."""
    tags = dict(_tags(image.getexif()))
    return {
        "format": image.format, "width": image.width, "height": image.height, "mode": image.mode,
        "frames": getattr(image, "n_frames", 1) if image.format != "GIF" else None,
        "taken": _instant(tags.get("DateTimeOriginal") or tags.get("DateTime")), "exif": tags,
        "iptc": _iptc(image), "xmp": _xmp(image),
    }  # fmt: skip


def words_in(found: Mapping[str, Any]) -> list[str]:
    """Give the texts among what is told."""
    exif, iptc = found.get("exif") or {}, found.get("iptc") or {}
    told = [exif.get(name) for name in _TEXTS] + [iptc.get(name) for name in ("headline", "caption", "keywords")]
    return [", ".join(each) if isinstance(each, list) else str(each) for each in told if each]


def place_of(image: Image.Image) -> tuple[float, float] | None:
    """Give where it was taken: latitude and longitude in degrees, north and east positive."""
    gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _iptc(image: ImageFile) -> dict[str, Any]:
    with suppress(SyntaxError, ValueError, OSError, LookupError, TypeError):
        told = IptcImagePlugin.getiptcinfo(image) or {}
        values = {name: _plain(told[key]) for key, name in _IPTC.items() if key in told}
        return {name: value for name, value in values.items() if value}
    return {}


def _xmp(image: Image.Image) -> dict[str, Any]:
    """Give the XMP packet as JSON, unless it is too large to be words of people."""
    with suppress(ParseError, DefusedXmlException, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        found = image.getxmp().get("xmpmeta") or {}
        if len(orjson.dumps(found)) <= _LONGEST_XMP:
            return dict(found)
    return {}


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


def _degrees(parts: Any, side: Any, negative: str, most: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not 0 <= value <= most:
        return None
    return -value if str(side).strip().upper() == negative else value
