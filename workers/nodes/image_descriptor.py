"""The kind `image-descriptor`: where in a picture which colours and edges are, as a vector; no model is needed.

In the spirit of the colour layout and edge histogram descriptors of MPEG-7 (ISO/IEC 15938-3): a grid of mean colours,
and how strongly the brightness changes in which direction in each quarter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PIL import Image

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_GRID, _EDGES, _DIRECTIONS = 8, 32, 8
_COLOUR_WEIGHT, _EDGE_WEIGHT = 1.5, 2.0
_NEUTRAL = 128


class ImageDescriptorNode(Node[Options]):
    """Describes the layout, colours and edges of a picture by 225 numbers, kept as an embedding of the asset."""

    kind = "image-descriptor"
    name = "Image descriptor"
    outputs = (Port("vector", "struct/json", "Vector"),)
    applies_to = ("image/*",)
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Describe."""
        return completed({"vector": describe_image(media.working_image())})


def describe_image(image: Image.Image) -> list[float]:
    """Give the vector of a picture; what can be seen through is grey."""
    if image.mode == "RGBA":
        ground = Image.new("RGB", image.size, (_NEUTRAL,) * 3)
        ground.paste(image, mask=image.getchannel("A"))
        image = ground
    small = image.convert("YCbCr")
    cells = small.resize((_GRID, _GRID), Image.Resampling.BOX).tobytes()
    light, colours = cells[0::3], [*cells[1::3], *cells[2::3]]
    mean = sum(light) / len(light)
    layout = [value - mean for value in light]
    colour = [_COLOUR_WEIGHT * (value - _NEUTRAL) for value in colours]
    edges = [_EDGE_WEIGHT * value for value in _edges(small.getchannel("Y"))]
    # So that no picture, not even one that is all grey, points nowhere.
    return [round(value, 2) for value in (*layout, *colour, *edges, 1 + abs(mean - _NEUTRAL) / 4)]


def _edges(light: Image.Image) -> list[float]:
    """Give how strong edges are, by quarter of the picture and direction."""
    pixels = light.resize((_EDGES, _EDGES), Image.Resampling.BOX).tobytes()
    found = [0.0] * (4 * _DIRECTIONS)
    for row in range(1, _EDGES - 1):
        for column in range(1, _EDGES - 1):
            at = row * _EDGES + column
            across, down = pixels[at + 1] - pixels[at - 1], pixels[at + _EDGES] - pixels[at - _EDGES]
            if across or down:
                direction = int((math.atan2(down, across) / math.pi % 1) * _DIRECTIONS) % _DIRECTIONS
                quarter = (row * 2 // _EDGES) * 2 + column * 2 // _EDGES
                found[quarter * _DIRECTIONS + direction] += math.hypot(across, down)
    return [math.sqrt(value) for value in found]
