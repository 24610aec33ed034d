"""The kind `scene-detection`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from PIL import Image
from pydantic import Field

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.media import motion
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_EDGE = 64
_BINS = 32
_MOST_SCENES = 10_000


class SceneOptions(Options):
    """Options of the kind."""

    threshold: float = Field(
        0.4, ge=0.05, le=1.0, title="Threshold", description="Share of pixels that change their level at a cut"
    )
    shortest_seconds: float = Field(0.5, ge=0.0, le=60.0, title="Shortest", description="Seconds of a scene at least")


class SceneDetectionNode(Node[SceneOptions]):
    """Finds the cuts of a video, where levels of grey are distributed otherwise from one frame to the next."""

    kind = "scene-detection"
    name = "Scenes"
    outputs = (
        Port("scenes", "struct/segments", "Scenes"),
        Port("count", "scalar/integer", "How many"),
    )
    inputs = (Port("media", "media/video", "Video"),)
    applies_to = ("video/*",)
    options = SceneOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: SceneOptions) -> Outcome:
        """Look at every frame."""
        cuts = list(_cuts(media, options))
        if not cuts:
            return failed("No frame of it can be decoded")
        scenes = [
            {"from": round(begin, 3), "to": round(end, 3)}
            for begin, end in pairwise(cuts)
        ][:_MOST_SCENES]  # fmt: skip
        return completed({"scenes": {"segments": scenes}, "count": len(scenes)})


def _cuts(media: OpenedMedia, options: SceneOptions) -> Iterator[float]:
    """Yield where scenes begin, and at last where the video ends, in seconds."""
    before: Sequence[int] | None = None
    begun = at = 0.0
    for at, frame in motion.all_frames(media.stream, _EDGE):
        levels = _levels(frame)
        is_cut = before is None or (
            at - begun >= options.shortest_seconds and _difference(before, levels) > options.threshold
        )
        if is_cut:
            begun = at
            yield at
        before = levels
    if before is not None:
        yield max(at, begun)


def _levels(frame: Image.Image) -> list[int]:
    histogram = frame.histogram()
    width = len(histogram) // _BINS
    return [sum(histogram[at : at + width]) for at in range(0, len(histogram), width)]


def _difference(one: Sequence[int], other: Sequence[int]) -> float:
    """Give the share of pixels that are of another level, 0 - 1."""
    changed = sum(abs(first - second) for first, second in zip(one, other, strict=True))
    return changed / max(1, sum(one) + sum(other))
