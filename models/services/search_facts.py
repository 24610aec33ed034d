"""What the components of an asset tell a search: facts in words, numbers, when and where it was made, and its text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from models.search.circles import HALF, POLE

_MOST_FACTS, _LONGEST_FACT = 32, 256
"""Of each field."""
_TAGS = {
    "title": ("title",), "artist": ("artist", "album_artist", "composer", "performer"), "album": ("album",),
    "author": ("author", "creator", "initial-creator"), "genre": ("genre",), "copyright": ("copyright",),
    "software": ("encoder", "producer", "application"), "keyword": ("keywords", "subject"), "language": ("language",),
}  # fmt: skip
"""Tags of containers and documents, by the field that they are asked by."""
_EXIF = {
    "lens": ("LensModel",), "artist": ("Artist", "XPAuthor"), "title": ("ImageDescription", "XPTitle"),
    "copyright": ("Copyright",), "software": ("Software",), "keyword": ("XPKeywords",),
}  # fmt: skip
_IPTC = {
    "title": ("title", "headline"), "artist": ("byline",), "city": ("city",), "country": ("country",),
    "copyright": ("copyright",), "keyword": ("keywords",),
}  # fmt: skip
_EXIF_NUMBERS = {"iso": "ISOSpeedRatings", "aperture": "FNumber", "focal": "FocalLength"}


@dataclass
class Told:
    """What is told. `taken` is in seconds since the epoch, `place` in degrees."""

    facts: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    taken: float | None = None
    place: tuple[float, float] | None = None
    text: str = ""


def read_components(found: Mapping[str, Any] | None) -> Told:
    """Read the components that the kinds `metadata`, `quality` and `text` write, by their kinds."""
    told = Told()
    if not found:
        return told
    described = _mapping(_mapping(found.get("metadata")).get("metadata"))
    quality = _mapping(found.get("quality"))
    told.facts = _gather(_facts(described))
    told.numbers = dict(_numbers(described, quality))
    told.taken = _taken(described)
    told.place = _place(_mapping(_mapping(found.get("metadata")).get("geo")))
    told.text = str(_mapping(found.get("text")).get("content") or "")
    return told


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _gather(pairs: Iterator[tuple[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        for each in value if isinstance(value, list) else [value]:
            words = str(each).strip()[:_LONGEST_FACT] if isinstance(each, str | int | float) else ""
            values = found.setdefault(name, [])
            if words and words not in values and len(values) < _MOST_FACTS:
                values.append(words)
    return {name: values for name, values in found.items() if values}


def _facts(described: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    exif = _mapping(described.get("exif"))
    if camera := _camera(exif):
        yield "camera", camera
    yield "format", described.get("format") or ""
    tags = {name.lower(): value for name, value in _mapping(described.get("tags")).items()}
    for block, names in ((exif, _EXIF), (_mapping(described.get("iptc")), _IPTC), (tags, _TAGS)):
        for name, keys in names.items():
            for key in keys:
                if key in block:
                    yield name, block[key]
    for stream in _streams(described):
        yield "codec", stream.get("codec") or ""
        yield "language", stream.get("language") or ""


def _camera(exif: Mapping[str, Any]) -> str:
    """Put maker and model together; many makers begin the model with their name."""
    make, model = str(exif.get("Make") or "").strip(), str(exif.get("Model") or "").strip()
    first = make.split(" ")[0].casefold()
    return model if first and model.casefold().startswith(first) else f"{make} {model}".strip()


def _streams(described: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    streams = described.get("streams")
    return [each for each in streams if isinstance(each, Mapping)] if isinstance(streams, list) else []


def _numbers(described: Mapping[str, Any], quality: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    video: Mapping[str, Any] = next((each for each in _streams(described) if each.get("type") == "video"), {})
    exif = _mapping(described.get("exif"))
    wanted = {
        "width": (quality.get("width"), described.get("width"), video.get("width")),
        "height": (quality.get("height"), described.get("height"), video.get("height")),
        "fps": (quality.get("fps"), video.get("fps")), "duration": (described.get("durationSeconds"),),
        "bitrate": (quality.get("bitrate"), described.get("bitRate")), "pages": (described.get("pages"),),
        **{name: (exif.get(key),) for name, key in _EXIF_NUMBERS.items()},
    }  # fmt: skip
    for name, values in wanted.items():
        found = (number for value in values if (number := _number(value)) is not None)
        for number in islice(found, 1):
            yield name, number


def _number(value: Any) -> float | None:
    if isinstance(value, list) and value:
        value = value[0]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _taken(described: Mapping[str, Any]) -> float | None:
    """Read when a picture was taken, which says no zone: as if in UTC; or what a container says of its making."""
    tags = _mapping(described.get("tags"))
    for value in (described.get("taken"), tags.get("creation_time"), tags.get("date")):
        try:
            moment = datetime.fromisoformat(str(value))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def _place(geo: Mapping[str, Any]) -> tuple[float, float] | None:
    latitude, longitude = _number(geo.get("lat")), _number(geo.get("lon"))
    if latitude is None or longitude is None or abs(latitude) > POLE or abs(longitude) > HALF:
        return None
    return latitude, longitude
