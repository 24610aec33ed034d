"""The kind `quality`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageFilter, ImageStat

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.media import motion
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_LAPLACE = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


class QualityNode(Node[Options]):
    """Measures pictures, videos and sounds: size, sharpness (variance of the Laplacian), frames and bits a second."""

    kind = "quality"
    name = "Quality"
    version = "2"
    outputs = (
        Port("width", "scalar/integer", "Width", is_selective=True),
        Port("height", "scalar/integer", "Height", is_selective=True),
        Port("sharpness", "scalar/number", "Sharpness", is_selective=True),
        Port("fps", "scalar/number", "Frames a second", is_selective=True),
        Port("bitrate", "scalar/integer", "Bits a second", is_selective=True),
    )
    applies_to = ("image/*", "video/*", "audio/*")
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Measure. Width and height are those of the file, before anything is turned."""
        if media.family == "image":
            head = media.open_image()
            width, height = head.size
            return completed({"width": width, "height": height, "sharpness": sharpness(media.working_image())})
        found = motion.describe(media.stream)
        outputs = {"bitrate": found.get("bitRate")}
        streams = (each for each in found["streams"] if each["type"] == "video" and not each["isCover"])
        if video := next(streams, None):
            outputs |= {name: video.get(name) for name in ("width", "height", "fps")}
            outputs["sharpness"] = sharpness(media.working_image())
        outputs = {name: value for name, value in outputs.items() if value is not None}
        return completed(outputs) if outputs else failed("The file tells nothing that could be measured")


def sharpness(image: Image.Image) -> float:
    """Give the variance of the Laplacian of a picture, in grey levels squared."""
    edges = image.convert("L").filter(_LAPLACE)
    return round(ImageStat.Stat(edges).var[0], 3)
