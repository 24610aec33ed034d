"""The kind `dominant-color`: k-means by Pillow's quantiser, over a small copy of the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image
from pydantic import Field

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed, skipped
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_EDGE = 128
_OPAQUE = 128


class DominantColorOptions(Options):
    """Options of the kind."""

    cluster_count: int = Field(5, ge=1, le=16, title="Colours", description="How many colours are told apart")


class DominantColorNode(Node[DominantColorOptions]):
    """Finds the colours that a picture has most of."""

    kind = "dominant-color"
    name = "Dominant colour"
    outputs = (
        Port("result", "struct/color", "Colours with their shares"),
        Port("hex", "scalar/string", "The first of them"),
    )
    applies_to = ("image/*",)
    options = DominantColorOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: DominantColorOptions) -> Outcome:
        """Look at the picture; what can be seen through does not count."""
        small = media.working_image().copy()
        small.thumbnail((_EDGE, _EDGE), Image.Resampling.BOX)
        pixels = _visible(small)
        if pixels is None:
            return skipped("Nothing of the picture can be seen")
        colors = find_colors(pixels, options.cluster_count)
        return completed({"result": {"colors": colors}, "hex": colors[0]["hex"]})


def _visible(image: Image.Image) -> Image.Image | None:
    """Give the pixels that are not transparent as a picture of one row."""
    if image.mode != "RGBA":
        return image
    data = image.tobytes()
    seen = [data[at : at + 3] for at in range(0, len(data), 4) if data[at + 3] >= _OPAQUE]
    return Image.frombytes("RGB", (len(seen), 1), b"".join(seen)) if seen else None


def find_colors(image: Image.Image, count: int) -> list[dict[str, Any]]:
    """Give up to so many colours of an RGB picture, each with its share of the pixels, the largest first."""
    reduced = image.quantize(count, Image.Quantize.MEDIANCUT, kmeans=count)
    palette = reduced.getpalette() or []
    total = image.width * image.height
    found = sorted(reduced.getcolors() or [], key=lambda each: (-each[0], each[1]))
    return [
        {"hex": "#" + bytes(palette[3 * index : 3 * index + 3]).hex(), "share": round(number / total, 4)}
        for number, index in found
        if isinstance(index, int)
    ]
