"""The digests by which callers may declare what bytes are, by their names in RFC 9530."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

DIGESTS: Mapping[str, Callable[[], Any]] = {"sha-512": hashlib.sha512, "sha-256": hashlib.sha256}
DIGEST_MISMATCH = "digest-mismatch"
"""Code of the error that tells of bytes that are something else than was declared."""
