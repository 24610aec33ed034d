"""The kind `image-hash`.

pHash as in https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html: the low frequencies of a small
grey picture against their median. dHash as in the same author's "Kind of Like That": each pixel against its neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from PIL import Image

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_EDGE, _LOW = 32, 8
_COSINES = [
    [math.cos(math.pi * frequency * (2 * place + 1) / (2 * _EDGE)) for place in range(_EDGE)]
    for frequency in range(_LOW)
]


class ImageHashNode(Node[Options]):
    """Computes 64-bit perceptual hashes of pictures, which stay near when a picture is scaled or compressed anew."""

    kind = "image-hash"
    name = "Image hash"
    outputs = (Port("phash", "hash/fingerprint", "pHash"), Port("dhash", "hash/fingerprint", "dHash"))
    applies_to = ("image/*",)
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Hash."""
        grey = media.working_image().convert("L")
        return completed({"phash": phash(grey), "dhash": dhash(grey)})


def phash(grey: Image.Image) -> str:
    """Give the pHash of a grey picture as 16 hex digits."""
    pixels = grey.resize((_EDGE, _EDGE), Image.Resampling.LANCZOS).tobytes()
    rows = [[_product(pixels[row * _EDGE : (row + 1) * _EDGE], wave) for wave in _COSINES] for row in range(_EDGE)]
    low = [_product([row[column] for row in rows], wave) for wave in _COSINES for column in range(_LOW)]
    middle = median(low[1:])
    return _hex(value > middle for value in low)


def dhash(grey: Image.Image) -> str:
    """Give the dHash of a grey picture as 16 hex digits."""
    width = _LOW + 1
    pixels = grey.resize((width, _LOW), Image.Resampling.LANCZOS).tobytes()
    return _hex(
        pixels[row * width + column] > pixels[row * width + column + 1] for row in range(_LOW) for column in range(_LOW)
    )


def _product(values: Sequence[float] | bytes, wave: Sequence[float]) -> float:
    return sum(map(float.__mul__, map(float, values), wave))


def _hex(bits: Any) -> str:
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"
