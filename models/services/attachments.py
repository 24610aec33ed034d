"""Attachments: small files that belong to an asset, an embedding or a user. Their bytes are blobs, as an asset's are.

They are made by a task (`workers/handlers/store_attachment.py`) from what a request has staged. One that belongs to an
embedding belongs to the embedding's asset as well. One that belongs to nothing is for those who may see all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from models.entities import Attachment, Embedding, User
from models.errors import InvalidInput
from models.events import NewEvent
from models.ids import new_id
from models.permissions import Actor, Entity, Permission, Verb
from models.services.asset_access import keep_asset, require_covering
from models.services.assets import ASSETS
from models.services.blobs import request_blob_removal
from models.services.crud import Resource, Values
from models.services.embeddings import EMBEDDINGS
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

ATTACHMENTS = Resource(Attachment, "attachment", Entity.ATTACHMENT, Scope.OF_ASSET)


def require_attachable(uow: UnitOfWork, actor: Actor, asset_id: UUID | None, embedding_id: UUID | None) -> UUID | None:
    """Insist that the actor may attach files to these; gives the asset that they will belong to.

    Raises:
        InvalidInput: when the actor sees no such elements, or the embedding is of another asset.
        Forbidden: when they may not attach anything to them.
    """
    if embedding_id is not None:
        embedding = EMBEDDINGS.refer(uow, actor, embedding_id, "embeddingUuid")
        if asset_id not in (None, embedding.asset_id):
            raise InvalidInput("embeddingUuid: the embedding is of another asset than assetUuid")
        asset_id = embedding.asset_id
    if asset_id is None:
        actor.require(Permission.CREATE_ATTACHMENT)
        return None
    ASSETS.refer(uow, actor, asset_id, "assetUuid")
    require_covering(uow, actor, asset_id, Permission.CREATE_ATTACHMENT)
    return asset_id


def keep_target(uow: UnitOfWork, space_id: UUID, asset_id: UUID | None, embedding_id: UUID | None) -> None:
    """Keep what is to have an attachment from being removed until the transaction ends.

    Raises:
        NotFound: when it was removed already.
    """
    if asset_id is not None:
        keep_asset(uow, space_id, asset_id)
    if embedding_id is not None:
        query = select(Embedding.id).where(Embedding.id == embedding_id, Embedding.asset_id == asset_id)
        if uow.session.execute(query.with_for_update(read=True, key_share=True)).first() is None:
            raise EMBEDDINGS.missing(embedding_id)


def add_attachment(uow: UnitOfWork, space_id: UUID, user_id: UUID | None, values: Values) -> Attachment:
    """Make an attachment of bytes that are kept. The caller holds the lock of their hash, and what is to have it.

    `values` are columns of the table.
    """
    attachment = Attachment(id=new_id(), space_id=space_id, creator_id=user_id, editor_id=user_id, **values)
    uow.session.add(attachment)
    uow.session.flush()
    data = {"assetUuid": str(attachment.asset_id)} if attachment.asset_id else {}
    uow.publish(NewEvent(ATTACHMENTS.created, space_id, attachment.id, user_id, data))
    return attachment


def change_avatar(uow: UnitOfWork, user: User, attachment_id: UUID | None, editor_id: UUID | None) -> None:
    """Give a user, whose row is locked, another picture or none."""
    user.avatar_id = attachment_id
    user.revision += 1
    user.edited, user.editor_id = datetime.now(UTC), editor_id
    uow.session.flush()
    uow.publish(NewEvent(f"{Entity.USER.event_prefix}.updated", user.space_id, user.id, editor_id))


def hold_attachment(uow: UnitOfWork, actor: Actor, attachment_id: UUID) -> Attachment:
    """Give the attachment to be removed, locked; and before it the user whose picture it is, if it is any.

    Raises:
        NotFound: when the actor may not read it, or there is none.
        Forbidden: when they may not remove it.
    """
    ATTACHMENTS.get(uow, actor, attachment_id, Verb.DELETE)
    uow.session.execute(select(User.id).where(User.avatar_id == attachment_id).with_for_update())
    return ATTACHMENTS.get(uow, actor, attachment_id, lock=True)


def delete_attachment(uow: UnitOfWork, actor: Actor, attachment: Attachment) -> None:
    """Remove an attachment that `hold_attachment` has locked; its bytes go when nothing else has them."""
    user = uow.session.execute(select(User).where(User.avatar_id == attachment.id)).scalar_one_or_none()
    if user is not None:
        change_avatar(uow, user, None, actor.user_id)
    ATTACHMENTS.delete(uow, actor, attachment)
    request_blob_removal(uow, attachment.space_id, [attachment.blob_sha512])
