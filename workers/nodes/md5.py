"""The kind `md5`."""

from __future__ import annotations

from models.pipelines.descriptors import Port
from workers.nodes.hashes import HashNode


class Md5Node(HashNode):
    """Computes the MD5 of all bytes."""

    kind = "md5"
    name = "MD5"
    algorithm = "md5"
    outputs = (Port("hash", "hash/md5", "MD5"),)
