"""The kind `thumbnail`."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image
from pydantic import Field

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Artifact, Made, Node, Options


class ThumbnailOptions(Options):
    """Options of the kind."""

    size: int = Field(384, ge=16, le=800, title="Size", description="Pixels of the longer edge")
    quality: int = Field(80, ge=1, le=95, title="Quality", description="Of WebP")


class ThumbnailNode(Node[ThumbnailOptions]):
    """Makes a small picture, upright and in sRGB, that keeps what can be seen through."""

    kind = "thumbnail"
    name = "Thumbnail"
    outputs = (
        Port("thumbnail", "artifact/image", "Thumbnail"),
        Port("width", "scalar/integer", "Width"),
        Port("height", "scalar/integer", "Height"),
    )
    makes = {"thumbnail": Made("ASSET_THUMBNAIL", "image/webp", "thumbnail.webp")}  # noqa: RUF012 - never changed
    applies_to = ("image/*",)
    options = ThumbnailOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: ThumbnailOptions) -> Outcome:
        """Make it."""
        small = media.working_image().copy()
        small.thumbnail((options.size, options.size), Image.Resampling.LANCZOS, reducing_gap=2.0)
        buffer = BytesIO()
        small.save(buffer, "WEBP", quality=options.quality, method=2)
        artifact = Artifact(buffer.getvalue(), self.makes["thumbnail"])
        return completed({"thumbnail": artifact, "width": small.width, "height": small.height})
