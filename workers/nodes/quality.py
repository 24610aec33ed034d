"""The kind `quality`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageFilter, ImageStat

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_LAPLACE = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


class QualityNode(Node[Options]):
    """Measures the size of pictures, and how sharp they are (variance of the Laplacian)."""

    kind = "quality"
    name = "Quality"
    outputs = (
        Port("width", "scalar/integer", "Width"),
        Port("height", "scalar/integer", "Height"),
        Port("sharpness", "scalar/number", "Sharpness"),
    )
    applies_to = ("image/*",)
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Measure. Width and height are those of the file, before anything is turned."""
        head = media.open_image()
        width, height = head.size
        return completed({"width": width, "height": height, "sharpness": sharpness(media.working_image())})


def sharpness(image: Image.Image) -> float:
    """Give the variance of the Laplacian of a picture, in grey levels squared."""
    edges = image.convert("L").filter(_LAPLACE)
    return round(ImageStat.Stat(edges).var[0], 3)
