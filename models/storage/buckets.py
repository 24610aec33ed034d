"""Buckets that are the operator's own: pools list and read them, and a node of pipelines may write into them.

S3, Google Cloud Storage and Azure by their URLs. Credentials are the server's own, from its environment
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` and so on), as obstore reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

import obstore
from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from models.errors import Conflict, Transient
from models.logs import get_logger
from models.storage.object_reader import ObjectReader

logger = get_logger(__name__)

SCHEMES = ("s3", "gs", "az")
_RETRIES = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
_CLIENT = {"timeout": "60s", "connect_timeout": "5s", "allow_http": True}
"""An endpoint without TLS is for the operator to name; those of the providers all have it."""


class BucketObject(NamedTuple):
    """One object: its key below the root of the pool, and what tells its version from others."""

    key: str
    size: int
    etag: str

    @property
    def version(self) -> tuple[int, int]:
        """Give the ETag as two signed numbers of 64 bits, for columns that have them."""
        digest = blake2b(self.etag.encode(), digest_size=16).digest()
        return int.from_bytes(digest[:8], signed=True), int.from_bytes(digest[8:], signed=True)


def is_bucket(root: bytes | str) -> bool:
    """Tell the root of a pool in a bucket from a folder."""
    text = root.decode("utf-8", "replace") if isinstance(root, bytes) else root
    return text.partition("://")[0] in SCHEMES


class Bucket:
    """What lies below one URL. Nothing is connected before the first use."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> ObjectStore:
        return from_url(self._url, client_options=_CLIENT, retry_config=_RETRIES)  # type: ignore[call-overload,no-any-return]

    def list(self, after: str = "", below: str = "") -> Iterator[BucketObject]:
        """Give the objects behind a key in the bytewise order of their keys; `below` ends in a slash, or is empty.

        Raises:
            Conflict: when they may not be listed, or one has a name that cannot be used.
            Transient: when the bucket cannot be reached.
        """
        last = after.encode()
        with bucket_trouble():
            for batch in obstore.list(self._store, prefix=below or None, offset=max(after, below) or None):
                for found in batch:
                    key = found["path"].encode()
                    # What stands for a folder (`name/`) comes without its slash, and out of order.
                    if key > last:
                        last = key
                        yield BucketObject(found["path"], found["size"], found["e_tag"] or "")

    def find(self, key: str) -> BucketObject | None:
        """Look at an object; None when there is none. Raises as `list`."""
        with bucket_trouble():
            try:
                found = obstore.head(self._store, key)
            except FileNotFoundError:
                return None
        return BucketObject(key, found["size"], found["e_tag"] or "")

    def put(self, key: str, data: bytes) -> None:
        """Write an object, over what has the key. Raises as `list`."""
        with bucket_trouble():
            obstore.put(self._store, key, data)

    def open(self, found: BucketObject) -> ObjectReader:
        """Read just this version of an object."""
        return ObjectReader(self._store, found.key, found.size, found.etag or None)


@contextmanager
def bucket_trouble() -> Iterator[None]:
    """Turn what obstore raises into what it means for a pool."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise Conflict("The bucket refuses the server's credentials", code="pool-root-unreadable") from error
    except InvalidPathError as error:
        raise Conflict("The bucket holds a key with an empty, `.` or `..` part", code="pool-key-invalid") from error
    except FileNotFoundError as error:
        raise Conflict("There is no such bucket", code="pool-root-absent") from error
    except BaseError as error:
        logger.warning("a bucket cannot be reached", reason=str(error))
        raise Transient(
            "The bucket cannot be read; the log of the workers says why", code="pool-root-unreachable"
        ) from error
