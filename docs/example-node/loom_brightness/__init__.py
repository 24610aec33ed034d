"""The kind `brightness`: how light pictures are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import ImageStat
from pydantic import Field

from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options

_WHITE = 255


class BrightnessOptions(Options):
    """Options of the kind; the descriptor is derived from these."""

    dark_below: float = Field(0.25, ge=0, le=1, title="Dark below", description="Mean brightness of dark pictures")


class BrightnessNode(Node[BrightnessOptions]):
    """Measures how light a picture is, and lets pass those that are not dark."""

    kind = "brightness"
    name = "Brightness"
    version = "1"
    category = Category.FILTER
    outputs = (
        Port("brightness", "scalar/number", "Brightness, 0 to 1"),
        Port("passed", "control/filter", "Not dark"),
    )
    applies_to = ("image/*",)
    options = BrightnessOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: BrightnessOptions) -> Outcome:
        """Look at the picture: in a child process, with limits of time and memory. What is raised is a failure."""
        grey = media.working_image().convert("L")
        brightness = ImageStat.Stat(grey).mean[0] / _WHITE
        return completed({"brightness": round(brightness, 4), "passed": brightness >= options.dark_below})
