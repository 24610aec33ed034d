"""The kind `chunk-hash`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options
from workers.processing.chunks import ChunkFacts


class ChunkHashNode(Node[Options]):
    """Hashes the beginning: a cheap test before comparing whole files."""

    kind = "chunk-hash"
    name = "Chunk hash"
    outputs = (Port("hash", "hash/chunk", "SHA-256 of the beginning"),)
    options = Options

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Hash."""
        facts = ChunkFacts(media.size)
        for chunk in media.chunks():
            facts.update(chunk)
        return completed({"hash": facts.chunk_hash})
