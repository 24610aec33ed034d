"""The kind `fingerprint`: what a video looks like, over its whole length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.media import motion
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

ALGORITHM = "loom-video-1"
_SECTORS = 16
_EDGE = 16
_BLACK = 8.0
"""Mean grey level below which a frame tells nothing."""


class FingerprintNode(Node[Options]):
    """Gives 256 bits that similar videos share, from frames in the middle of sixteen equal stretches of the timeline.

    Bits are the pixels of the mean frame, 16 by 16, that are lighter than its median.
    """

    kind = "fingerprint"
    name = "Video fingerprint"
    outputs = (
        Port("fingerprint", "hash/fingerprint", "Fingerprint"),
        Port("windows", "struct/json", "Of each stretch"),
    )
    inputs = (Port("media", "media/video", "Video"),)
    applies_to = ("video/*",)
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Look at the frames."""
        shares = [(number + 0.5) / _SECTORS for number in range(_SECTORS)]
        frames = [_grid(frame) for frame in motion.frames_at(media.stream, shares, 160, grey=True)]
        telling = [frame for frame in frames if sum(frame) / len(frame) >= _BLACK]
        if not telling:
            return failed("All frames are black, or none can be decoded")
        mean = [sum(values) / len(telling) for values in zip(*telling, strict=True)]
        windows = [_bits(frame) for frame in frames]
        return completed({"fingerprint": _bits(mean), "windows": {"algorithm": ALGORITHM, "windows": windows}})


def _grid(frame: Image.Image) -> list[int]:
    return list(frame.convert("L").resize((_EDGE, _EDGE), Image.Resampling.BOX).tobytes())


def _bits(values: Sequence[float]) -> str:
    """Give a hexadecimal digit for four pixels."""
    median = sorted(values)[len(values) // 2]
    number = int("".join("1" if value > median else "0" for value in values), 2)
    return f"{number:0{_EDGE * _EDGE // 4}x}"
