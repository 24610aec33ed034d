"""Where the bytes of an asset are, and how to open them: the blob store, or else a file in a pool.

Nothing here asks the database, so that it can be done in another thread, with no connection held.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from models.entities import LocationState
from models.errors import Conflict, NotFound, Transient
from models.paths import decode_path
from models.services.asset_blocks import Place
from models.services.asset_views import AssetView
from models.storage import BlobReader, BlobStore, blob_key
from models.storage.buckets import Bucket, is_bucket
from models.tree import open_beneath


@dataclass(frozen=True)
class AssetSource:
    """Where the bytes of an asset can be read. Files are tried in turn: a pool may be away, a file may have changed."""

    size: int
    key: str | None
    places: Sequence[Place]


def asset_source(view: AssetView) -> AssetSource:
    """Tell where the bytes of an asset are.

    Raises:
        NotFound: when it has none.
    """
    if view.blob_sha512:
        return AssetSource(view.size, blob_key(view.blob_sha512), ())
    present = [place for place in view.blocks.places if place.state == LocationState.PRESENT]
    if not present:
        raise NotFound("The asset has no stored binary")
    return AssetSource(view.size, None, present)


def open_source(store: BlobStore, source: AssetSource) -> BlobReader:
    """Open the bytes. A file of a pool is only read if it is still the one that was hashed.

    Raises:
        NotFound: when they cannot be had from any place.
    """
    if source.key is not None:
        return store.read(source.key)
    for place in source.places:
        reader = _open_object(place) if is_bucket(place.root) else _open_file(place)
        if reader is not None:
            return reader
    raise NotFound("The file in the pool is not there, or has changed since the last scan")


def _open_object(place: Place) -> BlobReader | None:
    bucket = Bucket(place.root)
    try:
        found = bucket.find(place.path.decode())
    except (Conflict, Transient):
        return None
    is_same = found is not None and (*found.version, found.size) == (place.device, place.inode, place.size)
    return bucket.open(found) if found is not None and is_same else None


def _open_file(place: Place) -> BlobReader | None:
    try:
        descriptor = open_beneath(decode_path(place.root), place.path)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if (status.st_size, status.st_mtime_ns) == (place.size, place.mtime_ns):
        return os.fdopen(descriptor, "rb", buffering=0)
    os.close(descriptor)
    return None
