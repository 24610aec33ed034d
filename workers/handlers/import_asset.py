"""`assets.import`: fetch what a URL names, keep it under its hash, and make an asset of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from werkzeug.http import parse_options_header

from models.digests import DIGEST_MISMATCH, DIGESTS
from models.errors import InvalidInput, TooLarge
from models.fetching import Fetched, fetch
from models.ids import new_id
from models.messages import IMPORT_ASSET
from models.paths import UNNAMED, clean_name
from models.payloads import ImportAsset
from models.services.assets import StoredContent
from models.services.removal import drop_pieces
from models.services.task_parts import Outcome
from models.storage import BlobWriter, Piece, staging_key
from models.unit_of_work import UnitOfWork
from workers.handlers.staged import Hashed, keep_pieces_of
from workers.handlers.store_binary import store
from workers.handling import Step
from workers.processing.sniffing import HEAD_BYTES, sniff_mime


@dataclass(frozen=True)
class Imported:
    """Bytes that have been fetched, where they are staged, and what they are called."""

    piece: Piece
    hashed: Hashed
    filename: str


class ImportAssetHandler:
    """What breaks off is fetched anew: few servers promise that the rest would belong to the beginning."""

    kind = IMPORT_ASSET

    def compute(self, step: Step[ImportAsset]) -> Imported:
        """Fetch, hash and keep the bytes."""
        settings = step.platform.settings
        key = staging_key(new_id())
        with fetch(step.payload.url, settings.fetch_allowed_networks, settings.import_timeout) as fetched:
            writer = step.platform.blobs.write(key, size=_announced(fetched, settings.storage_max_upload_size))
            try:
                imported = _Download(step, fetched, writer, key).run()
                writer.commit()
            finally:
                writer.abort()
        with step.platform.unit_of_work() as uow:
            keep_pieces_of(uow, step, imported.hashed, [imported.piece])
            uow.commit()
        return imported

    def apply(self, uow: UnitOfWork, step: Step[ImportAsset], imported: Imported) -> Outcome:
        """Make an asset that refers to the bytes."""
        hashed, payload = imported.hashed, step.payload
        keep_pieces_of(uow, step, hashed, [imported.piece])
        content = StoredContent(hashed.sha512, hashed.size, hashed.mime_type, imported.filename, payload.origin)
        return store(uow, step, content, None, payload.library_uuid)

    def clean_up(self, step: Step[ImportAsset], imported: Imported) -> None:
        """Remove the staged bytes."""
        with step.platform.unit_of_work() as uow:
            drop_pieces(uow, step.platform.blobs, [imported.piece])


def _announced(fetched: Fetched, most_bytes: int) -> int | None:
    """Tell how large the other server says that it is.

    Raises:
        TooLarge: when that is too large.
    """
    text = fetched.headers.get("content-length", "")
    size = int(text) if text.isdecimal() else None
    if size is not None and size > most_bytes:
        raise _too_large(most_bytes)
    return size


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(f"What the URL names is larger than {most_bytes} bytes")


class _Download:
    """Bytes on their way from another server into the staging area."""

    def __init__(self, step: Step[ImportAsset], fetched: Fetched, writer: BlobWriter, key: str) -> None:
        self._step, self._fetched, self._writer, self._key = step, fetched, writer, key
        self._hashers: dict[str, Any] = {name: DIGESTS[name]() for name in step.payload.digests}
        self._hashers.setdefault("sha-512", hashlib.sha512())

    def run(self) -> Imported:
        """Take everything in.

        Raises:
            InvalidInput: when it is not what was declared.
            TooLarge: when it is more than an upload may have.
        """
        size, head = 0, b""
        for chunk in self._fetched.chunks:
            size += self._take(chunk, size)
            head += chunk[: max(0, HEAD_BYTES - len(head))]
        found = {name: hasher.hexdigest() for name, hasher in self._hashers.items()}
        if any(found[name] != digest for name, digest in self._step.payload.digests.items()):
            raise InvalidInput("What the URL names does not have the digest that was declared", code=DIGEST_MISMATCH)
        filename = self._step.payload.filename or _name_of(self._fetched)
        hashed = Hashed(found["sha-512"], size, sniff_mime(head, filename))
        return Imported(Piece(self._key, size), hashed, filename)

    def _take(self, chunk: bytes, before: int) -> int:
        most_bytes = self._step.platform.settings.storage_max_upload_size
        if before + len(chunk) > most_bytes:
            raise _too_large(most_bytes)
        self._step.check()
        for hasher in self._hashers.values():
            hasher.update(chunk)
        self._writer.write(chunk)
        self._step.report(size_bytes=before + len(chunk))
        return len(chunk)


def _name_of(fetched: Fetched) -> str:
    """Name a file as the other server does, or as the end of the URL."""
    _, options = parse_options_header(fetched.headers.get("content-disposition", ""))
    named = options.get("filename") or unquote(urlsplit(fetched.url).path.rstrip("/").rpartition("/")[2])
    return clean_name(named) if named else UNNAMED
