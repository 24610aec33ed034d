"""Fetching an asset's bytes with constant memory, checked on the way."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from compose.client.api import Api
from compose.client.output import Json
from compose.client.session import Session
from compose.client.transfer import transfer_bar
from models.errors import ConfigurationError, LoomError


def download_to_stdout(api: Api, asset: Json) -> None:
    """Write the bytes to standard output."""
    for chunk in _checked_chunks(api, asset):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def download_to_file(session: Session, asset: Json, file: Path) -> int:
    """Write the bytes to `file`, which appears only when they are complete and right; give their number."""
    size = 0
    total = (asset.get("file") or {}).get("size")
    with _draft_of(file) as stream, transfer_bar(session.output, file.name, total) as advance:
        for chunk in _checked_chunks(session.api, asset):
            stream.write(chunk)
            size += len(chunk)
            advance(len(chunk))
    return size


def _checked_chunks(api: Api, asset: Json) -> Iterator[bytes]:
    """Stream the bytes.

    Raises:
        LoomError: at the end, if they are not those that the catalogue promises.
    """
    digest = hashlib.sha512()
    # A client that insists on JSON is told where the bytes lie, instead of getting them.
    headers = {"Accept": "*/*"}
    with api.stream("GET", f"/assets/{asset['uuid']}/binary", headers=headers) as answer, api.reading():
        for chunk in answer.iter_bytes():
            digest.update(chunk)
            yield chunk
    promised = (asset.get("hashes") or {}).get("sha512")
    if promised and digest.hexdigest() != promised:
        raise LoomError("The bytes that arrived are not those of the asset; try again, and see `loom doctor`")


@contextmanager
def _draft_of(file: Path) -> Iterator[BinaryIO]:
    """Open a file beside `file` that takes its place when all went well and else vanishes."""
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".loom-")
    except OSError as error:
        raise ConfigurationError(f"{file.parent} cannot be written: {error.strerror}") from error
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        draft.chmod(0o644)
        draft.replace(file)
    except OSError as error:
        raise LoomError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
