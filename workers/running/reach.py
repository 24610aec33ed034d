"""What nodes that act can reach: pools, buckets, other servers. It stands between them and the platform.

The child, which has the classes of all nodes, must not load any of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from models.entities import Pool
from models.errors import InvalidInput
from models.fetching import post
from models.services.pools import bucket_in_space, roots_of
from models.storage import blob_key
from models.storage.buckets import Bucket
from models.wiring import Platform
from workers.nodes.base import read_all


@dataclass(frozen=True)
class Reach:
    """All of it, within the bounds of a space."""

    platform: Platform
    space_id: UUID

    def pool_folder(self, pool_id: UUID) -> str:
        """Give the folder of a pool.

        Raises:
            InvalidInput: when the space has no such pool, or it is in a bucket.
        """
        with self.platform.unit_of_work() as uow:
            pool = uow.session.get(Pool, pool_id)
            if pool is None or pool.space_id != self.space_id or pool.folder is None:
                raise InvalidInput("There is no such pool of files")
            return pool.folder

    def bucket(self, url: str) -> Bucket:
        """Open a bucket for writing. Who may have pools in some folders only may not.

        Raises:
            InvalidInput: when it is none, or the operator has not allowed it.
        """
        with self.platform.unit_of_work() as uow:
            roots = roots_of(uow, self.space_id)
        return Bucket(bucket_in_space(url, roots, self.platform.settings.pool_buckets))

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most: int) -> bytes:
        """Send a body to another server; gives its answer. Raises as `models.fetching.post`."""
        return post(url, body, headers, self.platform.settings.fetch_allowed_networks, seconds, most)

    def read_made(self, sha512: str, size: int) -> bytes:
        """Give the bytes of a file that a node has made.

        Raises:
            NotFound: when it is not there any more.
        """
        return read_all(self.platform.blobs.read(blob_key(sha512)), size)
