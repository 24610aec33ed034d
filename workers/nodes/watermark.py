"""The kind `watermark`."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from pydantic import Field

from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.media.opened import OpenedMedia
from workers.media.troubles import Undecodable, naming
from workers.nodes.base import Artifact, Made, Node, Options


class WatermarkOptions(Options):
    """Options of the kind."""

    text: str = Field("", title="Words", description="What is drawn, if no picture is given")
    image: str = Field("", title="Picture", description="A small PNG, in base64")
    rel_x: float = Field(0.95, ge=0, le=1, title="Across", description="Where it ends, from the left")
    rel_y: float = Field(0.95, ge=0, le=1, title="Down", description="Where it ends, from the top")
    scale: float = Field(0.2, gt=0, le=1, title="Size", description="Share of the width")
    opacity: float = Field(1.0, ge=0, le=1, title="Opacity", description="How much of what is below it covers")
    quality: int = Field(90, ge=1, le=100, title="Quality", description="Of JPEG")


class WatermarkNode(Node[WatermarkOptions]):
    """Makes a copy of a picture with words or a small picture on it. The picture itself is never changed."""

    kind = "watermark"
    name = "Watermark"
    category = Category.TRANSFORM
    outputs = (Port("image", "artifact/image", "The copy"),)
    makes = {"image": Made("PROXY", "image/jpeg", "watermarked.jpg")}  # noqa: RUF012 - never changed
    applies_to = ("image/*",)
    options = WatermarkOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: WatermarkOptions) -> Outcome:
        """Make it."""
        if not options.text.strip() and not options.image:
            return failed("Give words or a picture")
        below = media.whole_image().convert("RGBA")
        mark = _mark(options, max(1, round(below.width * options.scale)))
        alpha = mark.getchannel("A").point(lambda level: round(level * options.opacity))
        mark.putalpha(alpha)
        place = round(below.width * options.rel_x) - mark.width, round(below.height * options.rel_y) - mark.height
        below.alpha_composite(mark, (max(0, place[0]), max(0, place[1])))
        buffer = BytesIO()
        below.convert("RGB").save(buffer, "JPEG", quality=options.quality)
        return completed({"image": Artifact(buffer.getvalue(), self.makes["image"])})


def _mark(options: WatermarkOptions, width: int) -> Image.Image:
    if options.image:
        with naming("The picture of the mark cannot be decoded"):
            try:
                mark = Image.open(BytesIO(b64decode(options.image, validate=True))).convert("RGBA")
            except binascii.Error as error:
                raise Undecodable(f"The picture of the mark is no base64: {error}") from None
    else:
        mark = _words(options.text.strip())
    height = max(1, round(mark.height * width / mark.width))
    return mark.resize((width, height), Image.Resampling.LANCZOS)


def _words(text: str) -> Image.Image:
    """Draw words in white with a dark edge, which can be read on anything."""
    font = ImageFont.load_default(64)
    left, top, right, bottom = font.getbbox(text, stroke_width=3)
    image = Image.new("RGBA", (max(1, round(right - left)) + 8, max(1, round(bottom - top)) + 8))
    pen = ImageDraw.Draw(image)
    pen.text((4 - left, 4 - top), text, "white", font, stroke_width=3, stroke_fill=(0, 0, 0, 200))
    return image
