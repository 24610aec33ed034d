"""Digests that a request declares (RFC 9530): `Content-Digest` of its body, `Repr-Digest` of the file in it.

They are checked while the bytes come in, so that whoever declares another content is told before anything is stored.
Algorithms that are not understood are passed over, as the RFC has it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from hmac import compare_digest
from typing import Any

from flask import request

from models.digests import DIGEST_MISMATCH, DIGESTS
from models.errors import InvalidInput

_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):\s*")


class Digests:
    """What one header declares; to be shown all bytes that it is about."""

    def __init__(self, header: str) -> None:
        self._header = header
        declared = read_digests(header)
        self._running = [(DIGESTS[name](), digest) for name, digest in declared.items()]

    def update(self, data: bytes) -> None:
        """Take the next bytes into account."""
        for running, _ in self._running:
            running.update(data)

    def check(self) -> None:
        """Insist that the bytes were those that were declared.

        Raises:
            InvalidInput: with the code `digest-mismatch` when they were not.
        """
        if not all(compare_digest(running.digest(), digest) for running, digest in self._running):
            raise InvalidInput(f"{self._header}: is not the digest of what has arrived", code=DIGEST_MISMATCH)


class DigestedStream:
    """A stream that shows what is read of it to digests."""

    def __init__(self, inner: Any, digests: Digests) -> None:
        self._inner, self._digests = inner, digests

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all."""
        data: bytes = self._inner.read(size)
        self._digests.update(data)
        return data


def read_digests(header: str) -> dict[str, bytes]:
    """Read a dictionary of byte sequences (RFC 8941); of an algorithm that is named twice, the last counts.

    Raises:
        InvalidInput: when the header is none.
    """
    text = ", ".join(request.headers.getlist(header))
    declared: dict[str, bytes] = {}
    for member in text.split(",") if text.strip() else ():
        match = _MEMBER.fullmatch(member)
        if match is None:
            raise InvalidInput(f"{header}: is not of the form sha-512=:…:")
        if match[1] in DIGESTS:
            declared[match[1]] = _decode(header, match[2])
    return declared


def _decode(header: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Error:
        raise InvalidInput(f"{header}: is not base64") from None
