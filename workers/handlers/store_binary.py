"""`assets.store-binary`: hash staged bytes, keep them under their hash, and give them to an asset.

Bytes and their row are made safe in a transaction of their own, as a bucket may take minutes to copy; the transaction
that ends the task then finds them there. Whatever dies in between, the next attempt does the same again to the same
effect, and bytes that no asset came to refer to are swept up (`models.services.blobs`).
"""

from __future__ import annotations

import hashlib

from models.errors import Conflict, NotFound
from models.messages import STORE_BINARY, StoreBinary
from models.services.assets import StoredContent, attach_content, require_content, store_content
from models.services.blobs import keep_blob, lock_blob
from models.services.libraries import keep_upload
from models.services.task_parts import Outcome
from models.services.unwanted import refuse_blacklisted
from models.storage import BlobReader
from models.unit_of_work import UnitOfWork
from workers.handling import Step
from workers.processing.sniffing import HEAD_BYTES, sniff_mime

_CHUNK_BYTES = 1024**2


class StoreBinaryHandler:
    """Uploads go through here; their staged bytes stay until the task has succeeded."""

    kind = STORE_BINARY

    def compute(self, step: Step[StoreBinary]) -> StoredContent:
        """Hash the bytes and make them safe."""
        content = _read(step)
        with step.platform.unit_of_work() as uow:
            if step.payload.asset_uuid is not None:
                require_content(uow, step.space_id, step.payload.asset_uuid, content.sha512)
            _keep(uow, step, content)
            uow.commit()
        return content

    def apply(self, uow: UnitOfWork, step: Step[StoreBinary], content: StoredContent) -> Outcome:
        """Make the asset refer to the bytes."""
        _keep(uow, step, content)
        if step.payload.asset_uuid is None:
            asset, is_new = store_content(uow, step.space_id, step.creator_id, content)
        else:
            asset, is_new = attach_content(uow, step.space_id, step.creator_id, step.payload.asset_uuid, content), False
        result = {
            "assetUuid": str(asset.id),
            "sha512": content.sha512,
            "size": content.size,
            "mimeType": asset.mime_type,
            "status": "CREATED" if is_new else "EXISTING",
        }
        library_id = step.payload.library_uuid
        if library_id and keep_upload(uow, step.space_id, step.creator_id, library_id, asset.id):
            result["libraryUuid"] = str(library_id)
        return Outcome(done=1, bytes_done=content.size, result=result)

    def clean_up(self, step: Step[StoreBinary], _: StoredContent) -> None:
        """Remove the staged bytes."""
        step.platform.blobs.delete(step.payload.staging_key)


def _keep(uow: UnitOfWork, step: Step[StoreBinary], content: StoredContent) -> None:
    lock_blob(uow, content.sha512)
    try:
        refuse_blacklisted(uow, step.space_id, content.sha512)
    except Conflict:
        step.platform.blobs.delete(step.payload.staging_key)
        raise
    keep_blob(uow, step.platform.blobs, content.sha512, content.size, step.payload.staging_key)


def _read(step: Step[StoreBinary]) -> StoredContent:
    """Read the staged bytes once, from beginning to end."""
    try:
        reader = step.platform.blobs.read(step.payload.staging_key)
    except NotFound:
        raise NotFound("The uploaded bytes are no longer there; upload them again", code="staging-gone") from None
    try:
        digest, size, head = _digest(step, reader)
    finally:
        reader.close()
    payload = step.payload
    return StoredContent(digest, size, sniff_mime(head, payload.filename), payload.filename, payload.origin)


def _digest(step: Step[StoreBinary], reader: BlobReader) -> tuple[str, int, bytes]:
    hasher, size, head = hashlib.sha512(), 0, b""
    while chunk := reader.read(_CHUNK_BYTES):
        hasher.update(chunk)
        size += len(chunk)
        if len(head) < HEAD_BYTES:
            head += chunk[: HEAD_BYTES - len(head)]
        step.report(size_bytes=size)
        step.check()
    return hasher.hexdigest(), size, head
