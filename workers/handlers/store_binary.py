"""`assets.store-binary`: hash staged bytes, keep them under their hash, and give them to an asset."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models.messages import STORE_BINARY
from models.payloads import StoreBinary
from models.services.assets import StoredContent, attach_content, require_content, store_content
from models.services.libraries import keep_uploads
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handlers.staged import Hashed, drop_staged, keep_staged, read_staged
from workers.handling import Step


class StoreBinaryHandler:
    """Uploads go through here; their staged bytes stay until the task has succeeded."""

    kind = STORE_BINARY

    def compute(self, step: Step[StoreBinary]) -> Hashed:
        """Hash the bytes and make them safe."""
        hashed = read_staged(step, sha512=step.payload.sha512, digests=step.payload.digests)
        with step.platform.unit_of_work() as uow:
            if step.payload.asset_uuid is not None:
                require_content(uow, step.space_id, step.payload.asset_uuid, hashed.sha512)
            keep_staged(uow, step, hashed)
            uow.commit()
        return hashed

    def apply(self, uow: UnitOfWork, step: Step[StoreBinary], hashed: Hashed) -> Outcome:
        """Make the asset refer to the bytes."""
        keep_staged(uow, step, hashed)
        payload = step.payload
        content = StoredContent(hashed.sha512, hashed.size, hashed.mime_type, payload.filename, payload.origin)
        return store(uow, step, content, payload.asset_uuid, payload.library_uuid)

    def clean_up(self, step: Step[StoreBinary], _: Hashed) -> None:
        """Remove the staged bytes."""
        with step.platform.unit_of_work() as uow:
            drop_staged(uow, step)


def store(
    uow: UnitOfWork, step: Step[Any], content: StoredContent, asset_id: UUID | None, library_id: UUID | None
) -> Outcome:  # fmt: skip
    """Give kept bytes to an asset, or to the one that has or gets that content, and that to a library."""
    if asset_id is None:
        asset, is_new = store_content(uow, step.space_id, step.creator_id, content)
    else:
        asset, is_new = attach_content(uow, step.space_id, step.creator_id, asset_id, content), False
    result = {
        "assetUuid": str(asset.id),
        "sha512": content.sha512,
        "size": content.size,
        "mimeType": asset.mime_type,
        "status": "CREATED" if is_new else "EXISTING",
    }
    if library_id and keep_uploads(uow, step.space_id, step.creator_id, library_id, [asset.id]):
        result["libraryUuid"] = str(library_id)
    return Outcome(done=1, bytes_done=content.size, result=result)
