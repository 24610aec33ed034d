"""The kind `image-manipulation`."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Literal

from PIL import Image, ImageOps
from pydantic import Field

from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Artifact, Made, Node, Options


class ManipulationOptions(Options):
    """Options of the kind. What is cut off is given in parts of the width and the height."""

    crop_left: float = Field(0.0, ge=0, lt=1, title="Cut left", description="Share of the width")
    crop_top: float = Field(0.0, ge=0, lt=1, title="Cut top", description="Share of the height")
    crop_right: float = Field(0.0, ge=0, lt=1, title="Cut right", description="Share of the width")
    crop_bottom: float = Field(0.0, ge=0, lt=1, title="Cut bottom", description="Share of the height")
    target_aspect: float = Field(0.0, ge=0, le=20, title="Aspect", description="Width to height; 0: as it is")
    aspect_mode: Literal["CROP", "PAD"] = Field("CROP", title="To the aspect", description="By cutting, or by filling")
    fill: str = Field("#000000", title="Filling", description="Colour of what is added")
    max_long_edge: int = Field(0, ge=0, le=20_000, title="Longer edge", description="Pixels at most; 0: as it is")
    quality: int = Field(90, ge=1, le=100, title="Quality", description="Of JPEG")


class ImageManipulationNode(Node[ManipulationOptions]):
    """Makes an upright copy of a picture: cut, of another aspect, smaller. The picture itself is never changed."""

    kind = "image-manipulation"
    name = "Picture"
    category = Category.TRANSFORM
    outputs = (
        Port("image", "artifact/image", "The copy"),
        Port("geometry", "struct/json", "Its size"),
    )
    makes = {"image": Made("PROXY", "image/jpeg", "picture.jpg")}  # noqa: RUF012 - never changed
    applies_to = ("image/*",)
    options = ManipulationOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: ManipulationOptions) -> Outcome:
        """Make it."""
        if options.crop_left + options.crop_right >= 1 or options.crop_top + options.crop_bottom >= 1:
            return failed("Nothing is left of it")
        image = _cut(media.whole_image(), options)
        image = _to_aspect(image, options)
        if options.max_long_edge:
            image.thumbnail((options.max_long_edge, options.max_long_edge), Image.Resampling.LANCZOS)
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=options.quality)
        geometry = {"width": image.width, "height": image.height}
        return completed({"image": Artifact(buffer.getvalue(), self.makes["image"]), "geometry": geometry})


def _cut(image: Image.Image, options: ManipulationOptions) -> Image.Image:
    box = (
        round(image.width * options.crop_left), round(image.height * options.crop_top),
        round(image.width * (1 - options.crop_right)), round(image.height * (1 - options.crop_bottom)),
    )  # fmt: skip
    return image.crop((box[0], box[1], max(box[2], box[0] + 1), max(box[3], box[1] + 1)))


def _to_aspect(image: Image.Image, options: ManipulationOptions) -> Image.Image:
    if not options.target_aspect:
        return image
    is_wide = image.width / image.height > options.target_aspect
    is_kept_wide = is_wide == (options.aspect_mode == "PAD")
    if is_kept_wide:
        size = image.width, max(1, round(image.width / options.target_aspect))
    else:
        size = max(1, round(image.height * options.target_aspect)), image.height
    if options.aspect_mode == "CROP":
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return ImageOps.pad(image, size, Image.Resampling.LANCZOS, color=options.fill)
