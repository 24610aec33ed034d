"""Bodies that are files: streamed into the blob store's staging area as they come in, in constant memory.

A body is a multipart form with exactly one file part named `file`, or the bytes themselves. Whatever goes wrong before
`finish`, nothing stays behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import Any, Self

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from models.errors import InvalidInput, TooLarge
from models.ids import is_storable, new_id
from models.paths import UNNAMED, clean_name
from models.storage import BlobStore, BlobWriter, staging_key
from web.digests import DigestedStream, Digests
from web.offload import in_thread

_PART = "file"
_READ_BYTES = 256 * 1024
_BLOCK_BYTES = 1024**2
"""So much is handed to another thread at a time, which costs as much as writing a few kilobytes."""
_FORM_BYTES = 1024**2
"""Most that all of a form but its file may hold."""
_MOST_PARTS = 50
_UNREADABLE = "The body could not be read to its end"
_LARGEST_JSON = 64 * 1024


@dataclass(frozen=True)
class Received:
    """A file that lies in the staging area. `form` are the values that came along with it."""

    staging_key: str
    filename: str
    size: int
    form: Mapping[str, str]

    @property
    def pieces(self) -> tuple[tuple[str, int], ...]:
        """Where it lies, in the words of a payload."""
        return ((self.staging_key, self.size),)


class StagedFile:
    """A key of the staging area while it is written to; leaving the block without `finish` removes it.

    It looks enough like a file for Werkzeug's form parser to write to it.
    """

    def __init__(self, store: BlobStore, most_bytes: int, expected_bytes: int | None) -> None:
        self.key = staging_key(new_id())
        self.size = 0
        self._store = store
        self._most_bytes, self._expected_bytes = most_bytes, expected_bytes
        self._blocks = bytearray()
        self._writer: BlobWriter | None = None
        self._digests = Digests("Repr-Digest")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            in_thread(self._writer.abort)

    def write(self, data: bytes) -> int:
        """Append bytes.

        Raises:
            TooLarge: when that makes it larger than uploads may be.
        """
        self.size += len(data)
        if self.size > self._most_bytes:
            raise TooLarge(f"An upload may have {self._most_bytes} bytes at most")
        self._digests.update(data)
        self._blocks += data
        if len(self._blocks) >= _BLOCK_BYTES:
            in_thread(self._put)
        return len(data)

    def finish(self) -> None:
        """Make the bytes durable, if they are those that were declared."""
        self._digests.check()
        in_thread(self._put, is_last=True)
        self._writer = None

    def seek(self, offset: int) -> int:
        """Pretend to: the parser means to read the part, which nobody does."""
        return offset

    def _put(self, *, is_last: bool = False) -> None:
        """Write what has come in. A small file is begun, written and made durable by one visit to another thread."""
        if self._writer is None:
            self._writer = self._store.write(self.key, size=self._expected_bytes)
        blocks, self._blocks = self._blocks, bytearray()
        self._writer.write(bytes(blocks))
        if is_last:
            self._writer.commit()


def receive_file(store: BlobStore, most_bytes: int) -> Received:
    """Stage the file that the request at hand carries.

    Raises:
        InvalidInput: when it carries none, several, or its body ends early.
        TooLarge: when it is larger than `most_bytes`.
        StorageFull: when there is no room for it.
    """
    length = request.content_length
    if length is not None and length > most_bytes + _FORM_BYTES:
        raise TooLarge(f"An upload may have {most_bytes} bytes at most")
    request.max_content_length = most_bytes + _FORM_BYTES
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    try:
        if kind == "multipart/form-data":
            return _Form(store, most_bytes).receive(options.get("boundary", ""))
        return _receive_raw(store, most_bytes)
    except (OSError, ParseException) as error:
        # From the server's own reader of the body: a chunk that is cut off, or is none.
        raise InvalidInput(_UNREADABLE) from error


def read_small_json(keys: Sequence[str]) -> dict[str, Any] | None:
    """Give the body of the request at hand if it is a nameless JSON object with one of these keys; else leave it be.

    A body with a name is a file, whatever is in it, and so is a large one.

    Raises:
        InvalidInput: when it ends early.
    """
    if not request.is_json or _raw_name() is not None or not 0 < (request.content_length or 0) <= _LARGEST_JSON:
        return None
    try:
        body = request.get_data()
    except (OSError, ParseException) as error:
        raise InvalidInput(_UNREADABLE) from error
    request.stream = BytesIO(body)
    try:
        value = request.json_module.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) and any(value.get(key) is not None for key in keys) else None


def _receive_raw(store: BlobStore, most_bytes: int) -> Received:
    filename = _raw_name()
    if not request.content_length and filename is None and not _is_chunked():
        raise InvalidInput("The body holds no file")
    body = Digests("Content-Digest")
    with StagedFile(store, most_bytes, request.content_length) as staged:
        while data := request.stream.read(_READ_BYTES):
            body.update(data)
            staged.write(data)
        _require_whole(staged.size)
        body.check()
        staged.finish()
    return Received(staged.key, filename or UNNAMED, staged.size, _storable(request.args))


def _storable(values: MultiDict[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in values.items() if name and is_storable(value)}


def _is_chunked() -> bool:
    return bool(request.environ.get("wsgi.input_terminated")) and "Transfer-Encoding" in request.headers


def _require_whole(received: int) -> None:
    """A server that ends the stream itself does not tell a body's end from that of the connection."""
    if request.content_length is not None and received < request.content_length:
        raise InvalidInput("The body ended before its announced length")


def _raw_name() -> str | None:
    """Give the name of a raw body: from Content-Disposition, or from the query."""
    header = request.headers.get("Content-Disposition", "")
    named = parse_options_header(header)[1].get("filename") or request.args.get("filename")
    return clean_name(named) if named else None


class _Form:
    """A multipart form of which the file part goes straight to where it is staged."""

    def __init__(self, store: BlobStore, most_bytes: int) -> None:
        self._store, self._most_bytes = store, most_bytes
        self._staged: StagedFile | None = None

    def receive(self, boundary: str) -> Received:
        """Parse the request's body."""
        parser = MultiPartParser(
            stream_factory=self._begin_file,  # type: ignore[arg-type]  # it is written to only
            buffer_size=_READ_BYTES,
            max_form_memory_size=_FORM_BYTES,
            max_form_parts=_MOST_PARTS,
        )
        try:
            return self._finish(parser, boundary)
        except HTTPException:
            raise
        except ValueError as error:
            raise InvalidInput("The multipart body is broken or ends early", code="bad-multipart") from error
        finally:
            if self._staged is not None:
                self._staged.__exit__(None, None, None)

    def _finish(self, parser: MultiPartParser, boundary: str) -> Received:
        if not boundary:
            raise InvalidInput("The multipart body has no boundary", code="bad-multipart")
        body = Digests("Content-Digest")
        stream: Any = DigestedStream(request.stream, body)
        form, files = parser.parse(stream, boundary.encode("ascii"), request.content_length)
        while stream.read(_READ_BYTES):
            pass  # what stands behind the form is of the body too
        body.check()
        part = files.get(_PART)
        if part is None or self._staged is None:
            raise InvalidInput(f"The form needs exactly one file part, named '{_PART}'")
        self._staged.finish()
        return Received(self._staged.key, clean_name(part.filename or UNNAMED), self._staged.size, _storable(form))

    def _begin_file(self, **_: Any) -> StagedFile:
        if self._staged is not None:
            raise InvalidInput(f"The form needs exactly one file part, named '{_PART}'")
        self._staged = StagedFile(self._store, self._most_bytes, request.content_length)
        return self._staged
