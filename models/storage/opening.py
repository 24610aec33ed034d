"""Which adapter a storage URL asks for."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from models.storage.folder import FolderBlobStore
from models.storage.object_store import ObjectBlobStore
from models.storage.port import BlobStore


def open_store(url: str, *, min_free_bytes: int) -> BlobStore:
    """Make the store of a `file`, `s3`, `gs` or `az` URL. Nothing is touched before it is used.

    `min_free_bytes` is what uploads must leave free on a disk; a bucket has no such limit.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderBlobStore(Path(unquote(parts.path)), min_free_bytes=min_free_bytes)
    return ObjectBlobStore(url)
