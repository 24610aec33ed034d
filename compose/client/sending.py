"""Sending one file: a small one in one request, a large one so that it goes on after any cut (tus 1.0)."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import BinaryIO, TypeVar

import httpx
from platformdirs import user_state_path

from compose.client.api import Api, json_object
from compose.client.exits import Unreachable
from compose.client.local_files import Advance, Stop, blocks, open_file, size_of
from compose.client.output import Json
from compose.client.private_files import write_private
from models.errors import Conflict, InvalidInput, LoomError, NotFound, Unavailable
from models.paths import display_name

RESUMABLE_BYTES = 16 * 1024**2
"""A file of this size or more is sent so that it can go on."""
_ATTEMPTS = 8
_LONGEST_PAUSE_SECONDS = 10.0
_TUS = {"Tus-Resumable": "1.0.0"}
_PIECE = {**_TUS, "Content-Type": "application/offset+octet-stream"}


T = TypeVar("T")


def _ignore(_count: int) -> None:
    pass


@dataclass(frozen=True)
class Transfer:
    """How a file is sent: to which server, who is told of progress, and what ends it."""

    api: Api
    advance: Advance = _ignore
    stop: Stop = field(default_factory=Stop)


def send_file(transfer: Transfer, file: Path, sha512: str | None = None) -> Json:
    """Send a file with constant memory; gives the task that stores it, or the asset if the server did so at once.

    `sha512` is what it was a moment ago: if it has changed, the server refuses it.

    Raises:
        InvalidInput: if it is no file that can be read, or has changed.
    """
    with open_file(file) as stream:
        if sha512 is not None and size_of(stream) >= RESUMABLE_BYTES:
            return _Resumable(transfer, file, stream, sha512).send()
        return _patiently(transfer, lambda: _send_at_once(transfer, file, stream, sha512))


def _send_at_once(transfer: Transfer, file: Path, stream: BinaryIO, sha512: str | None) -> Json:
    stream.seek(0)
    size, sent = size_of(stream), 0

    def count(number: int) -> None:
        nonlocal sent
        sent += number
        transfer.advance(number)

    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size), **_digest(sha512)}
    content, named = blocks(stream, size, count, transfer.stop), {"filename": _name_of(file)}
    try:
        return json_object(
            transfer.api.request("POST", "/assets/upload", params=named, content=content, headers=headers)
        )
    except LoomError:
        transfer.advance(-sent)
        raise


def _name_of(file: Path) -> str:
    return display_name(os.fsencode(file.name))


def _digest(sha512: str | None) -> Mapping[str, str]:
    return {"Repr-Digest": f"sha-512=:{b64encode(bytes.fromhex(sha512)).decode()}:"} if sha512 else {}


class RememberedUploads:
    """Where uploads that have not ended are on their servers, by server and content: for the next time."""

    _lock = Lock()

    def __init__(self, server: str, sha512: str) -> None:
        self._key = f"{server} {sha512}"
        self._file = user_state_path("loom") / "uploads.json"

    def get(self) -> str | None:
        """Give the path of the upload of this content."""
        with self._lock:
            return self._load().get(self._key)

    def put(self, path: str | None) -> None:
        """Remember a path, or forget it."""
        with self._lock:
            known = self._load()
            known.pop(self._key, None)
            write_private(self._file, {**known, self._key: path} if path else known)

    def _load(self) -> dict[str, str]:
        """Read the file; one that is broken only costs what it could have saved."""
        try:
            content = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}


class _Resumable:
    """One file, piece by piece, from wherever the server says that it has come to."""

    def __init__(self, transfer: Transfer, file: Path, stream: BinaryIO, sha512: str) -> None:
        self._transfer, self._file, self._stream, self._sha512 = transfer, file, stream, sha512
        self._api = transfer.api
        self._size = size_of(stream)
        self._shown = 0
        self._remembered = RememberedUploads(self._api.server, sha512)

    def send(self) -> Json:
        """Send what the server has not; gives the task that stores the file."""
        path = self._remembered.get()
        if path is None or not self._is_there(path):
            path = self._begin()
            self._remembered.put(path)
        task = self._go_on(path)
        self._remembered.put(None)
        return self._api.get(task)

    def _is_there(self, path: str) -> bool:
        try:
            return int(self._ask(path).headers["Upload-Length"]) == self._size
        except NotFound:
            return False

    def _begin(self) -> str:
        name = b64encode(_name_of(self._file).encode()).decode()
        headers = {**_TUS, "Upload-Length": str(self._size), "Upload-Metadata": f"filename {name}",
                   **_digest(self._sha512)}  # fmt: skip
        answer = _patiently(self._transfer, lambda: self._api.request("POST", "/uploads", headers=headers))
        return str(answer.headers["Location"]).removeprefix("/api/v1")

    def _ask(self, path: str) -> httpx.Response:
        return _patiently(self._transfer, lambda: self._api.request("HEAD", path, headers=_TUS))

    def _go_on(self, path: str) -> str:
        """Send the rest, after each cut from where the server is; gives up when several attempts bring nothing."""
        failures, best = 0, -1
        while True:
            answer = self._ask(path)
            offset = int(answer.headers["Upload-Offset"])
            self._show(offset)
            if "Upload-Task" in answer.headers:
                return str(answer.headers["Upload-Task"]).removeprefix("/api/v1")
            failures = 0 if offset > best else failures + 1
            best = max(best, offset)
            try:
                self._send_rest(path, offset)
            except (Unreachable, Unavailable, Conflict):
                if failures >= _ATTEMPTS:
                    raise
                self._transfer.stop.wait(_pause(failures))

    def _send_rest(self, path: str, offset: int) -> None:
        self._stream.seek(offset)
        if size_of(self._stream) < self._size:
            raise InvalidInput("The file became shorter while it was being sent")
        length = self._size - offset
        headers = {**_PIECE, "Upload-Offset": str(offset), "Content-Length": str(length)}
        content = blocks(self._stream, length, self._count, self._transfer.stop)
        self._api.request("PATCH", path, content=content, headers=headers)

    def _count(self, count: int) -> None:
        self._shown += count
        self._transfer.advance(count)

    def _show(self, offset: int) -> None:
        self._count(offset - self._shown)


def _pause(failures: int) -> float:
    return min(0.5 * float(2**failures), _LONGEST_PAUSE_SECONDS)


def _patiently(transfer: Transfer, ask: Callable[[], T]) -> T:
    """Ask again while the server is away or busy, for most of a minute."""
    for failures in range(_ATTEMPTS):
        try:
            return ask()
        except (Unreachable, Unavailable):
            transfer.stop.wait(_pause(failures))
    return ask()
