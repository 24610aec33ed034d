"""Answers that are files: ranges, conditions, and headers that keep a browser from running what it gets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple, Protocol
from urllib.parse import quote

from flask import Response, request
from werkzeug.wrappers.response import Response as AnyResponse

from models.entities import Attachment
from models.errors import PreconditionFailed
from models.paths import display_name
from models.services.asset_bytes import AssetSource, open_source
from models.storage import BlobReader, BlobStore, blob_key
from web.offload import in_thread

_CHUNK_BYTES = 1024**2
_OK = (200, 206)
_RANGE = re.compile(r"bytes=\s*(?=[0-9]*-[0-9]*\s*$)(?!-\s*$)([0-9]{0,18})-([0-9]{0,18})\s*")
_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The bytes under a hash never change, but the right to read them may.
    "Cache-Control": "private, no-cache",
}


class _Body(Iterator[bytes]):
    """The bytes of a file between two positions, read in another thread."""

    def __init__(self, reader: BlobReader, start: int, stop: int) -> None:
        self._reader = reader
        self._left = stop - start
        if start:
            reader.seek(start)

    def __next__(self) -> bytes:
        if not self._left:
            self.close()
            raise StopIteration
        data = in_thread(self._reader.read, min(_CHUNK_BYTES, self._left))
        if not data:
            # The length is announced already: cutting the connection is the only way left to tell.
            raise OSError("a file became shorter while it was sent")
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Close the file; whoever sends the answer calls it, however the sending ended."""
        self._reader.close()


class NamedContent(Protocol):
    """A content, and how it is called when it is sent."""

    @property
    def filename(self) -> str:
        """Its name, as a person spells it."""

    @property
    def mime_type(self) -> str:
        """Its type."""

    @property
    def sha512(self) -> str:
        """Its hash, in hex."""


def send_attachment(store: BlobStore, attachment: Attachment) -> AnyResponse:
    """Answer the request at hand with the bytes of an attachment; raises as `send_source`."""
    content = _Attached(attachment.filename, attachment.mime_type, attachment.blob_sha512)
    return send_source(store, content, AssetSource(attachment.size, blob_key(attachment.blob_sha512), ()))


class _Attached(NamedTuple):
    filename: str
    mime_type: str
    sha512: str


def send_source(store: BlobStore, content: NamedContent, source: AssetSource) -> AnyResponse:
    """Answer the request at hand with the bytes of a content, or the part of them that it asks for.

    Raises:
        NotFound: when the bytes are not where they should be.
        RequestedRangeNotSatisfiable: when the part lies outside of them.
    """
    answer = Response(content_type=content.mime_type, direct_passthrough=True)
    answer.content_length = source.size
    answer.set_etag(content.sha512)
    answer.headers.update(_SAFE_HEADERS)
    answer.headers.set("Content-Disposition", "attachment", **_names(content.filename))
    environ = _plain_environ(content.sha512, source.size)
    answer.make_conditional(environ, accept_ranges=True, complete_length=source.size)
    if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise PreconditionFailed("The stored bytes are other than those that the condition names")
    if request.method == "GET" and answer.status_code in _OK:
        wanted = answer.content_range
        start, stop = (wanted.start or 0, wanted.stop or 0) if wanted else (0, source.size)
        answer.response = _Body(in_thread(open_source, store, source), start, stop)
    return answer


def send_text(name: str, content: bytes, mime_type: str) -> Response:
    """Answer the request at hand with something small that is no page."""
    answer = Response(content, content_type=mime_type)
    answer.headers.update(_SAFE_HEADERS)
    answer.headers.set("Content-Disposition", "attachment", **_names(name))
    return answer


def _plain_environ(etag: str, size: int) -> dict[str, object]:
    """Give the request with its range as Werkzeug understands it.

    Several ranges, and units that nobody knows, are answered as if nothing was asked for; the last bytes of a file that
    has less than so many are all of it; who has the bytes already needs no part of them.
    Source: RFC 9110, sections 13.2.2, 14.1.2 and 14.2.
    """
    environ = dict(request.environ)
    match = _RANGE.fullmatch(environ.pop("HTTP_RANGE", ""))
    if match and not ("If-None-Match" in request.headers and request.if_none_match.contains_weak(etag)):
        start = match[1] or str(max(0, size - int(match[2])))
        environ["HTTP_RANGE"] = f"bytes={start}-{match[2] if match[1] else ''}"
    return environ


def _names(filename: str) -> dict[str, str]:
    """Spell a name for Content-Disposition: plainly for old clients, exactly for the others (RFC 6266, RFC 8187)."""
    name = display_name(filename.replace("\\", "/").encode("utf-8", "replace")) or "download"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace('"', "'").strip()
    if plain == name:
        return {"filename": plain}
    return {"filename": plain or "download", "filename*": f"UTF-8''{quote(name, safe='')}"}
