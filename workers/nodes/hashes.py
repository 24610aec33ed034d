"""What the kinds that hash have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options


class HashNode(Node[Options]):
    """Hashes all bytes."""

    algorithm: ClassVar[str]
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Hash."""
        hasher = hashlib.new(self.algorithm)
        for chunk in media.chunks():
            hasher.update(chunk)
        return completed({"hash": hasher.hexdigest()})
