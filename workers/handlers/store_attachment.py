"""`attachments.store`: hash staged bytes, keep them under their hash, and make an attachment or an avatar of them."""

from __future__ import annotations

from typing import Any

from models.entities import Attachment, AttachmentType
from models.errors import UnsupportedMedia
from models.messages import STORE_ATTACHMENT
from models.payloads import StoreAttachment
from models.services.attachments import add_attachment, keep_target
from models.services.avatars import lock_pictured, put_avatar
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handlers.staged import Hashed, drop_staged, keep_staged, read_staged
from workers.handling import Step

_NO_PICTURES = frozenset({"image/svg+xml"})
"""Programs that draw: nobody's picture should be able to keep the browsers of others busy."""


class StoreAttachmentHandler:
    """Attachments go through here, avatars too; their staged bytes stay until the task has succeeded."""

    kind = STORE_ATTACHMENT

    def compute(self, step: Step[StoreAttachment]) -> Hashed:
        """Hash the bytes and make them safe, if there is still something to attach them to."""
        hashed = read_staged(step)
        if step.payload.user_uuid is not None:
            _require_picture(hashed.mime_type)
        with step.platform.unit_of_work() as uow:
            _keep_owner(uow, step)
            uow.release()  # keeping the bytes may take long
            keep_staged(uow, step, hashed)
            uow.commit()
        return hashed

    def apply(self, uow: UnitOfWork, step: Step[StoreAttachment], hashed: Hashed) -> Outcome:
        """Make the attachment, which refers to the bytes."""
        keep_staged(uow, step, hashed)
        _keep_owner(uow, step)
        attachment = _add(uow, step, hashed)
        result = {
            "attachmentUuid": str(attachment.id),
            "sha512": hashed.sha512,
            "size": hashed.size,
            "mimeType": hashed.mime_type,
        }
        return Outcome(done=1, bytes_done=hashed.size, result=result)

    def clean_up(self, step: Step[StoreAttachment], _: Hashed) -> None:
        """Remove the staged bytes."""
        with step.platform.unit_of_work() as uow:
            drop_staged(uow, step)


def _require_picture(mime_type: str) -> None:
    if not mime_type.startswith("image/") or mime_type in _NO_PICTURES:
        raise UnsupportedMedia(f"An avatar is a picture such as image/png, not {mime_type}")


def _keep_owner(uow: UnitOfWork, step: Step[StoreAttachment]) -> None:
    """Insist that what the bytes are for is still there, and keep it so."""
    payload = step.payload
    if payload.user_uuid is not None:
        lock_pictured(uow, payload.user_uuid)
    keep_target(uow, step.space_id, payload.asset_uuid, payload.embedding_uuid)


def _add(uow: UnitOfWork, step: Step[StoreAttachment], hashed: Hashed) -> Attachment:
    payload = step.payload
    values: dict[str, Any] = {
        "type": AttachmentType(payload.type), "filename": payload.filename, "mime_type": hashed.mime_type,
        "size": hashed.size, "blob_sha512": hashed.sha512, "asset_id": payload.asset_uuid,
        "embedding_id": payload.embedding_uuid, "detection_id": payload.detection_uuid, "variant": payload.variant,
        "node_kind": payload.node_kind,
    }  # fmt: skip
    if payload.user_uuid is not None:
        return put_avatar(uow, payload.user_uuid, step.creator_id, values)
    return add_attachment(uow, step.space_id, step.creator_id, values)
