"""The kind `metadata`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media import exif, motion, office, pdf
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_BLOCKS = ("exif", "iptc", "xmp", "tags")
_WORDS = ("title", "artist", "album", "comment", "description", "keywords", "subject", "author", "creator", "lyrics")
"""Tags of sounds, videos and documents that are words."""


class MetadataOptions(Options):
    """Options of the kind."""

    gps_policy: Literal["KEEP", "ROUND", "DROP"] = Field(
        "KEEP", title="Places", description="What becomes of where a picture was taken"
    )
    gps_round_decimals: int = Field(2, ge=0, le=6, title="Decimals", description="Of places that are rounded")
    exclude_keys: list[str] = Field([], title="Left out", description="Names of tags that are not kept")


class MetadataNode(Node[MetadataOptions]):
    """Reads what a file says of itself: EXIF, IPTC and XMP, streams and tags of video and sound, documents' properties.

    The place is in `geo` alone, as the policy wants it; no other output has it.
    """

    kind = "metadata"
    name = "Metadata"
    version = "2"
    outputs = (
        Port("metadata", "struct/json", "All of it"),
        Port("text", "text/plain", "Words in it", is_selective=True),
        Port("geo", "struct/json", "Where it was taken", is_selective=True),
    )
    applies_to = ("image/*", "video/*", "audio/*", "application/pdf", *office.OFFICE)
    options = MetadataOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: MetadataOptions) -> Outcome:
        """Read."""
        outputs: dict[str, Any] = {}
        if media.family == "image":
            image = media.open_image()
            found = exif.describe(image)
            words = exif.words_in(found)
            if (place := exif.place_of(image)) and options.gps_policy != "DROP":
                decimals = options.gps_round_decimals if options.gps_policy == "ROUND" else 7
                outputs["geo"] = {"lat": round(place[0], decimals), "lon": round(place[1], decimals)}
        else:
            found = _describe(media)
            words = [value for name, value in found["tags"].items() if name.lower() in _WORDS]
        outputs["metadata"] = dict(_kept(found, options))
        if words:
            outputs["text"] = "\n".join(words)
        return completed(outputs)


def _describe(media: OpenedMedia) -> dict[str, Any]:
    if media.family in {"video", "audio"}:
        return motion.describe(media.stream)
    if media.mime_type == "application/pdf":
        return pdf.describe(media.stream)
    return office.describe(media.stream)


def _kept(found: Mapping[str, Any], options: MetadataOptions) -> Iterator[tuple[str, Any]]:
    """Leave out what is not wanted, and coordinates wherever they stand."""
    left_out = frozenset(options.exclude_keys)
    for name, value in found.items():
        if name in _BLOCKS:
            yield name, _without(value, left_out)
        elif name not in left_out:
            yield name, value


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _without(each, names)
            for key, each in value.items()
            if key not in names and not _is_place(key)
        }  # fmt: skip
    return [_without(each, names) for each in value] if isinstance(value, list) else value


def _is_place(key: str) -> bool:
    folded = key.lower()
    return "gps" in folded or folded.startswith(("location", "com.apple.quicktime.location", "xyz", "©xyz"))
