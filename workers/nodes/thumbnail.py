"""The kind `thumbnail`."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw
from pydantic import Field

from models.pipelines.descriptors import Cardinality, Port
from models.pipelines.outcomes import Outcome, completed
from workers.media import motion
from workers.media.opened import OpenedMedia
from workers.media.troubles import Undecodable
from workers.nodes.base import Artifact, Made, Node, Options

_WAVE_SECONDS = 1_200.0
"""So much of a sound is drawn at most."""
_WAVE_COLOUR, _WAVE_GROUND = (38, 70, 83), (244, 241, 234)


class ThumbnailOptions(Options):
    """Options of the kind."""

    size: int = Field(384, ge=16, le=800, title="Size", description="Pixels of the longer edge")
    more_sizes: list[int] = Field([], title="More sizes", description="Pixels of the longer edges of others, 16 - 800")
    quality: int = Field(80, ge=1, le=95, title="Quality", description="Of WebP")
    columns: int = Field(
        0, ge=0, le=20, title="Columns", description="Of the contact sheet of a video; 0: none is made"
    )
    rows: int = Field(3, ge=1, le=20, title="Rows", description="Of the contact sheet")


class ThumbnailNode(Node[ThumbnailOptions]):
    """Makes a small picture of images, videos, PDF and sounds (cover or loudness), upright and in sRGB.

    What can be seen through stays so.
    """

    kind = "thumbnail"
    name = "Thumbnail"
    version = "2"
    outputs = (
        Port("thumbnail", "artifact/image", "Thumbnail"),
        Port("width", "scalar/integer", "Width"),
        Port("height", "scalar/integer", "Height"),
        Port("others", "artifact/image", "Other sizes", Cardinality.MANY, is_selective=True),
        Port("sheet", "artifact/image", "Contact sheet", is_selective=True),
    )
    makes = {  # noqa: RUF012 - never changed
        "thumbnail": Made("ASSET_THUMBNAIL", "image/webp", "thumbnail.webp"),
        "others": Made("ASSET_THUMBNAIL", "image/webp", "thumbnail.webp"),
        "sheet": Made("CONTACT_SHEET", "image/webp", "contact-sheet.webp"),
    }
    applies_to = ("image/*", "video/*", "audio/*", "application/pdf")
    options = ThumbnailOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: ThumbnailOptions) -> Outcome:
        """Make it."""
        small = _small(media, options.size)
        outputs: dict[str, Any] = {
            "thumbnail": self._artifact("thumbnail", small, options),
            "width": small.width, "height": small.height,
        }  # fmt: skip
        if options.more_sizes:
            outputs["others"] = [
                self._artifact("others", _small(media, min(max(size, 16), 800)), options) for size in options.more_sizes
            ]
        if media.family == "video" and options.columns:
            outputs["sheet"] = self._artifact("sheet", _sheet(media, options), options)
        return completed(outputs)

    def _artifact(self, port: str, image: Image.Image, options: ThumbnailOptions) -> Artifact:
        buffer = BytesIO()
        image.save(buffer, "WEBP", quality=options.quality, method=2)
        return Artifact(buffer.getvalue(), self.makes[port])


def _small(media: OpenedMedia, size: int) -> Image.Image:
    try:
        small = media.working_image().copy()
    except Undecodable:
        if media.family != "audio":
            raise
        return _wave(media, size)
    small.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return small


def _wave(media: OpenedMedia, size: int) -> Image.Image:
    """Draw how loud a sound is, from left to right."""
    height = max(16, size // 3)
    image = Image.new("RGB", (size, height), _WAVE_GROUND)
    pen = ImageDraw.Draw(image)
    for column, loud in enumerate(motion.loudness(media.stream, size, _WAVE_SECONDS)):
        half = max(0.5, loud * (height - 4) / 2)
        pen.line([(column, height / 2 - half), (column, height / 2 + half)], fill=_WAVE_COLOUR)
    return image


def _sheet(media: OpenedMedia, options: ThumbnailOptions) -> Image.Image:
    """Lay frames from all over a video side by side."""
    count = options.columns * options.rows
    edge = max(16, options.size // options.columns)
    shares = [(number + 0.5) / count for number in range(count)]
    frames = list(motion.frames_at(media.stream, shares, edge))
    if not frames:
        raise Undecodable("No frame of it can be decoded")
    width, height = frames[0].size
    sheet = Image.new("RGB", (width * options.columns, height * options.rows))
    for number, frame in enumerate(frames):
        sheet.paste(frame, (number % options.columns * width, number // options.columns * height))
    return sheet
