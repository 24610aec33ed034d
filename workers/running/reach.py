"""What nodes that act can reach: pools, buckets, other servers. It stands between them and the platform.

The child, which has the classes of all nodes, must not load any of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from models.errors import InvalidInput
from models.fetching import post
from models.permissions import Actor, Permission
from models.services.pools import POOLS, bucket_in_space, roots_of_space
from models.storage import blob_key
from models.storage.buckets import Bucket
from models.wiring import Platform
from workers.nodes.base import read_all


@dataclass(frozen=True)
class Reach:
    """All of it, within the bounds of a space and of what somebody may do."""

    platform: Platform
    actor: Actor
    """In whose name the run goes on."""

    def require_moving(self) -> None:
        """Insist that files may be moved, before any is: what was moved cannot be refused afterwards.

        Raises:
            Forbidden: when they may not.
        """
        self.actor.require(Permission.UPDATE_ASSET_LOCATION)

    def pool_folder(self, pool_id: UUID) -> str:
        """Give the folder of a pool.

        Raises:
            NotFound: when the actor sees no such pool.
            InvalidInput: when it is in a bucket.
        """
        with self.platform.unit_of_work() as uow:
            folder = POOLS.get(uow, self.actor, pool_id).folder
        if folder is None:
            raise InvalidInput("The pool is in a bucket")
        return folder

    def bucket(self, url: str) -> Bucket:
        """Open a bucket for writing, as whoever may make pools there; in some folders only means in no bucket.

        Raises:
            Forbidden: when the actor may make no pools.
            InvalidInput: when it is none, or the operator has not allowed it.
        """
        self.actor.require(Permission.CREATE_ASSET_POOL)
        with self.platform.unit_of_work() as uow:
            roots = roots_of_space(uow, self.actor)
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
