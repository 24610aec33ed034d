"""The kind `sha256`."""

from __future__ import annotations

from models.pipelines.descriptors import Port
from workers.nodes.hashes import HashNode


class Sha256Node(HashNode):
    """Computes the SHA-256 of all bytes."""

    kind = "sha256"
    name = "SHA-256"
    algorithm = "sha256"
    outputs = (Port("hash", "hash/sha256", "SHA-256"),)
