"""What the requests of tus 1.0 say in their headers (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from uuid import UUID

from flask import Response, request

from models.errors import ChecksumMismatch, InvalidInput, PreconditionFailed
from models.ids import is_storable, parse_uuid
from web.digests import read_digests

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination,concatenation"
PIECE_TYPE = "application/offset+octet-stream"
_CHECKSUMS: Mapping[str, Callable[[], Any]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False), "sha256": hashlib.sha256, "sha512": hashlib.sha512,
}  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,19}")
_KEY = re.compile(r"[^\s,]+")
_PARTIAL, _FINAL = "partial", "final;"


def tell_protocol(answer: Response) -> Response:
    """Say which protocol this is, in every answer."""
    answer.headers["Tus-Resumable"] = VERSION
    answer.headers["Tus-Version"] = VERSION
    return answer


def capabilities(most_bytes: int) -> dict[str, str]:
    """Say what the server can do."""
    return {
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(most_bytes),
        "Tus-Checksum-Algorithm": ",".join(_CHECKSUMS),
    }


def require_version() -> None:
    """Insist that the client speaks this version of the protocol.

    Raises:
        PreconditionFailed: when it does not.
    """
    if request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"Tus-Resumable: must be {VERSION}", code="tus-version")


def read_number(header: str) -> int:
    """Read a header that is a number of bytes.

    Raises:
        InvalidInput: when it is none.
    """
    text = request.headers.get(header, "").strip()
    if not _NUMBER.fullmatch(text) or int(text) >= 2**63:
        raise InvalidInput(f"{header}: must be a number of bytes")
    return int(text)


def read_metadata(text: str) -> dict[str, str]:
    """Read `Upload-Metadata`: pairs of a key and a value in base64, separated by commas.

    Raises:
        InvalidInput: when it is not of that form, or a value is no text.
    """
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise InvalidInput("Upload-Metadata: must be pairs of different keys and values in base64")
        found[key] = _text_of(value.strip())
    return found


def _text_of(value: str) -> str:
    try:
        text = b64decode(value, validate=True).decode()
    except (Error, UnicodeDecodeError):
        text = "\0"
    if not is_storable(text):
        raise InvalidInput("Upload-Metadata: a value is not text in base64")
    return text


def read_whole_digests() -> dict[str, str]:
    """Read what the whole file is declared to be, in hex."""
    return {name: digest.hex() for name, digest in read_digests("Repr-Digest").items()}


@dataclass(frozen=True)
class Concat:
    """The upload is a part of another one, or made of parts."""

    is_partial: bool = False
    parts: Sequence[UUID] | None = None

    @classmethod
    def read(cls) -> Concat:
        """Read `Upload-Concat`.

        Raises:
            InvalidInput: when it is neither `partial` nor `final;` with the addresses of uploads.
        """
        text = request.headers.get("Upload-Concat", "").strip()
        if not text:
            return cls()
        if text == _PARTIAL:
            return cls(is_partial=True)
        if not text.startswith(_FINAL):
            raise InvalidInput(f"Upload-Concat: must be {_PARTIAL}, or {_FINAL} and the addresses of uploads")
        addresses = text.removeprefix(_FINAL).split()
        return cls(parts=[parse_uuid(address.rstrip("/").rpartition("/")[2]) for address in addresses])


class Checksum:
    """What `Upload-Checksum` says of the body of one request; false where there is none."""

    def __init__(self) -> None:
        text = request.headers.get("Upload-Checksum")
        self._hasher: Any = None
        self._expected = b""
        if text is not None:
            self._declare(*text.strip().partition(" ")[::2])

    def _declare(self, name: str, value: str) -> None:
        if name not in _CHECKSUMS:
            raise InvalidInput(f"Upload-Checksum: must be of one of {', '.join(_CHECKSUMS)}")
        try:
            self._hasher, self._expected = _CHECKSUMS[name](), b64decode(value.strip(), validate=True)
        except Error:
            raise InvalidInput("Upload-Checksum: is not base64") from None

    def __bool__(self) -> bool:
        return self._hasher is not None

    def update(self, data: bytes) -> None:
        """Take the next bytes into account."""
        if self._hasher is not None:
            self._hasher.update(data)

    def check(self) -> None:
        """Insist that the bytes were those that were sent.

        Raises:
            ChecksumMismatch: when they were not.
        """
        if self._hasher is not None and not compare_digest(self._hasher.digest(), self._expected):
            raise ChecksumMismatch
