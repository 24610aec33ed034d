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
from workers.nodes.image_hash import dhash, phash

ALGORITHM = "loom-video-2"
_SHORTEST_SECONDS = 0.25
_MOST_FROM_AN_END = 64
_EDGE = 16
_BLACK = 8.0
"""Mean grey level below which a frame tells nothing."""


class FingerprintNode(Node[Options]):
    """Gives 256 bits that similar videos share, and 128 for each of up to 128 frames of the timeline.

    The 256 are the pixels of the mean frame, 16 by 16, that are lighter than its median. The frames lie at the same
    times whether counted from the beginning or from the end, so they are found again where either was cut off; each
    has its pHash and its dHash.
    """

    kind = "fingerprint"
    name = "Video fingerprint"
    version = "2"
    outputs = (
        Port("fingerprint", "hash/fingerprint", "Fingerprint"),
        Port("frames", "struct/json", "Of each frame"),
    )
    inputs = (Port("media", "media/video", "Video"),)
    applies_to = ("video/*",)
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Look at the frames."""
        seconds = motion.length_of(media.stream)
        interval = interval_of(seconds)
        grids: list[list[int]] = []
        hashes: list[str] = []
        for frame in motion.frames_at(media.stream, _shares(seconds, interval), 160, grey=True):
            grid = _grid(frame)
            if sum(grid) / len(grid) >= _BLACK:
                grids.append(grid)
                hashes.append(phash(frame) + dhash(frame))
        if not grids:
            return failed("All frames are black, or none can be decoded")
        mean = [sum(values) / len(grids) for values in zip(*grids, strict=True)]
        return completed({
            "fingerprint": _bits(mean),
            "frames": {"algorithm": ALGORITHM, "intervalSeconds": interval, "hashes": hashes},
        })  # fmt: skip


def interval_of(seconds: float) -> float:
    """Give the time between frames: a quarter of a second, doubled until there are few enough."""
    interval = _SHORTEST_SECONDS
    while seconds / interval > _MOST_FROM_AN_END:
        interval *= 2
    return interval


def _shares(seconds: float, interval: float) -> list[float]:
    """Give where frames lie on the timeline (0 - 1), rising."""
    if seconds <= 0:
        return [0.0]
    ends = [(number + 0.5) * interval / seconds for number in range(max(1, int(seconds / interval)))]
    return sorted({round(share, 5) for end in ends if end < 1 for share in (end, 1 - end)}) or [0.5]


def _grid(frame: Image.Image) -> list[int]:
    return list(frame.convert("L").resize((_EDGE, _EDGE), Image.Resampling.BOX).tobytes())


def _bits(values: Sequence[float]) -> str:
    """Give a hexadecimal digit for four pixels."""
    median = sorted(values)[len(values) // 2]
    number = int("".join("1" if value > median else "0" for value in values), 2)
    return f"{number:0{_EDGE * _EDGE // 4}x}"
