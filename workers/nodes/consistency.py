"""The kind `consistency`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options
from workers.processing.chunks import ChunkFacts


class ConsistencyNode(Node[Options]):
    """Counts whole blocks of zeros behind the first 4 MiB, which a copy has that stopped on the way."""

    kind = "consistency"
    name = "Consistency"
    outputs = (
        Port("zero_chunk_count", "scalar/integer", "Blocks of zeros"),
        Port("is_complete", "scalar/boolean", "Complete"),
    )
    applies_to = ("video/*", "audio/*")
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Count."""
        facts = ChunkFacts(media.size)
        for chunk in media.chunks():
            facts.update(chunk)
        return completed({"zero_chunk_count": facts.zero_chunks, "is_complete": facts.zero_chunks == 0})
