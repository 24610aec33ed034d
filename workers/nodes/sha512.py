"""The kind `sha512`."""

from __future__ import annotations

from models.pipelines.descriptors import Port
from workers.nodes.hashes import HashNode


class Sha512Node(HashNode):
    """Computes the SHA-512 of all bytes."""

    kind = "sha512"
    name = "SHA-512"
    algorithm = "sha512"
    outputs = (Port("hash", "hash/sha512", "SHA-512"),)
